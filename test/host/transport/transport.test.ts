import dgram from 'node:dgram';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  DgramTransport,
  type FramePort,
  InProcessTransport,
  localIpTowards,
  type Transport,
} from '../../../host/index.js';
import { buildFrame, FRAME_OVERHEAD, parseIpv4, parseMac, readFrame } from '../../../host/transport/frame.js';

const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0)) await undo();
});

const A = { mac: parseMac('02:00:00:00:00:01'), ip: parseIpv4('10.0.0.1'), udpPort: 5000 };
const B = { mac: parseMac('02:00:00:00:00:02'), ip: parseIpv4('10.0.0.2'), udpPort: 0xf15a };

describe('frames', () => {
  it('have the bytes of the RFCs', () => {
    const frame = buildFrame(A, B, Uint8Array.of(1, 2, 3, 4), 3);
    expect(Buffer.from(frame).toString('hex')).toBe(
      '020000000002020000000001' +
        '0800' +
        // Checksum: the other words add up to 0xd933, without a carry.
        '4500001f00004000401126cc0a0000010a000002' +
        '1388f15a000b0000' +
        '010203',
    );
  });

  it('give the payload back to their receiver, and to nobody else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1100 }), fc.nat(40), (payload, padding) => {
        const frame = buildFrame(A, B, payload, payload.length);
        const padded = new Uint8Array(frame.length + padding);
        padded.set(frame);
        expect(readFrame(padded, B)).toEqual(payload);
        expect(readFrame(padded, A)).toBeUndefined();
        expect(readFrame(padded, { ...B, udpPort: 1 })).toBeUndefined();
      }),
    );
  });

  it('are refused when any bit of the IPv4 header, or a length, is wrong', () => {
    const frame = buildFrame(A, B, new Uint8Array(20), 20);
    for (let bit = 14 * 8; bit < 34 * 8; bit++) {
      const wrong = frame.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      expect(readFrame(wrong, B), `bit ${bit}`).toBeUndefined();
    }
    for (let length = 0; length < frame.length; length++)
      expect(readFrame(frame.subarray(0, length), B)).toBeUndefined();
    const long = frame.slice();
    new DataView(long.buffer).setUint16(38, 29);
    expect(readFrame(long, B)).toBeUndefined();
    expect(frame.length).toBe(FRAME_OVERHEAD + 20);
  });

  it.each(['1.2.3', '1.2.3.256', 'a.b.c.d', '1.2.3.4.5'])('%s is no IPv4 address', (text) => {
    expect(() => parseIpv4(text)).toThrow(/10\.0\.0\.1/);
  });

  it.each(['02:00', '020000000001', '02:00:00:00:00:0g'])('%s is no MAC address', (text) => {
    expect(() => parseMac(text)).toThrow(/02:00:00:00:00:01/);
  });
});

function received(transport: Transport): Promise<Uint8Array> {
  return new Promise((resolve) => {
    transport.onMessage = resolve;
  });
}

describe('in process', () => {
  it('dresses messages for the service and undresses the answers, never within send()', async () => {
    const sent: Uint8Array[] = [];
    const port: FramePort = {
      onFrame: undefined,
      send(frame) {
        sent.push(frame);
        this.onFrame!(buildFrame(B, A, Uint8Array.of(9, 9), 2));
      },
    };
    const transport = new InProcessTransport(port, { ip: '10.0.0.1', udpPort: 5000, mac: '02:00:00:00:00:01' });
    await transport.connect({ ip: '10.0.0.2', udpPort: 0xf15a, mac: '02:00:00:00:00:02' });
    const answer = received(transport);
    let within = true;
    void answer.then(() => expect(within).toBe(false));
    const buffer = Uint8Array.of(1, 2, 3);
    transport.send(buffer, 3);
    buffer.fill(0);
    within = false;
    expect(await answer).toEqual(Uint8Array.of(9, 9));
    expect(readFrame(sent[0]!, B)).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('UDP', () => {
  async function service(): Promise<dgram.Socket> {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    cleanup.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    socket.on('message', (message, from) => socket.send(Buffer.from(message).reverse(), from.port, from.address));
    return socket;
  }

  it.each([true, false])('sends and receives (connected: %s)', async (connected) => {
    const echo = await service();
    const transport = await DgramTransport.open({ ip: '127.0.0.1', connected });
    cleanup.push(() => transport.close());
    await transport.connect({ ip: '127.0.0.1', udpPort: echo.address().port });
    const answer = received(transport);
    transport.send(Uint8Array.of(1, 2, 3, 4), 3);
    expect([...(await answer)]).toEqual([3, 2, 1]);
    expect(transport.localAddress.udpPort).toBeGreaterThan(0);
  });

  it('moves on to another service', async () => {
    const first = await service();
    const second = await service();
    const transport = await DgramTransport.open({ ip: '127.0.0.1' });
    cleanup.push(() => transport.close());
    for (const echo of [first, second]) {
      await transport.connect({ ip: '127.0.0.1', udpPort: echo.address().port });
      const heard = new Promise<number>((resolve) => echo.once('message', (_message, from) => resolve(from.port)));
      transport.send(Uint8Array.of(1), 1);
      expect(await heard).toBe(transport.localAddress.udpPort);
    }
  });

  it('counts refused packets instead of throwing, and is quiet after close', async () => {
    const gone = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
    const { port } = gone.address();
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    const transport = await DgramTransport.open({ ip: '127.0.0.1' });
    await transport.connect({ ip: '127.0.0.1', udpPort: port });
    while (transport.note() === undefined) {
      transport.send(Uint8Array.of(1), 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(transport.note()).toMatch(/times ECONNREFUSED/);
    await transport.close();
    await transport.close();
    transport.send(Uint8Array.of(1), 1);
  });

  it('says which address cannot be bound', async () => {
    await expect(DgramTransport.open({ ip: '192.0.2.1', udpPort: 9 })).rejects.toMatchObject({
      code: 'FPISA_TRANSPORT',
      message: expect.stringContaining('192.0.2.1:9'),
    });
  });

  it('finds the own address towards a host', async () => {
    expect(await localIpTowards('127.0.0.1', 9)).toBe('127.0.0.1');
  });
});
