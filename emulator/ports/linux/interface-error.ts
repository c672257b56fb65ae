import { EmulatorError } from '../../errors.js';
import type { PortErrorCode } from '../port.js';

/** A network interface cannot be used. */
export class InterfaceError extends EmulatorError {
  override readonly name = 'InterfaceError';
  declare readonly code: PortErrorCode;
  constructor(code: PortErrorCode, message: string) {
    super(code, message);
  }
}
