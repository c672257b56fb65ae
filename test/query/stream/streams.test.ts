import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../net/random.js';
import {
  type MessageOutlet,
  MasterEndpoint,
  RowSender,
  QueryStalledError,
  QueryStateLostError,
  type SenderStatistics,
  type TupleBatch,
} from '../../../query/index.js';
import { LaneOp, MASTER, Operator, Order } from '../../../protocol/query/constants.js';
import { KEY_BYTES } from '../../../protocol/query/message.js';
import { QuerySwitch } from '../../p4/query/query-switch.js';

const SLOTS = 8;
const RTO = { initialMs: 10, minMs: 2, maxMs: 40 };

/** Hosts and a switch in one process, with messages that are lost, doubled and overtaken by seed. */
class Network {
  private readonly random: Random;
  private readonly hosts = new Map<number, (message: Uint8Array) => void>();
  lossy = true;
  delivered = 0;

  constructor(
    readonly query: QuerySwitch,
    seed: number,
    private readonly loss: number,
  ) {
    this.random = new Random(seed);
  }

  private chance(): number {
    return this.random.fraction();
  }

  attach(rank: number, receive: (message: Uint8Array) => void): MessageOutlet {
    this.hosts.set(rank === MASTER ? 100 : rank + 1, receive);
    return {
      send: (memory, at, length) => {
        const message = memory.slice(at, at + length);
        this.travel(() => {
          for (const { port, payload } of this.query.sendRaw(rank, message)) {
            const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
            this.travel(() => {
              this.delivered++;
              this.hosts.get(port)?.(bytes);
            });
          }
        });
      },
    };
  }

  private travel(arrive: () => void): void {
    const copies = this.chance() < this.loss ? 0 : this.chance() < this.loss ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.chance() < this.loss) setTimeout(arrive, this.random.between(0, 15));
      else setImmediate(arrive);
    }
  }
}

function batch(rows: readonly (readonly [key: number, value: number | null])[]): TupleBatch {
  const keys = new Uint8Array(rows.length * KEY_BYTES);
  rows.forEach(([key], i) => new DataView(keys.buffer).setUint32(i * KEY_BYTES, key));
  return {
    rows: rows.length,
    keys,
    lanes: [Float64Array.from(rows, ([, value]) => value ?? 0), BigInt64Array.from(rows, () => 1n)],
    nulls: Uint8Array.from(rows, ([, value]) => (value === null ? 1 : 0)),
  };
}

interface Outcome {
  readonly senders: readonly SenderStatistics[];
  /** Sum, count of values, and rows by key; from the switch and from what it passed on. */
  readonly groups: ReadonlyMap<number, { sum: number; values: number; rows: number }>;
  readonly inSwitch: number;
  readonly passed: number;
}

async function aggregate(
  network: Network,
  shares: readonly (readonly (readonly [number, number | null])[])[],
  groupSlots: number,
): Promise<Outcome> {
  const { query } = network;
  query.addStream(
    { operator: Operator.GROUP, stateMask: groupSlots - 1, laneOps: [LaneOp.SUM_F64, LaneOp.SUM_I64] },
    shares.length,
    SLOTS,
  );
  const groups = new Map<number, { sum: number; values: number; rows: number }>();
  const add = (key: number, sum: number, values: number, rows: number): void => {
    const known = groups.get(key) ?? { sum: 0, values: 0, rows: 0 };
    groups.set(key, { sum: known.sum + sum, values: known.values + values, rows: known.rows + rows });
  };
  const master: MasterEndpoint = new MasterEndpoint(
    network.attach(MASTER, (message) => master.receive(message)),
    query.build,
    query.epoch,
    { rto: RTO },
  );
  await master.open(0);
  let passed = 0;
  const receiver = master.listen({
    stream: 0,
    workers: shares.length,
    slots: SLOTS,
    onTuple: (_rank, view, at, nulls) => {
      passed++;
      add(view.getUint32(at), nulls & 1 ? 0 : view.getFloat64(at + KEY_BYTES), nulls & 1 ? 0 : 1, 1);
    },
  });
  const senders = await Promise.all(
    shares.map(async (rows, rank) => {
      const sender: RowSender = new RowSender(
        network.attach(rank, (message) => sender.receive(message)),
        { build: query.build, stream: 0, rank, epoch: query.epoch, slots: SLOTS, rto: RTO },
      );
      for (let at = 0; at < rows.length; at += 100) await sender.send(batch(rows.slice(at, at + 100)));
      return sender.end();
    }),
  );
  expect(await receiver.ended).toEqual(shares.map((rows) => rows.length));
  const drain = await master.drain({
    stream: 0,
    groupSlots,
    onGroup: (view, at) =>
      add(
        view.getUint32(at),
        view.getFloat64(at + 32),
        Number(view.getBigUint64(at + 48)),
        Number(view.getBigUint64(at + 24)),
      ),
  });
  return { senders, groups, inSwitch: drain.rows, passed };
}

describe('streams', () => {
  it('loses no row and counts none twice, whatever the network does', async () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: -1000, max: 1000 })));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 400 }), { minLength: 1, maxLength: 3 }),
        fc.integer(),
        fc.constantFrom(0, 0.05, 0.2),
        fc.constantFrom(4, 256),
        async (shares, seed, loss, groupSlots) => {
          const expected = new Map<number, { sum: number; values: number; rows: number }>();
          for (const [key, value] of shares.flat()) {
            const known = expected.get(key) ?? { sum: 0, values: 0, rows: 0 };
            expected.set(key, {
              sum: known.sum + (value ?? 0),
              values: known.values + (value === null ? 0 : 1),
              rows: known.rows + 1,
            });
          }
          const outcome = await aggregate(
            new Network(new QuerySwitch(2, { engine: 'interpreter' }), seed, loss),
            shares,
            groupSlots,
          );
          expect([...outcome.groups].sort(([a], [b]) => a - b)).toEqual([...expected].sort(([a], [b]) => a - b));
          expect(outcome.inSwitch + outcome.passed).toBe(shares.flat().length);
          expect(outcome.senders.reduce((sum, { absorbed }) => sum + absorbed, 0)).toBe(outcome.inSwitch);
        },
      ),
      { numRuns: 15 },
    );
  }, 120_000);

  it('tells a worker what became of each of its rows', async () => {
    const query = new QuerySwitch(2, { engine: 'interpreter' });
    const network = new Network(query, 3, 0.1);
    query.addStream({ operator: Operator.TOP, stateMask: 5, order: Order.F64 }, 1, SLOTS);
    const master: MasterEndpoint = new MasterEndpoint(
      network.attach(MASTER, (message) => master.receive(message)),
      query.build,
      query.epoch,
      { rto: RTO },
    );
    await master.open(0);
    const arrived: number[] = [];
    const receiver = master.listen({
      stream: 0,
      workers: 1,
      slots: SLOTS,
      onTuple: (_rank, view, at) => arrived.push(view.getFloat64(at + KEY_BYTES)),
    });
    const values = Float64Array.from({ length: 500 }, (_, i) => (i * 7919) % 503);
    const survivors: number[] = [];
    const sender: RowSender = new RowSender(
      network.attach(0, (message) => sender.receive(message)),
      {
        build: query.build,
        stream: 0,
        rank: 0,
        epoch: query.epoch,
        slots: SLOTS,
        rto: RTO,
        onVerdict: (first, count, mask) => {
          for (let t = 0; t < count; t++) if (((mask >>> t) & 1) === 0) survivors.push(values[first + t]!);
        },
      },
    );
    await sender.send({ rows: values.length, keys: undefined, lanes: [values], nulls: undefined });
    await sender.end();
    await receiver.ended;
    const numerically = (a: number, b: number): number => a - b;
    expect(survivors.sort(numerically)).toEqual(arrived.sort(numerically));
    expect(arrived.slice(-5)).toEqual([...values].sort(numerically).slice(-5));
    expect(arrived.length).toBeLessThan(150);
  });

  it('gives up when nobody answers, and says what to look at', async () => {
    const sender = new RowSender(
      { send: () => {} },
      { build: new QuerySwitch(2).build, stream: 0, rank: 0, epoch: 1, slots: 4, rto: RTO, timeoutMs: 50 },
    );
    await expect(sender.end()).rejects.toThrow(QueryStalledError);
  });

  it('does not go on with a switch that has forgotten the stream', async () => {
    const query = new QuerySwitch(2, { engine: 'interpreter' });
    const network = new Network(query, 1, 0);
    query.addStream({ operator: Operator.GROUP, stateMask: 255 }, 1, SLOTS);
    const sender: RowSender = new RowSender(
      network.attach(0, (message) => sender.receive(message)),
      { build: query.build, stream: 0, rank: 0, epoch: query.epoch, slots: SLOTS, rto: RTO },
    );
    await expect(sender.end()).rejects.toThrow(QueryStateLostError);
  });
});
