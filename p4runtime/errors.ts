/** Base of the errors of this folder: a stable `code` for programs, a message for people. */
export abstract class P4RuntimeError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A plain object that does not fit its protobuf message. */
export class MessageShapeError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_MESSAGE_SHAPE';
}

/** Bytes that cannot be decoded as the expected protobuf message. */
export class MessageDecodeError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_MESSAGE_DECODE';
}

/** A name or id that the P4Info lacks, or a suffix that matches more than one name. */
export class P4InfoLookupError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_P4INFO_LOOKUP';
}

/** A P4Info text or JSON that cannot be read. */
export class P4InfoSyntaxError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_P4INFO_SYNTAX';
}

/** A bytestring or number that does not fit its width. */
export class BytestringError extends P4RuntimeError {
  readonly code = 'P4RUNTIME_BYTESTRING';
}
