/** What a switch has done since it was created, in packets. */
export interface SwitchStatistics {
  received: number;
  sent: number;
  /** Packets aborted by a PacketAbortError. */
  aborted: number;
  droppedInIngress: number;
  droppedInEgress: number;
  /** Priority without a queue. */
  droppedInQueue: number;
  /** Went through ingress too often, or had too many copies. */
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
