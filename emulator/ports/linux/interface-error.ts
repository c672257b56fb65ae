import { EmulatorError } from '../../errors.js';
import type { PortErrorCode } from '../port.js';

/** A network interface cannot be used; for a switch port it becomes a PortError whose code is the reason here. */
export class InterfaceError extends EmulatorError {
  override readonly name = 'InterfaceError';
  constructor(
    readonly reason: PortErrorCode,
    message: string,
  ) {
    super('EMULATOR_INTERFACE', message);
  }
}
