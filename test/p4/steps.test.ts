/** Large builds take packets of several lengths: a contribution has the shortest that holds its values. */
import { describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { packetSteps, stepFor } from '../../protocol/packet-steps.js';
import { contribution, fromWorker, parse, udpFrame } from './support/frames.js';
import { FpisaSwitch, portOf } from './support/fpisa-switch.js';

const JOB = 3;
const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);
const bitsOf = (value: number): number => ((FLOAT[0] = value), BITS[0]!);

describe.each([1024, 2048])('with %i values a packet', (n) => {
  const steps = packetSteps(n);
  /** Two workers' packets for one chunk; what each of them gets back. */
  function reduce(fpisa: FpisaSwitch, chunk: number, count: number, length: number) {
    const at = { job: JOB, epoch: 5, signature: 77, slot: chunk % 4, set: (chunk >> 2) & 1, chunk, count };
    return [0, 1].map((rank) => {
      const words = Array.from({ length }, (_, i) => (i < count ? bitsOf((i + 1) * (rank + 1)) : 0));
      const message = contribution({ ...at, worker: rank }, words);
      return fpisa.device.receive(portOf(rank), udpFrame(message, fromWorker(rank)));
    });
  }

  function open(): FpisaSwitch {
    const fpisa = new FpisaSwitch(n);
    fpisa.addJob({ number: JOB, workers: 2, profile: resolveProfile({ workers: 2 }), slotBase: 8, slots: 4, epoch: 5 });
    return fpisa;
  }

  it('the result is as long as the contributions, and the sums of each step are right', () => {
    const fpisa = open();
    const counts = steps.flatMap((values) => [values - 1, values]).concat(0, 1, 65, 257);
    counts
      .filter((count) => count <= n)
      .forEach((count, chunk) => {
        const length = steps[stepFor(count, steps)]!;
        const [first, second] = reduce(fpisa, chunk, count, length);
        expect(first).toEqual([]);
        expect(second).toHaveLength(2);
        for (const { bytes } of second!) {
          const result = parse(bytes);
          expect(result.words).toHaveLength(length);
          const sums = Array.from({ length }, (_, i) => (i < count ? bitsOf((i + 1) * 3) : 0));
          expect(result.words).toEqual(sums);
        }
      });
    expect(fpisa.drops()).toEqual({});
  });

  it('any other length is refused, and touches nothing', () => {
    const fpisa = open();
    const lengths = [...steps, 16, 63, 65, n - 1, n + 64];
    const counts = [0, 64, 65, 256, 257, 1024, 1025, 2048].filter((count) => count <= n);
    let refused = 0;
    for (const count of counts) {
      const right = steps[stepFor(count, steps)]!;
      for (const length of lengths.filter((each) => each !== right)) {
        expect(reduce(fpisa, 0, count, length)).toEqual([[], []]);
        refused += 2;
      }
    }
    expect(fpisa.drops()).toEqual({ BAD_LENGTH: refused });
    expect(fpisa.events(JOB)).toEqual({});
    // As long as the largest, with more than it holds.
    reduce(fpisa, 0, n + 1, n);
    expect(fpisa.drops()).toEqual({ BAD_LENGTH: refused, BAD_COUNT: 2 });
  });
});
