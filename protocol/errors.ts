/** Base of every error that this project throws on purpose: a stable `code` for programs, a message for people. */
export abstract class FpisaError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** No controller answers, or none has answered within the timeout. */
export class ControllerUnreachableError extends FpisaError {
  readonly code = 'FPISA_CONTROLLER_UNREACHABLE';
}

/** A message whose bytes do not follow the protocol's format. */
export class MessageFormatError extends FpisaError {
  readonly code = 'FPISA_MESSAGE_FORMAT';
}
