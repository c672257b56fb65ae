import { EmulatorError } from './errors.js';
import { Random } from '../net/random.js';

export type Direction = 'in' | 'out';

/** What happens to packets of one direction of a port; probabilities from 0 to 1, each drawn independently. */
export interface FaultRates {
  readonly drop?: number;
  readonly duplicate?: number;
  /** The packet lets up to `reorderBy` others pass before it. */
  readonly reorder?: number;
  readonly delay?: number;
}

export interface FaultOptions extends FaultRates {
  /** The same seed and the same packets give the same faults. */
  readonly seed: number;
  /** Rates of single ports and directions in place of the common ones, by `3`, `3/in` or `out`. */
  readonly only?: Readonly<Record<string, FaultRates>>;
  /** Packets that overtake a reordered one; default 3. */
  readonly reorderBy?: number;
  /** A reordered packet that no other overtakes is released after this long; default 20 ms. */
  readonly reorderMs?: number;
  /** Longest delay of a delayed packet; default 10 ms. */
  readonly delayMs?: number;
  readonly scheduler?: Scheduler;
}

/** Runs a task later; tests supply one without a clock. */
export interface Scheduler {
  after(milliseconds: number, task: () => void): void;
}

const realTime: Scheduler = { after: (milliseconds, task) => void setTimeout(task, milliseconds).unref() };

/** A scheduler whose time only passes when told to. */
export class ManualScheduler implements Scheduler {
  private now = 0;
  private order = 0;
  private tasks: { readonly at: number; readonly order: number; readonly task: () => void }[] = [];

  after(milliseconds: number, task: () => void): void {
    this.tasks.push({ at: this.now + milliseconds, order: this.order++, task });
  }

  /** Runs what falls due, in order of time. */
  advance(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (;;) {
      const due = this.tasks.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.tasks.splice(this.tasks.indexOf(due), 1);
      this.now = due.at;
      due.task();
    }
    this.now = until;
  }
}

export interface FaultCounts {
  passed: number;
  dropped: number;
  duplicated: number;
  reordered: number;
  delayed: number;
}

interface Held {
  readonly frame: Uint8Array;
  /** How many packets may still pass before this one. */
  overtakers: number;
  released: boolean;
}

interface Lane {
  readonly random: Random;
  readonly rates: Required<FaultRates>;
  readonly counts: FaultCounts;
  readonly held: Held[];
}

const REORDER_BY = 3;
const REORDER_MS = 20;
const DELAY_MS = 10;

/**
 * A bad wire: drops, duplicates, reorders and delays packets. Each direction of each port has its own sequence of
 * random numbers, so the faults of one do not depend on the traffic of another.
 */
export class FaultInjector {
  private readonly lanes = new Map<string, Lane>();
  private readonly scheduler: Scheduler;

  constructor(private readonly options: FaultOptions) {
    for (const rates of [options, ...Object.values(options.only ?? {})]) checkRates(rates);
    this.scheduler = options.scheduler ?? realTime;
  }

  /** Lets a packet through, or not, or twice, now or later. `deliver` gets what comes through. */
  pass(port: number, direction: Direction, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    const lane = this.lane(port, direction);
    // Always the same number of draws per packet, so that one rate does not affect the draws of the others.
    const [drop, duplicate, reorder, delay, amount] = [0, 1, 2, 3, 4].map(() => lane.random.fraction()) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (drop < lane.rates.drop) {
      lane.counts.dropped++;
      return;
    }
    const copies = duplicate < lane.rates.duplicate ? 2 : 1;
    if (copies === 2) lane.counts.duplicated++;
    for (let i = 0; i < copies; i++) {
      if (i === 0 && reorder < lane.rates.reorder) this.hold(lane, frame, amount, deliver);
      else if (i === 0 && delay < lane.rates.delay) this.delay(lane, frame, amount, deliver);
      else this.deliverNow(lane, frame, deliver);
    }
  }

  /** What was done, by `port/direction`. */
  counts(): ReadonlyMap<string, Readonly<FaultCounts>> {
    return new Map([...this.lanes].map(([name, { counts }]) => [name, counts]));
  }

  private deliverNow(lane: Lane, frame: Uint8Array, deliver: (frame: Uint8Array) => void): void {
    lane.counts.passed++;
    deliver(frame);
    for (const held of [...lane.held]) if (--held.overtakers <= 0) this.release(lane, held, deliver);
  }

  private hold(lane: Lane, frame: Uint8Array, amount: number, deliver: (frame: Uint8Array) => void): void {
    const most = this.options.reorderBy ?? REORDER_BY;
    const held: Held = { frame, overtakers: 1 + Math.floor(amount * most), released: false };
    lane.counts.reordered++;
    lane.held.push(held);
    // Without this the last packet of a burst would wait forever.
    this.scheduler.after(this.options.reorderMs ?? REORDER_MS, () => this.release(lane, held, deliver));
  }

  private release(lane: Lane, held: Held, deliver: (frame: Uint8Array) => void): void {
    if (held.released) return;
    held.released = true;
    lane.held.splice(lane.held.indexOf(held), 1);
    lane.counts.passed++;
    deliver(held.frame);
  }

  private delay(lane: Lane, frame: Uint8Array, amount: number, deliver: (frame: Uint8Array) => void): void {
    lane.counts.delayed++;
    this.scheduler.after(amount * (this.options.delayMs ?? DELAY_MS), () => {
      lane.counts.passed++;
      deliver(frame);
    });
  }

  private lane(port: number, direction: Direction): Lane {
    const name = `${port}/${direction}`;
    let lane = this.lanes.get(name);
    if (lane === undefined) {
      const { only = {} } = this.options;
      const rates = only[name] ?? only[String(port)] ?? only[direction] ?? this.options;
      lane = {
        random: new Random((BigInt(this.options.seed) << 17n) | (BigInt(port) << 1n) | (direction === 'in' ? 0n : 1n)),
        rates: {
          drop: rates.drop ?? 0,
          duplicate: rates.duplicate ?? 0,
          reorder: rates.reorder ?? 0,
          delay: rates.delay ?? 0,
        },
        counts: { passed: 0, dropped: 0, duplicated: 0, reordered: 0, delayed: 0 },
        held: [],
      };
      this.lanes.set(name, lane);
    }
    return lane;
  }
}

function checkRates(rates: FaultRates): void {
  for (const name of ['drop', 'duplicate', 'reorder', 'delay'] as const) {
    const rate = rates[name] ?? 0;
    if (!(rate >= 0 && rate <= 1))
      throw new EmulatorError('EMULATOR_FAULT_RATE', `the rate "${name}" is a probability from 0 to 1, not ${rate}`);
  }
}
