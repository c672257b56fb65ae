/** The switches' workloads: a program, its tables, and frames with the expected output. */
import { readFileSync } from 'node:fs';
import { insert, type P4RuntimeClient, type PipelineConfig } from '../../controlplane/index.js';
import { makePipeline } from '../../controlplane/p4runtime/pipeline.js';
import { encapsulate, type FrameEndpoint } from '../../net/frames.js';
import { macOfIpv4, macText } from '../../net/mac.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import { Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { HEADER_BYTES, messageBytes, Offset, writeHeader } from '../../protocol/message.js';
import { shippedFile } from '../../net/package-files.js';
import type { Load, LoadPort } from './generator.js';
import { fpisaPipeline } from './program.js';

/** Used by every program here: the service of the fpisa program, and the router's next hops. */
const SERVICE: FrameEndpoint = {
  mac: macOfIpv4(Uint8Array.of(10, 0, 0, 254)),
  ip: Uint8Array.of(10, 0, 0, 254),
  udpPort: SERVICE_UDP_PORT,
};
const FIRST_UDP_PORT = 40_000;
const JOB = { number: 0, epoch: 1 };
/** Destinations of each router port; as many /24 prefixes, and a shorter /16 and /8 that no packet uses. */
const ROUTES = 64;
const ROUTER_PAYLOAD_BYTES = 18;
/** IPv4: time to live and checksum, and where they are in a frame. */
const TTL_AT = 22;
const CHECKSUM_AT = 24;

export interface SwitchWorkload {
  readonly pipeline: PipelineConfig;
  readonly name: string;
  /** Values per packet of the fpisa program; undefined for other programs. */
  readonly values: number | undefined;
  /** Loads the program and writes its tables; switch port i + 1 is the other end of interfaces[i]. */
  install(client: P4RuntimeClient): Promise<void>;
  readonly load: Load;
}

function workerAt(rank: number): FrameEndpoint {
  const ip = Uint8Array.of(10, 0, rank >> 8, (rank & 0xff) + 1);
  return { mac: macOfIpv4(ip), ip, udpPort: FIRST_UDP_PORT + rank };
}

/** The value that a worker contributes at every place: the sum over all workers is exact, and shows which workers it includes. */
export function contributed(rank: number): number {
  return 2 ** rank;
}

/**
 * One job of the exact profile.
 * @param slots of the job: at least the generator's window
 */
export function fpisa(values: number, interfaces: readonly string[], slots: number): SwitchWorkload {
  const pipeline = fpisaPipeline(values);
  const workers = interfaces.map((_, rank) => workerAt(rank));
  const all = workers.reduce((sum, _, rank) => sum + contributed(rank), 0);
  return {
    name: `fpisa, N = ${values}`,
    values,
    pipeline,
    install: async (client) => {
      await client.ensurePipeline(pipeline);
      await client.write(jobTables(workers, slots));
    },
    load: {
      kind: 'fpisa',
      ports: interfaces.map((name, rank) => ({
        interface: name,
        out: [encapsulate(workers[rank]!, SERVICE, message(values, Opcode.CONTRIBUTE, rank, contributed(rank)))],
        in: [encapsulate(SERVICE, workers[rank]!, message(values, Opcode.RESULT, rank, all))],
      })),
    },
  };
}

function jobTables(workers: readonly FrameEndpoint[], slots: number): ReturnType<typeof insert>[] {
  const group = JOB.number + 1;
  const profile = { mode: 0, format: 0, guard: 2, rounding: 1, left_shift_limit: 0, alignment: 1 };
  const text = (bytes: Uint8Array): string => bytes.join('.');
  return [
    insert({ entry: { table: 'fpisa.local', match: { dst_addr: text(SERVICE.ip) }, action: 'fpisa.serve' } }),
    insert({ multicastGroup: { group, replicas: workers.map((_, rank) => ({ port: rank + 1, instance: rank + 1 })) } }),
    ...workers.flatMap((worker, rank) => [
      insert({
        entry: {
          table: 'fpisa.receiver',
          match: { job: JOB.number, replica: rank + 1, egress_port: rank + 1 },
          action: 'fpisa.address',
          params: { dst_mac: macText(worker.mac), dst_addr: text(worker.ip), dst_port: worker.udpPort },
        },
      }),
      insert({
        entry: {
          table: 'fpisa.member',
          match: {
            ingress_port: rank + 1,
            src_addr: text(worker.ip),
            src_port: worker.udpPort,
            job: JOB.number,
            worker: rank,
          },
          action: 'fpisa.join',
          params: {
            bitmap: 2 ** rank,
            all: 2 ** workers.length - 1,
            group,
            slot_base: 0,
            slots,
            epoch: JOB.epoch,
            ...profile,
          },
        },
      }),
    ]),
  ];
}

function message(values: number, opcode: number, worker: number, value: number): Uint8Array {
  const bytes = new Uint8Array(messageBytes(values));
  const view = new DataView(bytes.buffer);
  writeHeader(view, {
    opcode,
    flags: 0,
    job: JOB.number,
    worker,
    slot: 0,
    epoch: JOB.epoch,
    operation: 1,
    chunk: 0,
    signature: 0,
    count: values,
    set: 0,
  });
  view.setUint8(Offset.reserved, 0);
  for (let i = 0; i < values; i++) view.setFloat32(HEADER_BYTES + 4 * i, value, true);
  return bytes;
}

/** Packets of 60 bytes, which leave through the next port. */
export function router(interfaces: readonly string[]): SwitchWorkload {
  const json = readFileSync(shippedFile('bench/p4/router.json'));
  const p4info = readFileSync(shippedFile('bench/p4/router.p4info.txtpb'), 'utf8');
  const pipeline = makePipeline('router', parseP4Info(p4info), json, 1n);
  const after = (port: number): number => (port + 1) % interfaces.length;
  const frames = interfaces.map((_, port) =>
    Array.from({ length: ROUTES }, (_, route) => routed(port, after(port), route)),
  );
  return {
    name: 'IPv4 router',
    values: undefined,
    pipeline,
    install: async (client) => {
      await client.ensurePipeline(pipeline);
      const hop = (port: number) => ({
        action: 'forward',
        params: { port: port + 1, next_hop: `02:00:00:00:00:${port.toString(16).padStart(2, '0')}` },
      });
      await client.write([
        insert({ entry: { table: 'routes', match: { dst_addr: '20.0.0.0/8' }, action: 'drop' } }),
        ...interfaces.flatMap((_, port) => [
          insert({ entry: { table: 'routes', match: { dst_addr: `20.${port}.0.0/16` }, action: 'drop' } }),
          ...Array.from({ length: ROUTES }, (_, route) =>
            insert({ entry: { table: 'routes', match: { dst_addr: `20.${port}.${route}.0/24` }, ...hop(port) } }),
          ),
        ]),
      ]);
    },
    load: {
      kind: 'router',
      ports: interfaces.map((name, port): LoadPort => {
        const from = frames.findIndex((_, sender) => after(sender) === port);
        return {
          interface: name,
          out: frames[port]!.map(({ sent }) => sent),
          in: frames[from]!.map(({ left }) => left),
        };
      }),
    },
  };
}

/** A packet as it arrives at the router and as it leaves; its last byte is the number of the route. */
function routed(port: number, to: number, route: number): { sent: Uint8Array; left: Uint8Array } {
  const router = Uint8Array.of(2, 0, 0, 0, 1, port);
  const payload = new Uint8Array(ROUTER_PAYLOAD_BYTES);
  payload[ROUTER_PAYLOAD_BYTES - 1] = route;
  const sent = encapsulate(workerAt(port), { mac: router, ip: Uint8Array.of(20, to, route, 1), udpPort: 7 }, payload);
  const left = Uint8Array.from(sent);
  left.set([2, 0, 0, 0, 0, to], 0);
  left.set(router, 6);
  left[TTL_AT]!--;
  // RFC 1624: decrementing the upper byte of a word by 1 adds 0x0100 to the complemented sum.
  const checksum = ((sent[CHECKSUM_AT]! << 8) | sent[CHECKSUM_AT + 1]!) + 0x0100;
  const folded = (checksum & 0xffff) + (checksum >> 16);
  left.set([folded >> 8, folded & 0xff], CHECKSUM_AT);
  return { sent, left };
}
