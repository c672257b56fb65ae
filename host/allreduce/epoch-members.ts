import { MembershipError } from '../errors.js';
import type { Membership, MissingRank } from '../session/messages.js';

/** An epoch and its members. */
export interface EpochMembership {
  readonly number: number;
  readonly ranks: readonly number[];
  /** In the order of `ranks`: their bits in the bitmaps of this worker's switch ({@link Membership.bits}). */
  readonly bits: readonly number[];
  /** Ranks of the job that are no members. */
  readonly missing: readonly MissingRank[];
}

export function epochMembers({ epoch, ranks, bits = [], missing = [] }: Membership): EpochMembership {
  return { number: epoch, ranks, bits: bits.length === 0 ? ranks : bits, missing };
}

/** Of an operation that a worker has missed. */
export function passedError(rank: number, operation: number): MembershipError {
  return new MembershipError(
    `operation ${operation} continued without this worker (rank ${rank}), which was not connected at that time`,
  );
}
