/** Scenarios for the query program: workers' rows, repeated, stale and malformed ones, and a master that opens, drains and acknowledges. */
import { encapsulate } from '../../../net/frames.js';
import { macOfIpv4 } from '../../../net/mac.js';
import {
  Having,
  HAVING_ON_ROWS,
  MASTER,
  Opcode,
  Operator,
  QUERY_BUILDS,
  SERVICE_UDP_PORT,
  type QueryBuild,
} from '../../../protocol/query/constants.js';
import {
  emptyHeader,
  groupsBytes,
  HEADER_BYTES,
  KEY_BYTES,
  rowsBytes,
  tupleBytes,
  tuplesOffset,
  writeHeader,
  type QueryHeader,
} from '../../../protocol/query/message.js';
import { SeededRandom } from '../random.js';
import type { Configuration, Entry, Packet, Scenario } from '../scenario.js';

export const QUERY_NAMES: readonly string[] = QUERY_BUILDS.map(({ name }) => name);

const EPOCH = 0x51_0007;
const WORKERS = 3;
const FLOW_SLOTS = 4;
const SERVICE_IP = Uint8Array.of(10, 0, 0, 254);
const SERVICE = { mac: macOfIpv4(SERVICE_IP), ip: SERVICE_IP, udpPort: SERVICE_UDP_PORT };
/** simple_switch has ports up to 511. */
const MASTER_PORT = 9;

interface Stream {
  readonly number: number;
  readonly params: Readonly<Record<string, number>>;
}

function streamsOf(random: SeededRandom, { lanes }: QueryBuild): Stream[] {
  const laneOps = (): number =>
    Array.from({ length: lanes }, (_, lane) => random.below(8) * 2 ** (8 * lane)).reduce((sum, op) => sum + op, 0);
  const base = { lane_ops: 0, order: 1, having: Having.NONE, having_lane: 0, having_key: 0 };
  const having = {
    having: random.pick([Having.AT_LEAST, Having.AT_MOST]),
    having_lane: random.pick([0, 1, HAVING_ON_ROWS]),
    having_key: random.pick([2, 2 ** 45, 2 ** 53 - 1]),
  };
  return [
    { ...base, operator: Operator.GROUP, lane_ops: laneOps(), state_base: 0, state_mask: 15 },
    { ...base, operator: Operator.GROUP, lane_ops: laneOps(), state_base: 64, state_mask: 511, ...having },
    { ...base, operator: Operator.TOP, order: random.between(1, 3), state_base: 3, state_mask: random.between(1, 9) },
    { ...base, operator: Operator.BUILD, state_base: 10, state_mask: 255 },
    { ...base, operator: Operator.PROBE, state_base: 10, state_mask: 255 },
  ].map((params, number) => ({ number, params }));
}

const hostOf = (worker: number): { port: number; ip: Uint8Array; udpPort: number } =>
  worker === MASTER
    ? { port: MASTER_PORT, ip: Uint8Array.of(10, 0, 0, 200), udpPort: 41_000 }
    : { port: worker + 1, ip: Uint8Array.of(10, 0, 0, worker + 1), udpPort: 40_001 + worker };

const numberOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

function configurationOf(streams: readonly Stream[]): Configuration {
  const entries: Entry[] = [
    {
      table: 'fpisa_query.local',
      match: { dst_addr: numberOf(SERVICE_IP) },
      action: 'fpisa_query.serve',
      params: {},
    },
  ];
  for (const { number, params } of streams) {
    for (const worker of [...Array(WORKERS).keys(), MASTER]) {
      const { port, ip, udpPort } = hostOf(worker);
      entries.push(
        {
          table: 'fpisa_query.member',
          match: { ingress_port: port, src_addr: numberOf(ip), src_port: udpPort, stream: number, worker },
          action: 'fpisa_query.join',
          params: {
            flow_base: worker === MASTER ? 0 : (number * WORKERS + worker) * FLOW_SLOTS,
            flow_slots: FLOW_SLOTS,
            epoch: EPOCH,
            ...params,
          },
        },
        {
          table: 'fpisa_query.receiver',
          match: { stream: number, peer: worker },
          action: 'fpisa_query.address',
          params: { port, dst_mac: numberOf(macOfIpv4(ip)), dst_addr: numberOf(ip), dst_port: udpPort },
        },
      );
    }
  }
  return { entries, groups: [] };
}

function lane(random: SeededRandom): bigint {
  const view = new DataView(new ArrayBuffer(8));
  const kind = random.below(8);
  if (kind === 0) for (let i = 0; i < 8; i++) view.setUint8(i, random.below(256));
  else if (kind === 1) view.setFloat64(0, random.pick([0, -0, Infinity, -Infinity, NaN, 5e-324, 1.7e308]));
  else if (kind === 2) view.setBigInt64(0, BigInt(random.between(-5, 5)) * 2n ** BigInt(random.below(64)));
  else if (kind === 3) view.setFloat32(4, (random.word() / 2 ** 16 - 2 ** 15) * 2 ** random.between(-20, 20));
  else view.setFloat64(0, (random.word() / 2 ** 16 - 2 ** 15) * 2 ** random.between(-10, 10));
  return view.getBigUint64(0);
}

export function makeQueryScenario(name: string, seed: number, packets: number): Scenario {
  const random = new SeededRandom(seed);
  const build = QUERY_BUILDS.find((each) => each.name === name)!;
  const streams = streamsOf(random, build);
  /** By stream and worker: what was sent, so that it can be repeated. */
  const sent = new Map<string, Uint8Array[]>();

  const from = (worker: number, payload: Uint8Array): Packet => {
    const { port, ip, udpPort } = hostOf(worker);
    return { port, bytes: encapsulate({ mac: macOfIpv4(ip), ip, udpPort }, SERVICE, payload) };
  };
  const message = (worker: number, stream: number, bytes: number, header: Partial<QueryHeader>): Uint8Array => {
    const payload = new Uint8Array(bytes);
    writeHeader(new DataView(payload.buffer), { ...emptyHeader(), epoch: EPOCH, worker, stream, ...header });
    return payload;
  };
  const rows = (worker: number, stream: number): Packet => {
    const key = `${stream}/${worker}`;
    const known = sent.get(key) ?? [];
    sent.set(key, known);
    if (known.length > 0 && random.chance(0.15)) return from(worker, random.pick(known.slice(-6)));
    const sequence = known.length + 1;
    const count = random.chance(0.1) ? 0 : random.between(1, build.tuples);
    const payload = message(worker, stream, rowsBytes(build, count), {
      opcode: Opcode.ROWS,
      sequence,
      slot: sequence % FLOW_SLOTS,
      count,
      flags: count === 0 ? 1 : 0,
      rows: BigInt(random.word()),
    });
    const view = new DataView(payload.buffer);
    for (let t = 0; t < count; t++) {
      const at = tuplesOffset(build) + t * tupleBytes(build);
      view.setUint8(HEADER_BYTES + t, random.chance(0.2) ? random.below(256) : 0);
      view.setUint32(at + 8 * random.below(3), random.below(40));
      for (let l = 0; l < build.lanes; l++) view.setBigUint64(at + KEY_BYTES + 8 * l, lane(random));
    }
    known.push(payload);
    return from(worker, payload);
  };
  const packet = (): Packet => {
    const { number } = random.pick(streams);
    const worker = random.below(WORKERS);
    const kind = random.below(100);
    if (kind < 60) return rows(worker, number);
    if (kind < 75) {
      const next = random.pick([16, 512, random.below(600)]);
      return from(
        MASTER,
        message(MASTER, number, groupsBytes(build), {
          opcode: Opcode.DRAIN,
          count: build.groupsPerPacket,
          sequence: random.pick([0, random.below(next + 1)]),
          next,
          slot: random.below(16),
        }),
      );
    }
    if (kind < 80)
      return from(
        MASTER,
        message(MASTER, number, HEADER_BYTES, {
          opcode: Opcode.ACK,
          peer: random.below(WORKERS + 1),
          slot: random.below(4),
          sequence: random.word(),
          mask: random.word(),
        }),
      );
    if (kind < 83)
      return from(
        MASTER,
        message(MASTER, number, HEADER_BYTES, { opcode: Opcode.OPEN, epoch: random.chance(0.8) ? EPOCH : EPOCH + 1 }),
      );
    // From here on something is wrong with it.
    const bytes = rows(worker, number).bytes.slice();
    const at = 42 + random.below(Math.min(bytes.length - 42, HEADER_BYTES + 40));
    if (kind < 93) bytes[at] = random.below(256);
    const length = random.chance(0.3) ? random.between(14, bytes.length) : bytes.length;
    return { port: random.chance(0.1) ? random.between(1, 8) : hostOf(worker).port, bytes: bytes.slice(0, length) };
  };

  const opening = streams
    .filter(() => random.chance(0.9))
    .map(({ number }) => from(MASTER, message(MASTER, number, HEADER_BYTES, { opcode: Opcode.OPEN })));
  return {
    name: `seed ${seed}`,
    build: name,
    phases: [
      {
        configuration: configurationOf(streams),
        packets: [...opening, ...Array.from({ length: packets - opening.length }, packet)],
      },
    ],
  };
}
