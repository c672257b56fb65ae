/** Workers where a part of the machine or of the network does not do what it should: they work, or say why not. */
import { describe, expect, it, vi } from 'vitest';
import { type AllreduceStats, DgramTransport, openUdp, type Transport, Worker } from '../../host/index.js';
import { BatchedUdpTransport } from '../../host/transport/batched-udp.js';
import { SO_RCVBUFFORCE, SO_SNDBUFFORCE, SOL_SOCKET, SOL_UDP } from '../../net/linux/abi.js';
import { LibcMissing, loadLibc, type Libc } from '../../net/linux/libc.js';
import type { FakeNetwork } from './support/fake-controller.js';
import { failure, join, network, ramp } from './support/network.js';

const LENGTH = 20_000;
const ADDRESS = { ip: '127.0.0.1' };
const loaded = await loadLibc();

/** Both workers of a job reduce over these transports, and hold the sum. */
async function reduce(net: FakeNetwork, transports: readonly Transport[]): Promise<AllreduceStats[]> {
  const workers = await Promise.all(transports.map((transport, rank) => join(net, rank, { transport })));
  const tensors = workers.map((_, rank) => ramp(rank, LENGTH));
  const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!)));
  for (const tensor of tensors) expect(tensor).toEqual(Float32Array.from({ length: LENGTH }, (_, i) => 3 * (i + 1)));
  return stats;
}

function wide(workers = 2): Promise<FakeNetwork> {
  return network({ workers, valuesPerPacket: 256, slots: 64 });
}

describe('without batches', () => {
  it('koffi that does not load: node:dgram, which is said', async () => {
    vi.resetModules();
    vi.doMock('koffi', () => {
      throw new Error('no build of koffi for this machine');
    });
    const { loadLibc: load } = await import('../../net/linux/libc.js');
    const missing = (await load()) as LibcMissing;
    vi.doUnmock('koffi');
    expect(missing.reason).toMatch(/^needs the package koffi, which does not load \(.*\); install it with/);
    const net = await wide();
    const stats = await reduce(net, [await openUdp(ADDRESS, new LibcMissing(missing.reason)), await openUdp(ADDRESS)]);
    expect(stats[0]!.transport).toMatch(/^node:dgram \(sending in batches needs the package koffi, which does not/);
  });

  it('a worker on node:dgram beside one on batches, in one job', async () => {
    const net = await wide();
    const stats = await reduce(net, [await DgramTransport.open(ADDRESS), await openUdp(ADDRESS)]);
    expect(stats[0]!.transport).toMatch(/^node:dgram/);
    if (!(loaded instanceof LibcMissing)) expect(stats[1]!.transport).toMatch(/^batches/);
  });
});

describe.skipIf(loaded instanceof LibcMissing)('batches', () => {
  const libc = loaded as Libc;
  /** What the call said that a fake refused last, until somebody asks. */
  let symbol: string | undefined;
  const refusing = (changes: Partial<Libc>): Libc => ({
    ...libc,
    errorName: (errno) => {
      const name = symbol ?? libc.errorName(errno);
      symbol = undefined;
      return name;
    },
    ...changes,
  });
  const refuse = (error: string): -1 => {
    symbol = error;
    return -1;
  };
  const open = (changes: Partial<Libc>): Promise<Transport> => openUdp(ADDRESS, refusing(changes));

  it('a kernel without UDP_SEGMENT and UDP_GRO: one datagram a message', async () => {
    const setsockopt: Libc['setsockopt'] = (fd, level, ...rest) =>
      level === SOL_UDP ? -1 : libc.setsockopt(fd, level, ...rest);
    const net = await wide();
    const stats = await reduce(net, [await open({ setsockopt }), await openUdp(ADDRESS)]);
    expect(stats[0]!.transport).toMatch(/^batches, without UDP_SEGMENT and UDP_GRO, which this kernel lacks/);
  });

  it.each(['EIO', 'EINVAL', 'EOPNOTSUPP'])(
    'a way that takes the option and refuses its use (%s): one datagram a message',
    async (error) => {
      // Several datagrams in a message need the control message.
      const sendmmsg: Libc['sendmmsg'] = (fd, messages, count, flags) => {
        const header = new DataView(libc.view(messages, 64));
        return header.getBigUint64(40, true) > 0n ? refuse(error) : libc.sendmmsg(fd, messages, 1, flags);
      };
      const net = await wide();
      const stats = await reduce(net, [await open({ sendmmsg }), await openUdp(ADDRESS)]);
      expect(stats[0]!.transport).toMatch(
        /^batches with UDP_GRO, without UDP_SEGMENT, which the way to the switch ref/,
      );
    },
  );

  it('no permission for large buffers: those that everybody gets', async () => {
    const setsockopt: Libc['setsockopt'] = (fd, level, option, ...rest) =>
      level === SOL_SOCKET && (option === SO_RCVBUFFORCE || option === SO_SNDBUFFORCE)
        ? -1
        : libc.setsockopt(fd, level, option, ...rest);
    const net = await wide();
    await reduce(net, [await open({ setsockopt }), await openUdp(ADDRESS)]);
  });

  it.each(['ENOSYS', 'EPERM'])('no permission for the calls (%s): node:dgram, which is said', async (error) => {
    const net = await wide();
    const transport = await open({ recvmmsg: () => refuse(error) });
    const stats = await reduce(net, [transport, await openUdp(ADDRESS)]);
    expect(stats[0]!.transport).toMatch(`node:dgram (sending in batches is not permitted here (recvmmsg: ${error}))`);
  });

  it('no permission for the port: one sentence', async () => {
    const error = await failure(openUdp({ ...ADDRESS, udpPort: 80 }, refusing({ bind: () => refuse('EACCES') })));
    expect(error).toMatchObject({ code: 'FPISA_TRANSPORT', message: 'cannot bind UDP 127.0.0.1:80: EACCES' });
  });

  it.each(['EAGAIN', 'ENOBUFS'])(
    'a send buffer that is full again and again (%s) is a loss like any',
    async (error) => {
      let calls = 0;
      const sendmmsg: Libc['sendmmsg'] = (...all) => (++calls % 3 === 0 ? refuse(error) : libc.sendmmsg(...all));
      const net = await wide();
      const transport = await open({ sendmmsg });
      const [stats] = await reduce(net, [transport, await openUdp(ADDRESS)]);
      expect(stats!.retransmissions).toBeGreaterThan(0);
      expect(transport.note()).toMatch(new RegExp(`^the socket reported \\d+ times ${error}$`));
    },
  );

  it.each([
    ['batches', BatchedUdpTransport.open],
    ['node:dgram', DgramTransport.open],
  ])('buffers of 200 KiB hold what is in flight, and that is said (%s)', async (_, openOne) => {
    const net = await network({ workers: 2, valuesPerPacket: 2048, slots: 64 });
    const transports = await Promise.all(
      [0, 1].map(async () => (await openOne({ ...ADDRESS, socketBufferBytes: 100 * 1024 })) as Transport),
    );
    const [stats] = await reduce(net, transports);
    expect(stats!.transport).toMatch(/, at most 9 packets in flight \(buffers of 200 KiB; raise net\.core\.rmem_max /);
  });
});

describe.each([
  ['batches', (): Promise<Transport> => openUdp(ADDRESS)],
  ['node:dgram', (): Promise<Transport> => DgramTransport.open(ADDRESS)],
])('a switch, seen over %s', (_, open) => {
  /** One worker in the middle of an operation that goes on as long as the switch answers. */
  async function underway(timeoutMs: number) {
    let packets = 0;
    let begun = (): void => undefined;
    const some = new Promise<void>((resolve) => (begun = resolve));
    const loses = (): boolean => {
      if (++packets === 100) begun();
      return false;
    };
    const net = await network({ workers: 1, valuesPerPacket: 16, slots: 64, loses });
    const worker = await join(net, 0, { transport: await open(), timeoutMs });
    const tensor = ramp(0, 200_000);
    const call = worker.allreduce(tensor);
    // An error is looked at later.
    call.catch(() => undefined);
    await some;
    await net.killSwitch();
    return { net, call, tensor };
  }

  it('that is killed in the middle of a batch and does not return: one sentence, and the input is back', async () => {
    const { net, call, tensor } = await underway(600);
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'FPISA_STALLED' });
    expect(error.message).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${net.portOf(0)}.*the socket reported \\d+ times ECONNREFUSED`),
    );
    expect(tensor).toEqual(ramp(0, 200_000));
  });

  it('that is killed in the middle of a batch and returns: the operation goes on', async () => {
    const { net, call, tensor } = await underway(60_000);
    await net.startSwitch();
    await call;
    expect(tensor).toEqual(ramp(0, 200_000));
  });

  it('that was never there: its address, and that nobody listens there', async () => {
    const net = await network({ workers: 1 });
    await net.killSwitch();
    const worker = await join(net, 0, { transport: await open(), timeoutMs: 400 });
    const error = await failure(worker.allreduce(ramp(0, 100)));
    expect(error).toMatchObject({ code: 'FPISA_SWITCH_UNREACHABLE' });
    expect(error.message).toMatch(new RegExp(`127\\.0\\.0\\.1:${net.portOf(0)}.*ECONNREFUSED`));
  });
});

describe('addresses', () => {
  it.each(['::1', 'localhost', '', '127.0.0.01', '256.0.0.1'])('%j is none that packets can come from', async (ip) => {
    const net = await network({ workers: 1 });
    const error = await failure(Worker.join({ controller: net.address, job: net.jobName, rank: 0, ip }));
    expect(error).toMatchObject({
      code: 'FPISA_TRANSPORT',
      message: `'${ip}' is not an IPv4 address of this machine: packets to and from switches are IPv4, so give one such as 10.0.0.1`,
    });
  });

  it.each(['[::1]:9600', 'no.such.host.invalid:9600'])(
    'a controller at %s says nothing about the address that switches see',
    async (controller) => {
      const error = await failure(Worker.join({ controller, job: 'train', rank: 0 }));
      expect(error.code).toBe('FPISA_TRANSPORT');
      expect(error.message).toMatch(
        / is not reached over IPv4 \(.+\), so give the worker's own IPv4 address, which swit/,
      );
    },
  );

  it('a controller at a host name is found', async () => {
    const net = await network({ workers: 1 });
    const worker = await join(net, 0, { controller: net.address.replace('127.0.0.1', 'localhost') });
    expect((await worker.allreduce(ramp(0, 10))).workers).toBe(1);
  });
});
