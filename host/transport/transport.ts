/** How a worker's messages travel to the switch and back. */

/** Where this worker's packets come from, as the controller needs it for the membership table. */
export interface LocalAddress {
  ip: string;
  udpPort: number;
  /** Undefined if the worker does not send Ethernet frames itself, as with an ordinary socket. */
  mac?: string;
  /** Port of the switch that it is attached to; undefined lets the controller choose. */
  switchPort?: number;
}

/** The aggregation service of a switch. */
export interface ServiceAddress {
  ip: string;
  udpPort: number;
  mac?: string;
}

/** Messages are UDP payloads; any of them may be lost, duplicated or reordered. */
export interface Transport {
  /** Known once the transport is constructed (or opened). */
  readonly localAddress: LocalAddress;
  /** For people: which way messages take, and why not a faster one. */
  readonly description: string;
  /** Memory that the kernel grants for messages in each direction; undefined: none is needed, or it is not known. */
  readonly bufferBytes?: number;
  /** Called for every message that arrives, never from within {@link send}. Its memory is valid during the call. */
  onMessage: ((message: Uint8Array) => void) | undefined;
  /** Sends to `service` from now on. */
  connect(service: ServiceAddress): Promise<void>;
  /**
   * Sends `length` bytes of `memory` from offset `at`, at the latest before the event loop's next turn. If the memory
   * changes before, what it holds then is sent.
   */
  send(memory: Uint8Array, at: number, length: number): void;
  /** For error messages: what the network reported, for example refused packets. */
  note(): string | undefined;
  close(): Promise<void>;
}
