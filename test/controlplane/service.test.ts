import { createServer } from 'node:net';
import { Client, credentials, makeClientConstructor, status, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, test } from 'vitest';
import { P4InfoIndex } from '../../p4runtime/p4info.js';
import { DropReason, EVENTS_PER_JOB, JobEvent, Opcode } from '../../protocol/constants.js';
import { HEADER_BYTES, PROBE_BYTES, readHeader, writeHeader } from '../../protocol/message.js';
import { ControllerUnreachableError } from '../../protocol/errors.js';
import { ControllerCallError, ControllerClient } from '../../controlplane/service/client.js';
import { startSite, type Site } from './site.helpers.js';

/** What a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<ControllerCallError> {
  return call.then(
    () => Promise.reject(new Error('the call went through')),
    (error: unknown) => error as ControllerCallError,
  );
}

function count(site: Site, counter: string, index: number, packets: number): void {
  const { id } = new P4InfoIndex(site.fake.pipeline!.p4info!).counters.find(counter);
  site.fake.counters.set(`${id}/${index}`, { packetCount: BigInt(packets), byteCount: 0n });
}

describe('jobs', () => {
  test('create, list, get, delete', async () => {
    const { client } = await startSite();
    const job = await client.createJob({ name: 'b', workers: 4, slots: 16, profile: 'fpisa', guard: 3 });
    expect(job).toEqual({
      name: 'b',
      number: 0,
      minWorkers: 4,
      packetValues: 0,
      valuesPerPacket: 16,
      workers: 4,
      epoch: 0,
      slotBase: 0,
      slots: 16,
      profile: {
        name: 'custom',
        format: 'fp32',
        mode: 'full',
        guard: 3,
        alignment: 'nearest-even',
        rounding: 'nearest-even',
        leftShiftLimit: 0,
      },
      members: [],
      switchName: 's1',
      multicastGroup: 1,
      state: 'waiting',
      events: {},
      switches: ['s1'],
      switchEvents: [],
    });
    await client.createJob({ name: 'a', workers: 1 });
    expect((await client.listJobs()).map(({ name, slotBase }) => [name, slotBase])).toEqual([
      ['a', 16],
      ['b', 0],
    ]);
    await client.deleteJob('b');
    expect((await client.listJobs()).map(({ name }) => name)).toEqual(['a']);
    expect(await client.createJob({ name: 'b', workers: 1, slots: 16 })).toMatchObject({ number: 0, slotBase: 0 });
  });

  test('an override of 0 is not an absent one', async () => {
    const { client } = await startSite();
    expect((await client.createJob({ name: 'a', workers: 2, guard: 0 })).profile.guard).toBe(0);
    expect((await client.createJob({ name: 'b', workers: 2 })).profile.guard).toBe(6);
  });

  test.each([
    [
      (client: ControllerClient) => client.getJob('x'),
      'FPISA_UNKNOWN_JOB',
      status.NOT_FOUND,
      'there is no job "x" (jobs: a)',
    ],
    [
      (client: ControllerClient) => client.deleteJob('x'),
      'FPISA_UNKNOWN_JOB',
      status.NOT_FOUND,
      'there is no job "x" (jobs: a)',
    ],
    [
      (client: ControllerClient) => client.probeJob('x'),
      'FPISA_UNKNOWN_JOB',
      status.NOT_FOUND,
      'there is no job "x" (jobs: a)',
    ],
    [
      (client: ControllerClient) => client.createJob({ name: 'a', workers: 1 }),
      'FPISA_JOB_EXISTS',
      status.ALREADY_EXISTS,
      'a job named "a" exists already (jobs: a)',
    ],
    [
      (client: ControllerClient) => client.createJob({ name: 'b', workers: 1, slots: 500 }),
      'FPISA_POOL_FULL',
      status.RESOURCE_EXHAUSTED,
      'switch "s1" has no room for 500 slots: 448 of 512 are free (448 from slot 64)',
    ],
    [
      (client: ControllerClient) => client.createJob({ name: 'b', workers: 1, switchName: 's2' }),
      'FPISA_UNKNOWN_SWITCH',
      status.NOT_FOUND,
      'there is no switch "s2" (switches: s1)',
    ],
    [
      (client: ControllerClient) => client.createJob({ name: 'b', workers: 20, guard: 6 }),
      'FPISA_INVALID_JOB',
      status.INVALID_ARGUMENT,
      '20 workers with guard 6 could overflow the 7 headroom bits of fp32: for 20 workers the guard is at most 2, with guard 6 at most 2 workers fit',
    ],
  ])('errors keep code, status and text: %#', async (call, code, grpcStatus, message) => {
    const { client } = await startSite();
    await client.createJob({ name: 'a', workers: 2 });
    const error = await refusal(call(client));
    expect({ code: error.code, status: error.status, message: error.message }).toEqual({
      code,
      status: grpcStatus,
      message,
    });
  });

  test('no controller', async () => {
    const socket = createServer();
    const port = await new Promise<number>((resolve) =>
      socket.listen(0, '127.0.0.1', () => resolve((socket.address() as { port: number }).port)),
    );
    await new Promise((resolve) => socket.close(resolve));
    const client = new ControllerClient(`127.0.0.1:${port}`);
    const error = await refusal(client.listJobs());
    expect(error).toBeInstanceOf(ControllerUnreachableError);
    expect(error.code).toBe('FPISA_CONTROLLER_UNREACHABLE');
    expect(error.message).toMatch(new RegExp(`^no controller answers at 127.0.0.1:${port}: .*ECONNREFUSED`));
    client.close();
  });
});

describe('status', () => {
  test('drops by reason, of ingress and egress', async () => {
    const site = await startSite();
    await site.controller.ready('s1');
    count(site, 'fpisa.drops', DropReason.NOT_MEMBER, 3);
    count(site, 'fpisa.drops', DropReason.NO_RECEIVER, 1);
    count(site, 'fpisa.egress_drops', DropReason.NO_RECEIVER, 4);
    await site.client.createJob({ name: 'a', workers: 1, slots: 100 });
    expect(await site.client.getStatus()).toEqual({
      store: 'memory',
      switches: [
        {
          name: 's1',
          address: site.fake.address,
          state: 'ready',
          detail: '',
          pipeline: 'fpisa-n16',
          drops: { NOT_MEMBER: 3, NO_RECEIVER: 5 },
          slotsFree: 412,
          valuesPerPacket: 16,
          program: 'own',
          restored: 0,
          serviceIp: '10.0.0.254',
          target: 'bmv2',
          build: 'fpisa-n16',
          absent: [],
          parent: null,
        },
      ],
    });
  });

  test('a switch that is not there', async () => {
    const site = await startSite();
    await site.controller.ready('s1');
    site.fake.stop();
    await expect
      .poll(async () => (await site.client.getStatus()).switches[0])
      .toMatchObject({
        state: 'unreachable',
        detail: expect.stringMatching(/the P4Runtime stream to .* ended: /) as string,
      });
  });

  test('a build that does not exist is said, not retried in silence', async () => {
    await expect(startSite({ config: { valuesPerPacket: 32 } })).rejects.toThrow(
      'switch "s1": there is no build with 32 values per packet (builds: fpisa-n16, fpisa-n64, fpisa-n256, ',
    );
  });

  test('event counters of a job start at zero, whatever an earlier job left', async () => {
    const site = await startSite();
    await site.controller.ready('s1');
    count(site, 'fpisa.events', JobEvent.RESULT, 99);
    count(site, 'fpisa.events', EVENTS_PER_JOB + JobEvent.RESULT, 7);
    await site.client.createJob({ name: 'a', workers: 1 });
    await site.controller.ready('s1');
    expect((await site.client.getJob('a')).events).toMatchObject({ RESULT: 0, CONTRIBUTION: 0 });
    count(site, 'fpisa.events', JobEvent.RESULT, 5);
    expect((await site.client.getJob('a')).events).toMatchObject({ RESULT: 5 });
    expect(
      site.fake.counters.get(
        [...site.fake.counters.keys()].find((key) => key.endsWith(`/${EVENTS_PER_JOB + JobEvent.RESULT}`))!,
      )!.packetCount,
    ).toBe(7n);
  });
});

describe('probe', () => {
  /** Answers as the P4 program does: slot s of the pool holds an unfinished round of which worker 1's part is missing. */
  function answer(frame: Uint8Array, epoch: number): Uint8Array[] {
    const view = new DataView(frame.buffer, frame.byteOffset);
    const at = 42;
    const header = readHeader(new DataView(frame.buffer, frame.byteOffset + at));
    expect(header).toMatchObject({ opcode: Opcode.PROBE, job: 1 });
    expect(frame.length).toBe(at + PROBE_BYTES);
    // Ethernet, IPv4 with a right checksum, UDP to the service.
    expect(view.getUint16(12)).toBe(0x0800);
    let sum = 0;
    for (let i = 14; i < 34; i += 2) sum += view.getUint16(i);
    expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff);
    expect(view.getUint16(16)).toBe(frame.length - 14);
    expect(view.getUint32(30)).toBe(0x0a0000fe);
    expect([view.getUint16(36), view.getUint16(38)]).toEqual([0xf15a, 8 + PROBE_BYTES]);
    const reply = frame.slice();
    const body = new DataView(reply.buffer, at);
    writeHeader(body, { ...header, opcode: Opcode.PROBE_REPLY });
    body.setUint16(HEADER_BYTES, header.slot);
    body.setUint16(HEADER_BYTES + 2, 16);
    [epoch, 100 + header.slot, 6, 0xabcd, 0b101, 2].forEach((value, i) =>
      body.setUint32(HEADER_BYTES + 8 + i * 4, value),
    );
    return [reply];
  }

  async function site(): Promise<Site> {
    const started = await startSite();
    await started.client.createJob({ name: 'first', workers: 1, slots: 10 });
    await started.client.createJob({ name: 'train', workers: 3, slots: 40 });
    const members = [0, 1, 2].map((rank) => started.worker(rank));
    for (const member of members) await member.resume(1);
    return started;
  }

  test('slots are those of the job, and missing ranks are named', async () => {
    const { fake, client } = await site();
    fake.onPacketOut = (frame) => answer(frame, 1);
    const slots = await client.probeJob('train');
    expect(slots).toHaveLength(40);
    expect(slots[3]).toEqual({
      slot: 3,
      sets: [
        { epoch: 1, chunk: 113, operation: 6, bitmap: 5, contributions: 2, missing: [1], missingSwitches: [] },
        { epoch: 0, chunk: 0, operation: 0, bitmap: 0, contributions: 0, missing: [], missingSwitches: [] },
      ],
    });
  });

  test('nobody is missing from a round of an earlier epoch', async () => {
    const { fake, client } = await site();
    fake.onPacketOut = (frame) => answer(frame, 7);
    expect((await client.probeJob('train'))[0]!.sets[0]!.missing).toEqual([]);
  });

  test('lost probes are sent again', async () => {
    const { fake, client } = await site();
    const lost = new Set<number>();
    fake.onPacketOut = (frame) => {
      const { slot } = readHeader(new DataView(frame.buffer, frame.byteOffset + 42));
      const isFirst = !lost.has(slot);
      lost.add(slot);
      return isFirst && slot % 3 === 0 ? [] : answer(frame, 1);
    };
    expect(await client.probeJob('train')).toHaveLength(40);
  });

  test('a switch that does not answer is named', async () => {
    const { client } = await site();
    const error = await refusal(client.probeJob('train'));
    expect(error.message).toBe('switch "s1" did not answer probes of 32 slots of job "train" (first: 0) in 4 attempts');
    expect(error.code).toBe('FPISA_SWITCH_NOT_READY');
  });
});

describe('health and reflection', () => {
  test('health', async () => {
    const { port } = await startSite();
    const client = new (makeClientConstructor(healthService, 'grpc.health.v1.Health'))(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
    );
    const check = (name: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        (client['check'] as (...args: unknown[]) => void).call(
          client,
          { service: name },
          (error: ServiceError | null, response: unknown) => (error ? reject(error) : resolve(response)),
        );
      });
    expect(await check('')).toMatchObject({ status: 'SERVING' });
    expect(await check('fpisa.v1.Controller')).toMatchObject({ status: 'SERVING' });
    client.close();
  });

  test('reflection names the service and gives its file', async () => {
    const { port } = await startSite();
    // Requests and answers by hand: list_services is field 7 of the request, file_containing_symbol field 4.
    const text = (field: number, value: string): Buffer =>
      Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)]);
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const ask = (request: Buffer): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const same = (bytes: Buffer): Buffer => bytes;
        const call = client.makeBidiStreamRequest(
          '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
          same,
          same,
        );
        call.on('data', (answer: Buffer) => (resolve(answer), call.cancel()));
        call.on('error', reject);
        call.write(request);
      });
    expect((await ask(text(7, '*'))).includes('fpisa.v1.Controller')).toBe(true);
    const file = await ask(text(4, 'fpisa.v1.Controller'));
    for (const name of ['CreateJobRequest', 'left_shift_limit', 'ProbeJob', 'udp_port'])
      expect(file.includes(name), name).toBe(true);
    client.close();
  });
});
