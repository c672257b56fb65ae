import { EmulatorError } from '../errors.js';

/** The packet thread has ended with an error: the switch cannot continue. */
export class DataPlaneError extends EmulatorError {
  override readonly name = 'DataPlaneError';
  constructor(problem: string) {
    super('EMULATOR_DATA_PLANE', `the thread that runs the packets has ended: ${problem}`);
  }
}
