import { EmulatorError } from '../errors.js';

export type PortErrorCode =
  /** Another socket has the address. */
  | 'EMULATOR_PORT_IN_USE'
  /** The address is not one of this machine, or may not be used. */
  | 'EMULATOR_PORT_ADDRESS'
  /** Two ports of one switch have the same number. */
  | 'EMULATOR_PORT_DUPLICATE'
  /** There is no network interface of that name. */
  | 'EMULATOR_PORT_NO_INTERFACE'
  /** The network interface is down. */
  | 'EMULATOR_PORT_DOWN'
  /** This process may not open network interfaces. */
  | 'EMULATOR_PORT_PERMISSION'
  /** This machine cannot do it: not Linux, kernel too old, or a package is missing. */
  | 'EMULATOR_PORT_UNSUPPORTED'
  | 'EMULATOR_PORT_FAILED';

/** A port cannot be opened. */
export class PortError extends EmulatorError {
  override readonly name = 'PortError';
  constructor(
    code: PortErrorCode,
    /** Number of the switch port. */
    readonly port: number,
    message: string,
  ) {
    super(code, `port ${port}: ${message}`);
  }
}

/** Frames and what became of them. */
export interface PortStatistics {
  received: number;
  sent: number;
  /** Frames that the medium of the port cannot carry. */
  notCarried: number;
  /** Frames that the operating system did not take. */
  sendErrors: number;
}

export function emptyPortStatistics(): PortStatistics {
  return { received: 0, sent: 0, notCarried: 0, sendErrors: 0 };
}

/** One attachment of a switch to the world; frames are Ethernet, without a check sequence. */
export interface Port {
  /** Number of the switch port. */
  readonly number: number;
  readonly statistics: PortStatistics;
  /**
   * Opens the port; frames that come in go to `receive`, which never throws.
   * @throws PortError
   */
  open(receive: (frame: Uint8Array) => void): Promise<void>;
  /** Sends a frame out; never throws. The frame belongs to the port from now on. */
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}
