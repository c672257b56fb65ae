import { describe, expect, it } from 'vitest';
import { PacketAbortError, type Digest } from '../../emulator/index.js';
import { hex, switchWith } from './support/programs.js';

function request(op: number, index: number, value: number, payload = 0): Uint8Array {
  const bytes = new Uint8Array(9 + payload);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, op);
  view.setUint32(1, index);
  view.setUint32(5, value);
  return bytes;
}

function withClock() {
  let now = 0;
  const logs: string[] = [];
  const target = switchWith('externs', { clock: () => now, seed: 7, onLog: (text) => logs.push(text) });
  const run = (op: number, index: number, value = 0) => {
    const [output] = target.receive(3, request(op, index, value));
    const view = new DataView(output!.bytes.buffer, output!.bytes.byteOffset);
    return { first: view.getUint32(0), second: view.getUint32(4), third: view.getBigUint64(8) };
  };
  return { target, run, logs, control: target.control, at: (micros: number) => (now = micros) };
}

describe('registers', () => {
  it('keep their cells between packets, and the control plane sees them', () => {
    const { run, control } = withClock();
    expect(run(1, 2, 0xdeadbeef)).toMatchObject({ first: 0, second: 0xdeadbeef });
    expect(run(1, 2, 5)).toMatchObject({ first: 0xdeadbeef, second: 5 });
    expect(control.readRegister('ingress_.cells', 2)).toBe(5n);
    control.writeRegister('ingress_.cells', 2, 0x1_0000_0007n);
    expect(run(1, 2, 0).first).toBe(7);
    expect(control.registerSize('ingress_.cells')).toBe(4);
    expect(() => control.readRegister('ingress_.cells', 4)).toThrow(/indices 0 to 3, not 4/);
  });

  it('do nothing outside the array, and the trace says so', () => {
    const { target } = withClock();
    const trace = target.trace(1, request(1, 4, 9));
    expect(trace.events.filter((e) => e.kind === 'outOfRange')).toHaveLength(3);
    expect(hex(trace.outputs[0]!.bytes).slice(0, 16)).toBe('0000000000000000');
  });

  it('can be wider than 64 bits', () => {
    const { run } = withClock();
    for (const value of [1, 2, 3]) run(2, 0, value);
    expect(run(2, 0, 4).third).toBe((((1n << 96n) + (2n << 64n) + (3n << 32n) + 4n) & ((1n << 100n) - 1n)) >> 36n);
  });

  it('give a signed field the unsigned bits, as BMv2 does', () => {
    const { run } = withClock();
    expect(run(11, 0, 0xffff)).toMatchObject({ first: 0, second: 0xffff });
  });
});

describe('counters and meters', () => {
  it('counts packets and bytes, and nothing outside the array', () => {
    const { run, control } = withClock();
    run(3, 1);
    run(3, 1);
    run(3, 4);
    expect(control.readCounter('ingress_.counted', 1)).toEqual({ packets: 2n, bytes: 18n });
    control.writeCounter('ingress_.counted', 1, { packets: 100n, bytes: 0n });
    run(3, 1);
    expect(control.readCounter('ingress_.counted', 1)).toEqual({ packets: 101n, bytes: 9n });
  });

  it('colours packets by two token buckets that fill with the clock', () => {
    const { run, control, at } = withClock();
    expect(run(4, 0).first).toBe(0);
    control.setMeter('ingress_.rated', 0, [
      { perSecond: 1000, burst: 1 },
      { perSecond: 2000, burst: 2 },
    ]);
    expect([run(4, 0), run(4, 0), run(4, 0)].map((r) => r.first)).toEqual([0, 1, 2]);
    expect(run(4, 0).first).toBe(2);
    at(1000);
    expect([run(4, 0), run(4, 0), run(4, 0)].map((r) => r.first)).toEqual([0, 1, 2]);
    at(1500);
    expect([run(4, 0), run(4, 0)].map((r) => r.first)).toEqual([1, 2]);
    control.setMeter('ingress_.rated', 0, undefined);
    expect(run(4, 0).first).toBe(0);
    expect(() => control.setMeter('ingress_.rated', 0, [{ perSecond: 1, burst: 1 }])).toThrow(/2 rate\(s\)/);
  });

  it('a direct meter counts bytes of hits and puts the colour into its field', () => {
    const { run, control } = withClock();
    const keys = [{ kind: 'exact', value: 1n }] as const;
    control.insertEntry('ingress_.metered', { keys, priority: 0, call: { action: 'ingress_.read_color', args: [] } });
    control.setDirectMeter('ingress_.metered', keys, 0, [
      { perSecond: 0, burst: 10 },
      { perSecond: 0, burst: 20 },
    ]);
    expect([run(5, 1), run(5, 1), run(5, 2)].map((r) => r.first)).toEqual([0, 1, 0]);
    expect(control.readDirectMeter('ingress_.metered', keys, 0)).toHaveLength(2);
  });
});

describe('other externs', () => {
  it('hash() is base + hash mod max', () => {
    const { run } = withClock();
    // CRC-32 and CRC-16/ARC of the bytes 31 32 33 34, Internet checksum of 3132 3334 0000 0000.
    expect(run(6, 0, 0x31323334)).toEqual({
      first: 0x9be3e0a3,
      second: 7 + (0x14ba % 1000),
      third: BigInt(~(0x3132 + 0x3334) & 0xffff),
    });
  });

  it('random() stays in its range and repeats with the seed', () => {
    const draw = () => {
      const { run } = withClock();
      return Array.from({ length: 200 }, () => run(7, 0).first);
    };
    const values = draw();
    expect(new Set(values)).toEqual(new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]));
    expect(draw()).toEqual(values);
  });

  it('a digest reaches those who listen', () => {
    const { run, control } = withClock();
    const digests: Digest[] = [];
    const stop = control.onDigest((digest) => digests.push(digest));
    run(8, 0, 77);
    stop();
    run(8, 0, 78);
    expect(digests).toEqual([{ name: 'learned_t', id: 1, values: [8n, 77n, 3n], widths: [8, 32, 9] }]);
  });

  it('log_msg fills in its values', () => {
    const { run, logs } = withClock();
    run(9, 3, 77);
    expect(logs).toEqual(['value 77 of 3']);
  });

  it('assert gives up on the packet alone', () => {
    const { target, run } = withClock();
    expect(() => target.receive(1, request(9, 0, 0xdead))).toThrow(PacketAbortError);
    expect(target.statistics.aborted).toBe(1);
    expect(run(1, 0, 1).second).toBe(1);
  });

  it('truncate cuts what leaves', () => {
    const { target } = withClock();
    expect(target.receive(1, request(10, 0, 0, 40))[0]!.bytes).toHaveLength(8);
  });

  it('packet_length and the timestamp are those of the arrival', () => {
    const { target, at } = withClock();
    at(123_456);
    const out = target.receive(1, request(12, 0, 0, 5))[0]!.bytes;
    const view = new DataView(out.buffer, out.byteOffset);
    expect([view.getUint32(0), view.getBigUint64(8)]).toEqual([14, 123_456n]);
  });
});
