import type { Trace } from './trace.js';

/** Root of every error this folder throws, apart from ControlError; `code` is stable, the message is not. */
export class EmulatorError extends Error {
  override readonly name: string = 'EmulatorError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The JSON does not follow the BMv2 format; `path` is the place, e.g. `pipelines[0].tables[2].key[0].target`. */
export class ProgramFormatError extends EmulatorError {
  override readonly name = 'ProgramFormatError';
  constructor(
    readonly path: string,
    problem: string,
  ) {
    super('EMULATOR_PROGRAM_FORMAT', `${path === '' ? 'the program' : path}: ${problem}`);
  }
}

/** The JSON is well formed but uses features the engine does not have. All of them are listed, not only the first. */
export class UnsupportedFeatureError extends EmulatorError {
  override readonly name = 'UnsupportedFeatureError';
  constructor(readonly features: readonly string[]) {
    super(
      'EMULATOR_UNSUPPORTED_FEATURE',
      `the program uses ${features.length} feature(s) that this switch does not have: ${features.join('; ')}`,
    );
  }
}

/**
 * Where simple_switch would stop the whole process (assert, assume, division by zero, more than 512 bytes of
 * added headers) the emulator aborts only that packet.
 */
export class PacketAbortError extends EmulatorError {
  override readonly name = 'PacketAbortError';
  /** What happened until then, if a trace was requested. */
  trace?: Trace;
  constructor(problem: string) {
    super('EMULATOR_PACKET_ABORT', problem);
  }
}
