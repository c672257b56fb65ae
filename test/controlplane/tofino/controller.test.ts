/** The controller and a Tofino behind Stratum, as far as that can be seen without either. */
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../cli/doctor/diagnose.js';
import { takeReading } from '../../../cli/doctor/reading.js';
import type { SwitchConfig } from '../../../controlplane/controller/state.js';
import { onEnd, startSite, startSwitch, switchConfig, type Site } from '../site.helpers.js';
import { isStamp } from '../fake-switch.helpers.js';
import { BINARY, buildDirectory, tnaP4Info, withCompletions } from './build-directory.helpers.js';
import { startStratum, type FakeStratum } from './stratum.helpers.js';
import { EntityCodec } from '../../../controlplane/p4runtime/entity-codec.js';
import { P4InfoIndex } from '../../../p4runtime/p4info.js';
import { JobEvent, Opcode } from '../../../protocol/constants.js';
import { HEADER_BYTES, readHeader, writeHeader } from '../../../protocol/message.js';
import type * as p4 from '../../../p4runtime/messages.js';

const PORTS = { 132: null, 140: null, 148: null };
const ADDED = ['fpisa.local', 'fpisa.receiver', 'fpisa.member'];

interface TofinoSite extends Site, FakeStratum {}

async function startTofino(p4info = tnaP4Info(), config: Partial<SwitchConfig> = {}): Promise<TofinoSite> {
  const stratum = await startStratum();
  const site = await startSite({
    fake: stratum.fake,
    config: { target: 'tofino', buildDir: buildDirectory(p4info).path, ports: PORTS, ...config },
  });
  return { ...site, ...stratum };
}

/** A job of two workers, running. */
async function runJob(site: Site): Promise<void> {
  await site.client.createJob({ name: 'train', workers: 2, profile: 'fpisa-a' });
  const workers = [0, 1].map((rank) => site.worker(rank));
  for (const worker of workers) await worker.resume(1);
}

/** Both sets: epoch, chunk, operation, signature, bitmap; contributions are not counted. */
function probeReplyTo(frame: Uint8Array): Uint8Array {
  const reply = frame.slice();
  const body = new DataView(reply.buffer, 42);
  const header = readHeader(body);
  writeHeader(body, { ...header, opcode: Opcode.PROBE_REPLY });
  body.setUint16(HEADER_BYTES, header.slot);
  [1, 9, 6, 0xabcd, 3, 0].forEach((value, i) => body.setUint32(HEADER_BYTES + 8 + i * 4, value));
  [7, 9, 6, 0xabcd, 0b101, 0].forEach((value, i) => body.setUint32(HEADER_BYTES + 32 + i * 4, value));
  return reply;
}

/** Entries without the bytes of ids, which differ between compilers: keys and parameters in their order. */
const plain = ({ match, action }: p4.TableEntry): unknown => [
  match.map(({ exact, lpm }) => Buffer.from((exact ?? lpm)!.value).toString('hex')),
  action?.action?.params.map(({ value }) => Buffer.from(value).toString('hex')),
];

describe('a Tofino', () => {
  test('gets its build, the tables of a job, and a group of device ports', async () => {
    const site = await startTofino();
    await runJob(site);
    expect(site.unpacked()).toMatchObject({ p4Name: 'fpisa', profiles: [{ name: 'pipe', scope: [0, 1, 2, 3] }] });
    expect([...site.fake.groups.values()]).toMatchObject([
      {
        multicastGroupId: 1,
        replicas: [
          { egressPort: 132, instance: 1 },
          { egressPort: 140, instance: 2 },
        ],
      },
    ]);
    expect((await site.client.getStatus()).switches).toMatchObject([
      {
        state: 'ready',
        target: 'tofino',
        build: 'fpisa-tofino-n16',
        pipeline: 'fpisa-tofino-n16',
        absent: [],
        program: 'own',
      },
    ]);
  });

  test('holds what BMv2 would hold', async () => {
    const tofino = await startTofino();
    const bmv2 = await startSite({ config: { ports: PORTS } });
    for (const site of [tofino, bmv2]) await runJob(site);
    for (const table of ADDED) {
      const [own, other] = [tofino, bmv2].map(({ fake }) => fake.table(table).filter((entry) => !isStamp(entry)));
      expect(own!.map(plain), table).toEqual(other!.map(plain));
      expect(tofino.fake.table(table), table).not.toHaveLength(0);
    }
    expect([...tofino.fake.groups]).toEqual([...bmv2.fake.groups]);
  });

  test('keeps its program when the controller restarts', async () => {
    const config = { target: 'tofino', buildDir: buildDirectory().path } as const;
    const site = await startTofino(undefined, config);
    await site.controller.ready('s1');
    await site.stop();
    const again = await startSite({ fake: site.fake, store: site.store, config: { ...config, ports: PORTS } });
    await again.controller.ready('s1');
    expect(site.fake.pushes).toBe(1);
  });

  test('computes FPISA-A and integers; a job of another profile is refused with the list', async () => {
    const site = await startTofino();
    await expect(site.client.createJob({ name: 'a', workers: 2, profile: 'fpisa' })).rejects.toMatchObject({
      code: 'FPISA_PROFILE_NOT_OFFERED',
      status: status.INVALID_ARGUMENT,
      message: expect.stringMatching(
        /^switch "s1" runs build fpisa-tofino-n16, which does not compute profile fpisa \(its profiles: fpisa-a, int32\)$/,
      ) as string,
    });
    await expect(site.client.createJob({ name: 'a', workers: 2, profile: 'fpisa-a', guard: 1 })).rejects.toThrow(
      /its profiles: fpisa-a, int32/,
    );
    for (const profile of ['fpisa-a', 'int32']) await site.client.createJob({ name: profile, workers: 2, profile });
  });

  test('whose build directory is wrong is not ready, and says why', async () => {
    const directory = buildDirectory();
    directory.remove('pipe/tofino.bin');
    const stratum = await startStratum();
    const site = await startSite({
      fake: stratum.fake,
      config: { target: 'tofino', buildDir: directory.path, ports: PORTS },
    });
    await expect
      .poll(async () => (await site.client.getStatus()).switches[0])
      .toMatchObject({
        state: 'unreachable',
        build: '',
        detail: expect.stringMatching(/lacks pipe\/tofino\.bin; expected what p4c/) as string,
      });
    directory.write('pipe/tofino.bin', BINARY);
    await expect
      .poll(async () => (await site.client.getStatus()).switches[0])
      .toMatchObject({ state: 'ready', build: 'fpisa-tofino-n16', detail: '' });
  });
});

describe('pipes', () => {
  const portOf = async (site: Site, rank: number, switchPort = 0, job = 'train'): Promise<number> =>
    (await site.worker(rank, { job, switchPort, udpPort: (job === 'train' ? 40_000 : 41_000) + rank }).welcome())
      .switchPort;

  test("a job's workers are at ports of one, the one with the most of them free", async () => {
    const site = await startTofino(undefined, { ports: { 1: null, 132: null, 140: null, 148: null, 260: null } });
    for (const name of ['train', 'other']) await site.client.createJob({ name, workers: 4, profile: 'fpisa-a' });
    expect([await portOf(site, 0), await portOf(site, 1), await portOf(site, 2)]).toEqual([132, 140, 148]);
    await expect(site.worker(3).welcome()).rejects.toThrow(
      /every worker port of switch "s1" in the pipe of job "train" is in use \(ports: 132, 140, 148\); specify one to share it/,
    );
    await expect(site.worker(3, { switchPort: 260 }).welcome()).rejects.toThrow(
      /port 260 of switch "s1" is in a different pipe from the rest of job "train", and pipes do not share registers \(ports of the job's pipe: 132, 140, 148\)/,
    );
    await expect(site.worker(3, { switchPort: 2 }).welcome()).rejects.toThrow(
      /switch "s1" has no worker port 2 \(ports: 1, 132, 140, 148, 260\)/,
    );
    expect(await portOf(site, 3, 140)).toBe(140);
    // Of the others' only a shared one is left in pipe 1.
    expect(await portOf(site, 0, 0, 'other')).toBe(1);
  });

  test('below a Tofino, links decide which one it is: for workers, and for probes', async () => {
    const [stratum, below] = [await startStratum(), await startSwitch()];
    const leaf = switchConfig(below.address, {
      name: 's2',
      ports: { 1: null },
      serviceIp: '10.0.1.254',
      serviceMac: '02:00:00:00:01:fe',
      parent: { switch: 's1', port: 9, parentPort: 260 },
    });
    const site = await startSite({
      fake: stratum.fake,
      config: { target: 'tofino', buildDir: buildDirectory().path, ports: { 1: null, 2: null, 268: null } },
      more: [leaf],
    });
    await site.client.createJob({ name: 'train', workers: 2, profile: 'fpisa-a', switchName: 's1' });
    const named: string[] = [];
    stratum.fake.onPacketOut = (frame, metadata) => {
      named.push(Buffer.from(metadata.find(({ metadataId }) => metadataId === 1)!.value).toString('hex'));
      return [probeReplyTo(frame)];
    };
    below.onPacketOut = (frame) => [probeReplyTo(frame)];
    for (const name of ['s1', 's2']) await site.controller.ready(name);
    await site.client.probeJob('train');
    expect([...new Set(named)].map((hex) => parseInt(hex, 16))).toEqual([2 * 128 + 68]);
    await expect(site.worker(0, { switchName: 's1', switchPort: 1 }).welcome()).rejects.toThrow(
      /port 1 of switch "s1" is in a different pipe from the rest of job "train", .*\(ports of the job's pipe: 268\)/,
    );
    expect(await site.worker(0, { switchName: 's1' }).welcome()).toMatchObject({ switchPort: 268 });
    // The only port of that pipe is taken, so this worker can only be at the other switch.
    expect(await site.worker(1, { udpPort: 40_100 }).welcome()).toMatchObject({ switchPort: 1 });
  });

  test("probes are sent to that of the job's workers", async () => {
    const site = await startTofino(undefined, { ports: { 1: null, 260: null, 268: null } });
    await runJob(site);
    const named = new Set<number>();
    site.fake.onPacketOut = (frame, metadata) => {
      named.add(Number(`0x${Buffer.from(metadata.find(({ metadataId }) => metadataId === 1)!.value).toString('hex')}`));
      return [probeReplyTo(frame)];
    };
    const [first] = await site.client.probeJob('train');
    // Pipe 2, and the port there that recirculates.
    expect([...named]).toEqual([2 * 128 + 68]);
    expect(first!.sets[0]).toMatchObject({ chunk: 9, bitmap: 3, contributions: 2, missing: [] });
    // Of another epoch: as the switch has it, but for the count that it does not keep.
    expect(first!.sets[1]).toMatchObject({ epoch: 7, bitmap: 0b101, contributions: 2 });
  });
});

describe('events', () => {
  test('of a packet that is a contribution and a result are counted by two counters', async () => {
    const site = await startTofino(withCompletions(tnaP4Info()));
    await runJob(site);
    const { index } = new EntityCodec(new P4InfoIndex(site.fake.pipeline!.p4info!));
    const put = (counter: string, event: number, packets: number): void => {
      site.fake.counters.set(`${index.counters.find(counter).id}/${event}`, {
        packetCount: BigInt(packets),
        byteCount: 0n,
      });
    };
    for (const name of ['fpisa.events', 'fpisa.completions'])
      expect(site.fake.counters.get(`${index.counters.find(name).id}/${JobEvent.CONTRIBUTION}`), name).toMatchObject({
        packetCount: 0n,
      });
    put('fpisa.events', JobEvent.CONTRIBUTION, 5);
    // As contributions that were also the last of their rounds.
    put('fpisa.completions', JobEvent.CONTRIBUTION, 2);
    expect((await site.client.getJob('train')).events).toMatchObject({ CONTRIBUTION: 5, RESULT: 2, REPEAT: 0 });
    expect((await site.client.getStatus()).switches[0]!.absent).toEqual([]);
  });
});

describe('a build without', () => {
  const WITHOUT = [
    'table fpisa.parent',
    'table fpisa.from_parent',
    'table fpisa.ipv4',
    'counter fpisa.egress_drops',
    'counter fpisa.events',
  ];

  test('tables and counters that a job can do without', async () => {
    const site = await startTofino(tnaP4Info(WITHOUT));
    await runJob(site);
    const absent = WITHOUT.map((name) => name.split(' ')[1]!);
    expect((await site.client.getStatus()).switches).toMatchObject([{ state: 'ready', absent, drops: {} }]);
    expect((await site.client.getJob('train')).events).toEqual({});
    const reading = await takeReading(site.client, undefined);
    const findings = diagnose({ before: reading, after: reading, seconds: 0 }).filter(
      ({ subject }) => subject === 'switch s1',
    );
    expect(findings.map(({ level, finding }) => `${level}: ${finding}`)).toEqual([
      'note: build fpisa-tofino-n16 has no fpisa.parent, so the switch cannot be below another one',
      'note: build fpisa-tofino-n16 has no fpisa.from_parent, so the switch cannot be below another one',
      'note: build fpisa-tofino-n16 has no fpisa.ipv4, so it forwards no packets other than those of jobs',
      'note: build fpisa-tofino-n16 has no fpisa.egress_drops, so its egress drops are not counted',
      'note: build fpisa-tofino-n16 has no fpisa.events, so the events of jobs are not counted there',
    ]);
  });

  test('parameters of profiles that it does not have', async () => {
    const site = await startTofino(
      tnaP4Info(['param mode', 'param guard', 'param rounding', 'param left_shift_limit', 'param alignment']),
    );
    await runJob(site);
    // bitmap, all, group, slot base, slots, epoch, format
    expect(
      site.fake.table('fpisa.member').map(({ action }) => action!.action!.params.map(({ value }) => [...value])),
    ).toEqual([
      [[1], [3], [1], [0], [64], [1], [0]],
      [[2], [3], [1], [0], [64], [1], [0]],
    ]);
  });

  test.each<[string, Partial<SwitchConfig>, RegExp]>([
    [
      'table fpisa.ipv4',
      { routes: [{ prefix: '10.0.0.0/8', port: 132, mac: '02:00:00:00:00:01' }] },
      /build fpisa-tofino-n16 has no table fpisa\.ipv4, so it forwards no packets other than those of jobs/,
    ],
    [
      'table fpisa.member',
      {},
      /build fpisa-tofino-n16 has no table fpisa\.member, so it is not this project's program \(its tables: fpisa\.parent, /,
    ],
  ])('%s that is needed', async (name, config, message) => {
    const site = await startTofino(tnaP4Info([name]), config);
    await expect
      .poll(async () => (await site.client.getStatus()).switches[0])
      .toMatchObject({ state: 'unreachable', detail: expect.stringMatching(message) as string });
  });

  test('table fpisa.parent cannot be below another switch', async () => {
    const [top, stratum] = [await startSwitch(), await startStratum()];
    const leaf = {
      name: 's2',
      target: 'tofino',
      buildDir: buildDirectory(tnaP4Info(['table fpisa.parent'])).path,
      ports: PORTS,
      serviceIp: '10.0.1.254',
      serviceMac: '02:00:00:00:01:fe',
      parent: { switch: 's1', port: 156, parentPort: 9 },
    } as const;
    const site = await startSite({ fake: top, more: [switchConfig(stratum.fake.address, leaf)] });
    onEnd(() => stratum.fake.stop());
    await site.client.createJob({ name: 'train', workers: 2, profile: 'fpisa-a', switchName: 's1' });
    await expect
      .poll(async () => (await site.client.getStatus()).switches[1])
      .toMatchObject({
        state: 'unreachable',
        detail: expect.stringMatching(
          /build fpisa-tofino-n16 has no table fpisa\.parent, so the switch cannot be below another one/,
        ) as string,
      });
  });
});
