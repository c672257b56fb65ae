import { LibcMissing, loadLibc, type Libc } from '../../../net/linux/libc.js';
import { InterfaceError } from './interface-error.js';

/** @throws InterfaceError EMULATOR_PORT_UNSUPPORTED where the C library cannot be called */
export async function requireLibc(): Promise<Libc> {
  const libc = await loadLibc();
  if (libc instanceof LibcMissing)
    throw new InterfaceError(
      'EMULATOR_PORT_UNSUPPORTED',
      `a network interface as a port ${libc.reason}; ports can be UDP sockets here`,
    );
  return libc;
}
