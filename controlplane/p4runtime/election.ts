/**
 * One client's part in the election of a switch's primary (P4Runtime 1.4, "Client Arbitration and Controller
 * Replication"), on servers of both kinds: those that remember the highest election id and promote nobody by
 * themselves, and those that promote the highest of the living, as BMv2's does.
 */
import { status as Code } from '@grpc/grpc-js';
import type { MasterArbitrationUpdate } from '../../p4runtime/messages.js';
import { fromUint128 } from '../../p4runtime/uint128.js';

/** What a switch has said about its primary, seen from one client. */
export interface Role {
  readonly primary: boolean;
  /** Election id of the primary; 0 if there is none. */
  readonly primaryId: bigint;
  /** Election id that a new primary must reach: the highest that the switch has seen, as far as it says. */
  readonly highestId: bigint;
}

/**
 * A client that becomes primary when no other one is, and never displaces a living primary. It joins without an
 * election id, which cannot win, and is told who leads; only then does it bid.
 */
export interface Candidate {
  /**
   * The id of the next bid.
   * @param highest that the switch has seen, as far as it says; 0: none
   * @param isHeld whether a connection still has that id: the bid must then exceed it, otherwise it may equal it
   * @returns undefined when no id is left
   */
  bid(highest: bigint, isHeld: boolean): bigint | undefined;
  /** Whether `id` is that of an earlier connection of the same controller, whose end the switch has not noticed. */
  isOwn(id: bigint): boolean;
}

export interface ElectionEvents {
  /** @param electionId undefined: none */
  arbitrate(electionId: bigint | undefined): void;
  /** After each answer that leaves something to know: not while a bid is under way. */
  role(role: Role): void;
}

/** The pause before a bid for a switch that has lost its primary, so that several backups do not displace each other. */
const PAUSE_MS = { least: 50, most: 500 };
/** Backups beside each other need different ids. */
const BACKUP_IDS = 2 ** 32;

export class Election {
  private id: bigint | undefined;
  private isTold = false;
  private pause: NodeJS.Timeout | undefined;

  /** @param stand a number: the client's only bid, which takes the place of a primary with a smaller one */
  constructor(
    private readonly stand: bigint | Candidate,
    private readonly events: ElectionEvents,
    private readonly random: () => number = Math.random,
  ) {}

  /** With which this client writes. */
  get electionId(): bigint {
    return this.id ?? 0n;
  }

  start(): void {
    this.send(typeof this.stand === 'bigint' ? this.stand : undefined);
  }

  stop(): void {
    clearTimeout(this.pause);
  }

  answer({ status, electionId }: MasterArbitrationUpdate): void {
    clearTimeout(this.pause);
    const code = status?.code ?? Code.OK;
    const highestId = electionId ? fromUint128(electionId) : 0n;
    if (code === Code.NOT_FOUND) return this.vacant(highestId);
    // In one interpretation of the specification the status is the same for all clients; the id is always reliable.
    const primary = code === Code.OK && highestId === this.electionId;
    if (typeof this.stand === 'bigint') return this.settle({ primary, primaryId: highestId, highestId });
    // BMv2 takes no id for the id 0, and has made a lone client primary with it.
    if (primary && this.id === undefined) return this.bid(this.stand, 0n, false);
    if (!primary && this.stand.isOwn(highestId)) return this.bid(this.stand, highestId, true);
    if (!primary && this.id === undefined) this.standBy(highestId);
    this.settle({ primary, primaryId: highestId, highestId });
  }

  private vacant(highestId: bigint): void {
    const { stand } = this;
    const isNews = this.isTold;
    this.isTold = true;
    if (typeof stand !== 'bigint' && !isNews) return this.bid(stand, highestId, false);
    this.settle({ primary: false, primaryId: 0n, highestId });
    if (typeof stand === 'bigint') return;
    const { least, most } = PAUSE_MS;
    this.pause = setTimeout(() => this.bid(stand, highestId, false), least + this.random() * (most - least));
    this.pause.unref();
  }

  private bid(candidate: Candidate, highestId: bigint, isHeld: boolean): void {
    const id = candidate.bid(highestId, isHeld);
    if (id === undefined) return this.settle({ primary: false, primaryId: isHeld ? highestId : 0n, highestId });
    this.isTold = true;
    this.send(id);
  }

  /**
   * On BMv2 a second client without an id is refused, and the highest of the backups becomes primary when the
   * primary goes: so a backup takes an id below the primary's.
   */
  private standBy(primaryId: bigint): void {
    if (primaryId <= 1n) return;
    const below = primaryId - 1n;
    const range = below < BigInt(BACKUP_IDS) ? Number(below) : BACKUP_IDS;
    this.send(primaryId - 1n - BigInt(Math.floor(this.random() * range)));
  }

  private settle(role: Role): void {
    this.isTold = true;
    this.events.role(role);
  }

  private send(id: bigint | undefined): void {
    this.id = id;
    this.events.arbitrate(id);
  }
}
