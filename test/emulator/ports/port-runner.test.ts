import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import {
  FaultInjector,
  InProcessPort,
  ManualScheduler,
  PortError,
  PortRunner,
  UdpPort,
  type Switch,
} from '../../../emulator/index.js';
import { encapsulate } from '../../../net/frames.js';
import { switchWith } from '../support/programs.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function runnerOf(target: Switch, options?: ConstructorParameters<typeof PortRunner>[1]): PortRunner {
  const runner = new PortRunner(target, options);
  closers.push(() => runner.close());
  return runner;
}

async function client(): Promise<Socket> {
  const socket = createSocket('udp4');
  closers.push(() => new Promise<void>((done) => socket.close(() => done())));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Waits for a condition that other turns of the event loop bring about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setImmediate(next));
}

const service = { mac: '02:00:0a:00:00:01', address: '10.0.0.1', udpPort: 0xf15a };

describe('in-process ports', () => {
  it('carry frames into the switch and out of it, in order', async () => {
    const runner = runnerOf(switchWith('values'));
    const seen: number[] = [];
    const port = new InProcessPort(7, (frame) => seen.push(frame.at(-1)!));
    await runner.attach(port);
    for (let i = 0; i < 100; i++) port.inject(Uint8Array.of(1, 2, 3, 4, 5, 6, i));
    await until(() => seen.length === 100);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(port.statistics).toMatchObject({ received: 100, sent: 100 });
  });

  it('count what goes nowhere, survive bad packets, and drop what does not fit the queue', async () => {
    const errors: unknown[] = [];
    const runner = runnerOf(switchWith('externs'), { queueLimit: 3, onError: (error) => errors.push(error) });
    const port = new InProcessPort(1);
    await runner.attach(port);
    port.inject(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0xde, 0xad));
    for (let i = 0; i < 4; i++) port.inject(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, i));
    await until(() => port.statistics.sent === 2);
    expect(errors).toHaveLength(1);
    expect(runner.statistics).toEqual({ queueDrops: 2, noPort: 0, errors: 1 });
    await runner.detach(1);
    const other = new InProcessPort(2);
    await runner.attach(other);
    other.inject(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0));
    await until(() => runner.statistics.noPort === 1);
  });

  it('refuse a second port of one number', async () => {
    const runner = runnerOf(switchWith('values'));
    await runner.attach(new InProcessPort(1));
    await expect(runner.attach(new InProcessPort(1))).rejects.toMatchObject({
      code: 'EMULATOR_PORT_DUPLICATE',
      port: 1,
    });
  });

  it('apply faults in both directions', async () => {
    const faults = new FaultInjector({
      seed: 1,
      scheduler: new ManualScheduler(),
      only: { '1/in': { duplicate: 1 }, '1/out': { duplicate: 1 } },
    });
    const runner = runnerOf(switchWith('values'), { faults });
    const port = new InProcessPort(1);
    await runner.attach(port);
    port.inject(new Uint8Array(6));
    await until(() => port.statistics.sent === 4);
    expect(faults.counts().get('1/out')).toMatchObject({ duplicated: 2, passed: 4 });
  });
});

describe('UDP ports', () => {
  it('encapsulate what comes in in a frame from the sender to the service', async () => {
    const frames: Uint8Array[] = [];
    const port = new UdpPort({ number: 3, service });
    await port.open((frame) => frames.push(frame));
    closers.push(() => port.close());
    const socket = await client();
    socket.send(Buffer.from('hello'), port.address.port, '127.0.0.1');
    await until(() => frames.length === 1);
    const view = new DataView(frames[0]!.buffer);
    expect([...frames[0]!.subarray(0, 12)]).toEqual([2, 0, 10, 0, 0, 1, 2, 0, 127, 0, 0, 1]);
    expect([view.getUint16(34), view.getUint16(36)]).toEqual([socket.address().port, 0xf15a]);
    expect(Buffer.from(frames[0]!.subarray(42)).toString()).toBe('hello');
  });

  it('remember the latest senders only, so that forged addresses fill no memory', () => {
    const port = new UdpPort({ number: 3, service });
    const sender = (i: number): { ip: Uint8Array; udpPort: number } =>
      port['sender']({
        address: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
        port: 7,
        family: 'IPv4',
        size: 1,
      });
    for (let i = 0; i < 100_000; i++) sender(i);
    expect(port['senders'].size).toBeLessThanOrEqual(4096);
    expect([...sender(5).ip, sender(5).udpPort]).toEqual([10, 0, 0, 5, 7]);
    expect(sender(5)).toBe(sender(5));
  });

  it('decapsulate what leaves, send it where the frame says, and count what is no datagram', async () => {
    const port = new UdpPort({ number: 3, service });
    await port.open(() => {});
    closers.push(() => port.close());
    const socket = await client();
    const received = once(socket, 'message') as Promise<[Buffer, { port: number }]>;
    const from = { mac: new Uint8Array(6), ip: Uint8Array.of(10, 0, 0, 1), udpPort: 1 };
    port.send(
      encapsulate(
        from,
        { ...from, ip: Uint8Array.of(127, 0, 0, 1), udpPort: socket.address().port },
        Buffer.from('answer'),
      ),
    );
    port.send(new Uint8Array(60));
    const [message, sender] = await received;
    expect(message.toString()).toBe('answer');
    expect(sender.port).toBe(port.address.port);
    await until(() => port.statistics.sent === 1);
    expect(port.statistics).toMatchObject({ sent: 1, notCarried: 1, sendErrors: 0 });
  });

  it('take a burst while the switch is busy', async () => {
    const target = switchWith('values');
    const runner = runnerOf(target);
    const port = new UdpPort({ number: 3, service });
    await runner.attach(port);
    const socket = await client();
    for (let i = 0; i < 100; i++) socket.send(Buffer.alloc(100, i), port.address.port, '127.0.0.1');
    await until(() => target.statistics.received === 100);
    expect(runner.statistics.queueDrops).toBe(0);
  });

  it('say which port cannot be opened, and why', async () => {
    const first = new UdpPort({ number: 1, service });
    await first.open(() => {});
    closers.push(() => first.close());
    const taken = new UdpPort({ number: 2, bindPort: first.address.port, service }).open(() => {});
    await expect(taken).rejects.toBeInstanceOf(PortError);
    await expect(taken).rejects.toMatchObject({
      code: 'EMULATOR_PORT_IN_USE',
      port: 2,
      message: expect.stringMatching(/^port 2: another socket uses UDP 127\.0\.0\.1:\d+$/) as string,
    });
    await expect(new UdpPort({ number: 4, bindAddress: '192.0.2.1', service }).open(() => {})).rejects.toMatchObject({
      code: 'EMULATOR_PORT_ADDRESS',
      port: 4,
    });
    expect(() => new UdpPort({ number: 5, service: { ...service, mac: 'nonsense' } })).toThrow(
      /"nonsense" is not a MAC address/,
    );
    expect(() => new UdpPort({ number: 5, service: { ...service, address: '010.0.0.1' } })).toThrow(
      /^port 5: "010\.0\.0\.1" is not an IPv4 address like 10\.0\.0\.1, without leading zeros$/,
    );
    expect(() => new UdpPort({ number: 5, service }).address).toThrow(/it is not open/);
  });
});
