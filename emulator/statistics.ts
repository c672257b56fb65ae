/** What a switch did since it was made, in packets. */
export interface SwitchStatistics {
  received: number;
  sent: number;
  /** Packets given up by PacketAbortError. */
  aborted: number;
  droppedInIngress: number;
  droppedInEgress: number;
  /** Priority without a queue. */
  droppedInQueue: number;
  /** Came around too often. */
  droppedForPasses: number;
}

export function emptyStatistics(): SwitchStatistics {
  return {
    received: 0,
    sent: 0,
    aborted: 0,
    droppedInIngress: 0,
    droppedInEgress: 0,
    droppedInQueue: 0,
    droppedForPasses: 0,
  };
}
