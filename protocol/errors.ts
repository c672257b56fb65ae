/** Base of every error that this project throws on purpose: a stable `code` for programs, a sentence for people. */
export abstract class FpisaError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** No controller answers, or none has for longer than one may wait. */
export class ControllerUnreachableError extends FpisaError {
  readonly code = 'FPISA_CONTROLLER_UNREACHABLE';
}

/** A message whose bytes are not of the protocol's form. */
export class MessageFormatError extends FpisaError {
  readonly code = 'FPISA_MESSAGE_FORMAT';
}
