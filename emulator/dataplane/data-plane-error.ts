import { EmulatorError } from '../errors.js';

/** The packet thread has ended by an error: the switch cannot go on. */
export class DataPlaneError extends EmulatorError {
  override readonly name = 'DataPlaneError';
  constructor(problem: string) {
    super('EMULATOR_DATA_PLANE', `the thread that runs the packets has ended: ${problem}`);
  }
}
