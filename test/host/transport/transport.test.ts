import dgram from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import {
  DgramTransport,
  type DgramOptions,
  type FramePort,
  InProcessTransport,
  localIpTowards,
  type Transport,
} from '../../../host/index.js';
import { encapsulate, payloadFor } from '../../../net/frames.js';
import { messagesThatFit } from '../../../host/transport/buffer-capacity.js';
import { BatchedUdpTransport } from '../../../host/transport/batched-udp.js';
import { LibcMissing, loadLibc } from '../../../net/linux/libc.js';
import { macToBytes } from '../../../net/mac.js';

const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0)) await undo();
});

const A = { mac: macToBytes('02:00:00:00:00:01')!, ip: Uint8Array.of(10, 0, 0, 1), udpPort: 5000 };
const B = { mac: macToBytes('02:00:00:00:00:02')!, ip: Uint8Array.of(10, 0, 0, 2), udpPort: 0xf15a };

function received(transport: Transport): Promise<Uint8Array> {
  return new Promise((resolve) => {
    transport.onMessage = resolve;
  });
}

describe('in process', () => {
  it('encapsulates messages for the service and decapsulates the answers, never within send()', async () => {
    const sent: Uint8Array[] = [];
    const port: FramePort = {
      onFrame: undefined,
      send(frame) {
        sent.push(frame);
        this.onFrame!(encapsulate(B, A, Uint8Array.of(9, 9)));
      },
    };
    const transport = new InProcessTransport(port, { ip: '10.0.0.1', udpPort: 5000, mac: '02:00:00:00:00:01' });
    await transport.connect({ ip: '10.0.0.2', udpPort: 0xf15a, mac: '02:00:00:00:00:02' });
    const answer = received(transport);
    let within = true;
    void answer.then(() => expect(within).toBe(false));
    const buffer = Uint8Array.of(0, 1, 2, 3);
    transport.send(buffer, 1, 3);
    buffer.fill(0);
    within = false;
    expect(await answer).toEqual(Uint8Array.of(9, 9));
    expect(payloadFor(B, sent[0]!)).toEqual(Uint8Array.of(1, 2, 3));
    // "Don't fragment": a message is always one packet.
    expect(sent[0]!.subarray(20, 22)).toEqual(Uint8Array.of(0x40, 0));
  });

  it.each([
    ['ip', '010.0.0.1', "'010.0.0.1' is not an IPv4 address; the form is 10.0.0.1, without leading zeros"],
    ['mac', '02:00', "'02:00' is not a MAC address; the form is 02:00:00:00:00:01"],
  ])('says what is wrong with an address: %s %s', (field, text, message) => {
    const port: FramePort = { onFrame: undefined, send() {} };
    const local = { ip: '10.0.0.1', udpPort: 5000, mac: '02:00:00:00:00:01', [field]: text };
    expect(() => new InProcessTransport(port, local)).toThrow(
      expect.objectContaining({ code: 'FPISA_ARGUMENT', message }),
    );
  });
});

type Open = (options: DgramOptions) => Promise<Transport>;

const openBatched: Open = async (options) => {
  const transport = await BatchedUdpTransport.open(options);
  if (transport instanceof LibcMissing) throw new Error(transport.reason);
  return transport;
};
const batchesMissing = await loadLibc();
const KINDS: [string, Open][] = [['node:dgram', DgramTransport.open]];
if (!(batchesMissing instanceof LibcMissing)) KINDS.push(['batches', openBatched]);
if (batchesMissing instanceof LibcMissing) it.skip(`in batches: ${batchesMissing.reason}`, () => undefined);

describe.each(KINDS)('UDP by %s', (kind, open) => {
  async function service(): Promise<dgram.Socket> {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    cleanup.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    socket.on('message', (message, from) => socket.send(Buffer.from(message).reverse(), from.port, from.address));
    return socket;
  }

  it.each([true, false])('sends and receives (connected: %s)', async (connected) => {
    const echo = await service();
    const transport = await open({ ip: '127.0.0.1', connected });
    cleanup.push(() => transport.close());
    await transport.connect({ ip: '127.0.0.1', udpPort: echo.address().port });
    const answer = received(transport);
    transport.send(Uint8Array.of(0, 1, 2, 3, 4), 1, 3);
    expect([...(await answer)]).toEqual([3, 2, 1]);
    expect(transport.localAddress.udpPort).toBeGreaterThan(0);
  });

  it('moves on to another service', async () => {
    const first = await service();
    const second = await service();
    const transport = await open({ ip: '127.0.0.1' });
    cleanup.push(() => transport.close());
    for (const echo of [first, second]) {
      await transport.connect({ ip: '127.0.0.1', udpPort: echo.address().port });
      const heard = new Promise<number>((resolve) => echo.once('message', (_message, from) => resolve(from.port)));
      transport.send(Uint8Array.of(1), 0, 1);
      expect(await heard).toBe(transport.localAddress.udpPort);
    }
  });

  it('counts refused packets instead of throwing, and is quiet after close', async () => {
    const gone = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
    const { port } = gone.address();
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    const transport = await open({ ip: '127.0.0.1' });
    await transport.connect({ ip: '127.0.0.1', udpPort: port });
    while (transport.note() === undefined) {
      transport.send(Uint8Array.of(1), 0, 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(transport.note()).toMatch(/times ECONNREFUSED/);

    // Once somebody listens there, messages pass.
    const late = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => late.bind(port, '127.0.0.1', resolve));
    cleanup.push(() => new Promise<void>((resolve) => late.close(() => resolve())));
    late.on('message', (message, from) => late.send(message, from.port, from.address));
    let answer: Uint8Array | undefined;
    transport.onMessage = (message) => (answer = new Uint8Array(message));
    while (answer === undefined) {
      transport.send(Uint8Array.of(7), 0, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([...answer]).toEqual([7]);
    await transport.close();
    await transport.close();
    transport.send(Uint8Array.of(1), 0, 1);
  });

  it('says which address cannot be bound', async () => {
    await expect(open({ ip: '192.0.2.1', udpPort: 9 })).rejects.toMatchObject({
      code: 'FPISA_TRANSPORT',
      message: expect.stringContaining('192.0.2.1:9'),
    });
  });

  it('passes messages of all lengths in order, many at a time', async () => {
    const lengths = Array.from({ length: 400 }, (_, i) => (i % 7 === 0 ? 1 + ((i * 37) % 9000) : 1056));
    const pattern = (i: number): Uint8Array => Uint8Array.from({ length: lengths[i]! }, (_, k) => i + k * 7);
    const [left, right] = [await open({ ip: '127.0.0.1' }), await open({ ip: '127.0.0.1' })];
    cleanup.push(
      () => left.close(),
      () => right.close(),
    );
    await left.connect(right.localAddress);
    await right.connect(left.localAddress);
    const heard: Uint8Array[] = [];
    right.onMessage = (message) => heard.push(new Uint8Array(message));
    for (let i = 0; i < lengths.length; i += 40) {
      for (let k = i; k < i + 40; k++) left.send(pattern(k), 0, lengths[k]!);
      while (heard.length < i + 40) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    heard.forEach((message, i) => expect(Buffer.compare(message, pattern(i)), `message ${i}`).toBe(0));
    expect(left.description).toContain(kind);
    expect(left.note()).toBeUndefined();
  });

  it.each([40, 300, 1056, 8224])(
    'holds as many messages of %i bytes as it is said to, read by nobody',
    async (bytes) => {
      // One at a time, which takes more memory than those that the kernel joins.
      const sender = await DgramTransport.open({ ip: '127.0.0.1' });
      const receiver = await open({ ip: '127.0.0.1', socketBufferBytes: 100 * 1024 });
      cleanup.push(
        () => sender.close(),
        () => receiver.close(),
      );
      await sender.connect(receiver.localAddress);
      const fit = messagesThatFit(receiver.bufferBytes!, bytes);
      expect(fit).toBeGreaterThan(0);
      let arrived = 0;
      receiver.onMessage = () => arrived++;
      for (let round = 0; round < 3; round++) {
        arrived = 0;
        for (let i = 0; i < fit; i++) sender.send(new Uint8Array(bytes), 0, bytes);
        while (arrived < fit) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  );

  it('finds the own address towards a host', async () => {
    expect(await localIpTowards('127.0.0.1', 9)).toBe('127.0.0.1');
  });
});
