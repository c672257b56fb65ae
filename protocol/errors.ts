/** Base of every error that this project throws on purpose: a stable `code` for programs, a sentence for people. */
export abstract class FpisaError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A message whose bytes are not of the protocol's form. */
export class MessageFormatError extends FpisaError {
  readonly code = 'FPISA_MESSAGE_FORMAT';
}
