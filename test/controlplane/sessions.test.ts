import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { status } from '@grpc/grpc-js';
import { decodeBytestring } from '../../p4runtime/bytestring.js';
import { onEnd, startSite, type Site } from './site.helpers.js';
import { FakeWorker } from './fake-worker.helpers.js';

/** Rank to epoch, of the member entries on the switch. */
function installed({ fake }: Site): Record<number, number> {
  const pairs = fake.table('fpisa.member').map(({ match, action }) => {
    const rank = Number(decodeBytestring(match.find(({ fieldId }) => fieldId === 5)!.exact!.value));
    const epoch = Number(decodeBytestring(action!.action!.params.find(({ paramId }) => paramId === 6)!.value));
    return [rank, epoch];
  });
  return Object.fromEntries(pairs) as Record<number, number>;
}

/** Value of parameter 2 of `fpisa.join`: the mask of all members, in every entry. */
function masks({ fake }: Site): number[] {
  return fake.table('fpisa.member').map(({ action }) => Number(decodeBytestring(action!.action!.params[1]!.value)));
}

function replicas({ fake }: Site): number[] {
  return [...fake.groups.values()].flatMap((group) => group.replicas.map(({ instance }) => instance)).sort();
}

async function running(workers = 3): Promise<{ site: Site; members: FakeWorker[] }> {
  const site = await startSite();
  await site.client.createJob({ name: 'train', workers, elastic: true });
  const members = Array.from({ length: workers }, (_, rank) => site.worker(rank));
  for (const member of members) await member.resume(1);
  return { site, members };
}

describe('start', () => {
  test('waits for all ranks, then epoch 1 is collected, written and resumed', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2, slots: 32 });
    const first = site.worker(0, { switchPort: 3 });
    const welcome = await first.welcome();
    expect(welcome).toMatchObject({
      valuesPerPacket: 16,
      switchPort: 3,
      serviceIp: '127.0.0.1',
      serviceUdpPort: 50_003,
    });
    expect(welcome.job).toMatchObject({
      name: 'train',
      number: 0,
      workers: 2,
      slotBase: 0,
      slots: 32,
      state: 'waiting',
    });
    expect(installed(site)).toEqual({});

    const second = site.worker(1);
    expect(await second.welcome()).toMatchObject({ switchPort: 1, serviceIp: '10.0.0.254', serviceUdpPort: 0xf15a });
    expect(await second.membership(1)).toMatchObject({ epoch: 1, ranks: [0, 1], reason: 'all workers have joined' });
    expect(await second.resume(1)).toEqual({ epoch: 1, completed: 0, packetValues: 0 });
    expect(await first.resume(1)).toEqual({ epoch: 1, completed: 0, packetValues: 0 });
    expect(installed(site)).toEqual({ 0: 1, 1: 1 });
    expect(masks(site)).toEqual([3, 3]);
    expect(replicas(site)).toEqual([1, 2]);
    expect(await site.client.getJob('train')).toMatchObject({
      state: 'running',
      epoch: 1,
      members: [
        { rank: 0, connected: true },
        { rank: 1, connected: true },
      ],
    });
  });

  test('Resume comes only after the switch is written', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 1 });
    await site.controller.ready('s1');
    let allowed = false;
    site.fake.refuse = () => (allowed ? undefined : 'not yet');
    const worker = site.worker(0);
    await worker.membership(1);
    await expect.poll(() => site.fake.updates.length, { interval: 5 }).toBeGreaterThan(20);
    expect(worker.received.some((message) => 'resume' in message)).toBe(false);
    allowed = true;
    expect(await worker.resume(1)).toEqual({ epoch: 1, completed: 0, packetValues: 0 });
    expect(installed(site)).toEqual({ 0: 1 });
  });
});

describe('membership changes', () => {
  test('a killed worker leaves, and the survivors go on in the next epoch', async () => {
    const { site, members } = await running();
    members[0]!.standing = { completed: 4, received: 5 };
    members[2]!.standing = { completed: 5, received: 5 };
    members[1]!.kill();
    expect(await members[0]!.membership(2)).toMatchObject({ epoch: 2, ranks: [0, 2], reason: 'worker 1 was lost' });
    expect(await members[0]!.resume(2)).toEqual({ epoch: 2, completed: 5, packetValues: 0 });
    expect(installed(site)).toEqual({ 0: 2, 2: 2 });
    expect(masks(site)).toEqual([5, 5]);
    expect(replicas(site)).toEqual([1, 3]);
  });

  test('a worker whose connection goes silent is lost by keepalive', async () => {
    const site = await startSite({ keepaliveMs: 100 });
    await site.client.createJob({ name: 'train', workers: 2, elastic: true });
    // Between the worker and the controller; paused, it swallows everything and closes nothing.
    const sockets: Socket[] = [];
    const wire = createServer((near) => {
      const far = connect(site.port, '127.0.0.1');
      near.pipe(far).pipe(near);
      sockets.push(near, far);
    });
    const port = await new Promise<number>((resolve) =>
      wire.listen(0, '127.0.0.1', () => resolve((wire.address() as AddressInfo).port)),
    );
    onEnd(() => {
      for (const socket of sockets) socket.destroy();
      wire.close();
    });
    const silent = new FakeWorker(port, { job: 'train', rank: 0 });
    const other = site.worker(1);
    await silent.resume(1);
    for (const socket of sockets) socket.unpipe().pause();
    expect(await other.membership(2)).toMatchObject({ epoch: 2, ranks: [1], reason: 'worker 0 was lost' });
    await other.resume(2);
    silent.kill();
  });

  test('a worker that comes back keeps its switch port', async () => {
    const { site, members } = await running(2);
    const [first, second] = await Promise.all(members.map((member) => member.welcome()));
    members[0]!.kill();
    await members[1]!.resume(2);
    const again = site.worker(1);
    expect((await again.welcome()).switchPort).toBe(second!.switchPort);
    expect(first!.switchPort).not.toBe(second!.switchPort);
  });

  test('a later worker takes the free rank in a new epoch', async () => {
    const { site, members } = await running();
    members[1]!.kill();
    await members[0]!.resume(2);
    const late = site.worker(1, { udpPort: 41_000 });
    expect(await late.resume(3)).toEqual({ epoch: 3, completed: 0, packetValues: 0 });
    expect(await members[2]!.membership(3)).toMatchObject({ epoch: 3, ranks: [0, 1, 2], reason: 'worker 1 joined' });
    await members[2]!.resume(3);
    expect(masks(site)).toEqual([7, 7, 7]);
  });

  test('a leaving worker says what it completed, so that nobody repeats it without its part', async () => {
    const { members } = await running(2);
    members[0]!.standing = { completed: 6, received: 7 };
    members[1]!.send({ progress: { epoch: 1, completed: 7, received: 7 } });
    members[1]!.leave();
    expect(await members[0]!.membership(2)).toMatchObject({ epoch: 2, ranks: [0], reason: 'worker 1 left' });
    expect(await members[0]!.resume(2)).toEqual({ epoch: 2, completed: 7, packetValues: 0 });
  });

  test('what a member completed counts even when it leaves while a new epoch is being collected', async () => {
    const { members } = await running(3);
    for (const member of members) member.standing = undefined;
    members[0]!.send({ progress: { epoch: 1, completed: 7, received: 7 } });
    members[0]!.leave();
    await members[1]!.membership(2);
    // It had finished as well, and reports so in the epoch it knows.
    members[1]!.send({ progress: { epoch: 1, completed: 8, received: 8 } });
    members[1]!.leave();
    await members[2]!.membership(3);
    members[2]!.send({ progress: { epoch: 3, completed: 7, received: 8 } });
    expect(await members[2]!.resume(3)).toEqual({ epoch: 3, completed: 8, packetValues: 0 });
  });

  test('a member that does not answer Membership is dropped', async () => {
    const site = await startSite({ timing: { progressTimeoutMs: 2_000 } });
    await site.client.createJob({ name: 'train', workers: 2, elastic: true });
    const mute = site.worker(0);
    mute.standing = undefined;
    const other = site.worker(1);
    expect(await other.membership(2)).toMatchObject({ epoch: 2, ranks: [1], reason: 'no answer from worker 0' });
    await other.resume(2);
    const error = await mute.error();
    expect(error.code).toBe(status.ABORTED);
    expect(error.details).toBe('worker 0 did not answer Membership within 2 s and is no longer a member');
    expect(installed(site)).toEqual({ 1: 2 });
  });

  test('when nobody is left the job waits for all of its workers again', async () => {
    const { site, members } = await running(2);
    for (const member of members) member.kill();
    await expect.poll(async () => (await site.client.getJob('train')).state).toBe('waiting');
    await expect.poll(() => installed(site)).toEqual({});
    expect(site.fake.groups.size).toBe(0);
    const first = site.worker(0);
    await first.welcome();
    const second = site.worker(1);
    const { epoch, completed } = await second.resume(2);
    expect(epoch).toBeGreaterThan(1);
    expect(completed).toBe(0);
    await first.resume(2);
  });

  test('a worker that connects again from the same address replaces its broken connection', async () => {
    const { site, members } = await running(2);
    members[1]!.standing = { completed: 3, received: 3 };
    const again = site.worker(0, { completed: 3, process: members[0]!.process });
    again.standing = { completed: 3, received: 3 };
    expect(await again.resume(2)).toEqual({ epoch: 2, completed: 3, packetValues: 0 });
    expect((await members[0]!.error()).details).toBe('worker 0 connected again');
    expect((await members[1]!.membership(2)).ranks).toEqual([0, 1]);
  });
});

describe('failed operations', () => {
  test('the others are told, and the number is used up', async () => {
    const { members } = await running();
    for (const member of members) member.standing = { completed: 2, received: 2 };
    members[1]!.fail(3, 'shapes differ');
    expect(await members[0]!.aborted()).toEqual({
      operation: 3,
      code: 'SHAPE',
      message: 'shapes differ',
      shape: '4,5',
      rank: 1,
    });
    await members[2]!.aborted();
    expect(await members[1]!.membership(2)).toMatchObject({
      epoch: 2,
      ranks: [0, 1, 2],
      reason: 'worker 1 aborted operation 3',
    });
    for (const member of members) expect(await member.resume(2)).toEqual({ epoch: 2, completed: 3, packetValues: 0 });
    expect(members[1]!.received.some((message) => 'aborted' in message)).toBe(false);
  });

  test('several members may give up the same operation', async () => {
    const { members } = await running(2);
    members[0]!.fail(1, 'mine');
    members[1]!.fail(1, 'mine too');
    await members[0]!.resume(2);
    await members[1]!.resume(2);
    members[0]!.fail(2, 'next');
    expect(await members[1]!.resume(3)).toEqual({ epoch: 3, completed: 2, packetValues: 0 });
    // Whichever arrived first was told to the other; the second one changed nothing.
    const aborts = members.flatMap(({ received }) =>
      received.flatMap((message) => ('aborted' in message ? [message.aborted.operation] : [])),
    );
    expect(aborts.sort()).toEqual([1, 2]);
  });
});

describe('Join is refused', () => {
  const cases: [string, Parameters<Site['worker']>, number, string, string][] = [
    [
      'an unknown job',
      [0, { job: 'tain' }],
      status.NOT_FOUND,
      'there is no job "tain" (jobs: other, train)',
      'FPISA_UNKNOWN_JOB',
    ],
    [
      'a rank that the job lacks',
      [2, {}],
      status.INVALID_ARGUMENT,
      'rank 2 is not a rank of job "train": it has 2 workers, ranks 0 to 1 (free: 1)',
      'FPISA_RANK_OUT_OF_RANGE',
    ],
    [
      'a taken rank',
      [0, { udpPort: 45_000 }],
      status.ALREADY_EXISTS,
      'rank 0 of job "train" is held by the worker at 127.0.0.1:40000 (free: 1)',
      'FPISA_RANK_TAKEN',
    ],
    [
      'an address that another worker has',
      [1, { udpPort: 40_000 }],
      status.ALREADY_EXISTS,
      '127.0.0.1:40000 is already the address of worker 0 of job "train"; each worker needs its own UDP port',
      'FPISA_ADDRESS_TAKEN',
    ],
    [
      'an address of another job',
      [0, { job: 'other', udpPort: 40_000 }],
      status.ALREADY_EXISTS,
      '127.0.0.1:40000 is already the address of worker 0 of job "train"; each worker needs its own UDP port',
      'FPISA_ADDRESS_TAKEN',
    ],
    [
      'an address that is none',
      [1, { ip: '::1' }],
      status.INVALID_ARGUMENT,
      'worker address "::1" cannot be the source of packets: expected dotted IPv4 without leading zeros, and not 0.0.0.0',
      'FPISA_INVALID_ADDRESS',
    ],
    [
      'an address with a leading zero',
      [1, { ip: '010.0.0.1' }],
      status.INVALID_ARGUMENT,
      'worker address "010.0.0.1" cannot be the source of packets: expected dotted IPv4 without leading zeros, and not 0.0.0.0',
      'FPISA_INVALID_ADDRESS',
    ],
    [
      'UDP port 0',
      [1, { udpPort: 0 }],
      status.INVALID_ARGUMENT,
      'UDP port 0 of worker 1 is not in the range 1 to 65535',
      'FPISA_INVALID_ADDRESS',
    ],
    [
      'a MAC address that is none',
      [1, { mac: '02:00' }],
      status.INVALID_ARGUMENT,
      'MAC address "02:00" of worker 1 is not six hex pairs such as 02:00:00:00:00:01',
      'FPISA_INVALID_ADDRESS',
    ],
    [
      'a port that the switch lacks',
      [1, { switchPort: 9 }],
      status.RESOURCE_EXHAUSTED,
      'switch "s1" has no worker port 9 (ports: 1, 2, 3, 4)',
      'FPISA_SWITCH_PORT',
    ],
  ];
  test.each(cases)('%s', async (_, hello, code, details, fpisaCode) => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    await site.client.createJob({ name: 'other', workers: 1 });
    await site.worker(0).welcome();
    const error = await site.worker(...hello).error();
    expect(error.details).toBe(details);
    expect(error.code).toBe(code);
    expect(error.metadata.get('fpisa-code')).toEqual([fpisaCode]);
  });

  test('a job that is deleted under its workers', async () => {
    const { site, members } = await running(1);
    await site.client.deleteJob('train', { force: true });
    const error = await members[0]!.error();
    expect([error.code, error.details]).toEqual([status.NOT_FOUND, 'job "train" was deleted']);
  });

  test('a controller that stops says that it is to be tried again', async () => {
    const { site, members } = await running(1);
    await site.stop();
    const error = await members[0]!.error();
    expect([error.code, error.details]).toEqual([
      status.UNAVAILABLE,
      'the controller stopped; workers reconnect to its successor',
    ]);
  });

  test('a full job', async () => {
    const { site } = await running(2);
    const error = await site.worker(1, { udpPort: 45_000 }).error();
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error.details).toBe('job "train" is full: all of its 2 ranks have a connected worker');
  });

  test('no port is left', async () => {
    const site = await startSite({ config: { ports: { 7: null } } });
    await site.client.createJob({ name: 'train', workers: 2 });
    await site.worker(0).welcome();
    expect((await site.worker(1).error()).details).toBe(
      'every worker port of switch "s1" is in use (ports: 7); specify one to share it',
    );
    expect((await site.worker(1, { switchPort: 7 }).welcome()).switchPort).toBe(7);
  });

  test('a first message that is not Hello, and a second Hello', async () => {
    const { members } = await running(1);
    members[0]!.send({
      hello: {
        job: 'train',
        rank: 0,
        ip: '127.0.0.1',
        udpPort: 1,
        mac: '',
        switchPort: 0,
        completed: 0,
        switchName: '',
        announcements: [],
        process: members[0]!.process,
        followsPacketValues: false,
      },
    });
    expect((await members[0]!.error()).details).toBe(
      'Hello was sent twice on one Join stream; open another stream for another worker',
    );
  });
});
