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

/** A gRPC server answers at the controller's address, and it is another one. */
export class NotAControllerError extends FpisaError {
  readonly code = 'FPISA_NOT_A_CONTROLLER';
  constructor(address: string, options?: ErrorOptions) {
    super(
      `the server at ${address} is no controller, but perhaps a switch's P4Runtime server: give the address of the controller`,
      options,
    );
  }
}

/** A message whose bytes do not follow the protocol's format. */
export class MessageFormatError extends FpisaError {
  readonly code = 'FPISA_MESSAGE_FORMAT';
}
