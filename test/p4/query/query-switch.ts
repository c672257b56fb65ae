/** The query program on the emulator, with its tables filled as a master fills them. */
import { readFileSync } from 'node:fs';
import type { MatchKey } from '../../../emulator/control.js';
import { encapsulate, FRAME_OVERHEAD_BYTES } from '../../../net/frames.js';
import { Switch, type SwitchOptions } from '../../../emulator/switch.js';
import {
  EVENTS_PER_STREAM,
  MASTER,
  Opcode,
  Order,
  QUERY_BUILDS,
  SERVICE_UDP_PORT,
  type LaneOp,
  type Operator,
  type QueryBuild,
} from '../../../protocol/query/constants.js';
import {
  emptyHeader,
  groupBytes,
  groupsBytes,
  HEADER_BYTES,
  readHeader,
  rowsBytes,
  tupleBytes,
  tuplesOffset,
  writeHeader,
  type QueryHeader,
} from '../../../protocol/query/message.js';

const SERVICE = {
  mac: Uint8Array.of(2, 0, 0, 0, 0, 0xfe),
  ip: Uint8Array.of(10, 0, 0, 254),
  udpPort: SERVICE_UDP_PORT,
};
export const MASTER_PORT = 100;

export interface Tuple {
  /** Up to 24 bytes, the rest zeros. */
  readonly key?: readonly [bigint, bigint?, bigint?];
  /** Bit patterns; null is NULL. */
  readonly lanes?: readonly (bigint | null)[];
}

export interface Stream {
  readonly number?: number;
  readonly operator: Operator;
  readonly laneOps?: readonly LaneOp[];
  readonly order?: Order;
  readonly stateBase?: number;
  readonly stateMask: number;
  readonly having?: readonly [number, number, bigint];
}

/** What left the switch. */
export interface Message {
  readonly port: number;
  readonly header: QueryHeader;
  readonly payload: DataView;
}

export interface Group {
  readonly key: readonly bigint[];
  readonly rows: bigint;
  readonly lanes: readonly bigint[];
  readonly counts: readonly bigint[];
}

const exact = (value: number | bigint): MatchKey => ({ kind: 'exact', value: BigInt(value) });
const scratch = new DataView(new ArrayBuffer(8));

export function f64(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

export function f64Of(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

export function i64(value: number | bigint): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

/** Rank r has port r + 1, the master MASTER_PORT. */
function hostOf(rank: number): { port: number; ip: Uint8Array; mac: Uint8Array; udpPort: number } {
  const last = rank === MASTER ? 200 : rank + 1;
  return {
    port: rank === MASTER ? MASTER_PORT : rank + 1,
    ip: Uint8Array.of(10, 0, 0, last),
    mac: Uint8Array.of(2, 0, 0, 0, 0, last),
    udpPort: 40_000 + last,
  };
}

const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

export class QuerySwitch {
  readonly device: Switch;
  readonly build: QueryBuild;
  readonly epoch: number;

  constructor(lanes: 2 | 6, options: SwitchOptions = {}, { epoch = 7 } = {}) {
    this.build = QUERY_BUILDS.find((build) => build.lanes === lanes)!;
    this.epoch = epoch;
    this.device = new Switch(options);
    this.device.load(readFileSync(new URL(`../../../p4/build/${this.build.name}.json`, import.meta.url), 'utf8'));
    this.device.control.insertEntry('fpisa_query.local', {
      keys: [exact(numberOf(SERVICE.ip))],
      priority: 0,
      call: { action: 'fpisa_query.serve', args: [] },
    });
  }

  addStream(stream: Stream, workers = 2, flowSlots = 4): void {
    const { number = 0 } = stream;
    const [having, havingLane, havingKey] = stream.having ?? [0, 0, 0n];
    const laneOps = (stream.laneOps ?? []).reduce((ops, op, lane) => ops | (BigInt(op) << BigInt(8 * lane)), 0n);
    for (const rank of [...Array(workers).keys(), MASTER]) {
      const { port, ip, mac, udpPort } = hostOf(rank);
      const { control } = this.device;
      control.insertEntry('fpisa_query.member', {
        keys: [exact(port), exact(numberOf(ip)), exact(udpPort), exact(number), exact(rank)],
        priority: 0,
        call: {
          action: 'fpisa_query.join',
          args: [
            rank === MASTER ? 0n : BigInt((number * workers + rank) * flowSlots),
            BigInt(flowSlots),
            BigInt(this.epoch),
            BigInt(stream.operator),
            laneOps,
            BigInt(stream.order ?? Order.F64),
            BigInt(stream.stateBase ?? 0),
            BigInt(stream.stateMask),
            BigInt(having),
            BigInt(havingLane),
            havingKey,
          ],
        },
      });
      control.insertEntry('fpisa_query.receiver', {
        keys: [exact(number), exact(rank)],
        priority: 0,
        call: {
          action: 'fpisa_query.address',
          args: [BigInt(port), numberOf(mac), numberOf(ip), BigInt(udpPort)],
        },
      });
    }
  }

  /** Sends a payload unchanged. */
  sendRaw(rank: number, payload: Uint8Array): Message[] {
    const { port, ip, mac, udpPort } = hostOf(rank);
    return this.device
      .receive(port, encapsulate({ mac, ip, udpPort }, SERVICE, payload))
      .map(({ port: out, bytes }) => {
        const view = new DataView(
          bytes.buffer,
          bytes.byteOffset + FRAME_OVERHEAD_BYTES,
          bytes.length - FRAME_OVERHEAD_BYTES,
        );
        return { port: out, header: readHeader(view, emptyHeader()), payload: view };
      });
  }

  send(rank: number, header: Partial<QueryHeader>, bytes = HEADER_BYTES): Message[] {
    const payload = new Uint8Array(bytes);
    writeHeader(new DataView(payload.buffer), { ...emptyHeader(), worker: rank, epoch: this.epoch, ...header });
    return this.sendRaw(rank, payload);
  }

  open(stream = 0): Message[] {
    return this.send(MASTER, { opcode: Opcode.OPEN, stream });
  }

  rows(
    rank: number,
    sequence: number,
    tuples: readonly Tuple[],
    header: Partial<QueryHeader> = {},
    flowSlots = 4,
  ): Message[] {
    const payload = new Uint8Array(rowsBytes(this.build, tuples.length));
    const view = new DataView(payload.buffer);
    writeHeader(view, {
      ...emptyHeader(),
      worker: rank,
      epoch: this.epoch,
      opcode: Opcode.ROWS,
      sequence,
      slot: sequence % flowSlots,
      count: tuples.length,
      ...header,
    });
    tuples.forEach(({ key = [0n], lanes = [] }, t) => {
      const at = tuplesOffset(this.build) + t * tupleBytes(this.build);
      key.forEach((part, i) => view.setBigUint64(at + 8 * i, part ?? 0n));
      let nulls = 0;
      lanes.forEach((lane, l) => {
        if (lane === null) nulls |= 1 << l;
        else view.setBigUint64(at + 24 + 8 * l, lane);
      });
      view.setUint8(HEADER_BYTES + t, nulls);
    });
    return this.sendRaw(rank, payload);
  }

  /** All groups of a stream. */
  drain(slots: number, stream = 0): { groups: Group[]; rows: bigint; flags: number } {
    const groups: Group[] = [];
    let rows = 0n;
    let flags = 0;
    for (let at = 0; at < slots;) {
      const [answer] = this.send(
        MASTER,
        { opcode: Opcode.DRAIN, stream, sequence: at, next: slots, count: this.build.groupsPerPacket },
        groupsBytes(this.build),
      );
      const { header, payload } = answer!;
      for (let g = 0; g < header.count; g++)
        groups.push(this.group(payload, HEADER_BYTES + g * groupBytes(this.build)));
      rows += header.rows;
      flags |= header.flags;
      at = header.next;
    }
    return { groups, rows, flags };
  }

  event(event: number, stream = 0): bigint {
    return this.device.control.readCounter('fpisa_query.events', stream * EVENTS_PER_STREAM + event).packets;
  }

  drops(reason: number): bigint {
    return this.device.control.readCounter('fpisa_query.drops', reason).packets;
  }

  private group(view: DataView, at: number): Group {
    const words = (from: number, count: number): bigint[] =>
      Array.from({ length: count }, (_, i) => view.getBigUint64(from + 8 * i));
    const { lanes } = this.build;
    return {
      key: words(at, 3),
      rows: view.getBigUint64(at + 24),
      lanes: words(at + 32, lanes),
      counts: words(at + 32 + 8 * lanes, lanes),
    };
  }
}
