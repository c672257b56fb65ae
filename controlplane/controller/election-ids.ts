/**
 * The election ids of one controller at one switch. The lower 32 bits are the store's id: only one controller uses a
 * store at a time, so a primary with that id is the dead connection of a predecessor, and may be outbid.
 */
import type { Candidate } from '../p4runtime/election.js';

const OWNER_BITS = 32n;
const OWNER_MASK = (1n << OWNER_BITS) - 1n;
const MAX_ID = (1n << 128n) - 1n;

export class ElectionIds implements Candidate {
  /** The last bid of this process. */
  private last: bigint | undefined;

  constructor(private readonly storeId: number) {}

  /** Above `highest`, with the store's id. Where no such id is left, as after a foreign controller's 2^128 - 1, it equals `highest`. */
  bid(highest: bigint, isHeld: boolean): bigint | undefined {
    const next = (((highest >> OWNER_BITS) + 1n) << OWNER_BITS) | BigInt(this.storeId);
    const id = next <= MAX_ID ? next : isHeld ? highest + 1n : highest;
    if (id > MAX_ID) return undefined;
    this.last = id;
    return id;
  }

  /**
   * Until this process has bid, every id of the store's is its predecessor's. Afterwards one above its own bids is of a
   * second controller that runs on a copy of the store: to outbid it would begin a fight without end.
   */
  isOwn(id: bigint): boolean {
    const isStores = (id & OWNER_MASK) === BigInt(this.storeId) && id > OWNER_MASK;
    return this.last === undefined ? isStores : id === this.last || (isStores && id < this.last);
  }
}
