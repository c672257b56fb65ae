/** The study's own conversions, against the reference model. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decoded, encoded, sequential } from '../../bench/accuracy-study/elements.js';
import { exactSum, FORMATS, quietNaN, roundExact, toUnits } from '../../arithmetic/index.js';
import { finiteBits } from '../arithmetic/arbitraries.js';

it.each(['fp16', 'bf16'] as const)('%s: every value survives, and every NaN is one', (name) => {
  const format = FORMATS[name];
  const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const values = decoded(name, all);
  const back = encoded(name, values) as Uint16Array;
  for (let bits = 0; bits < 65_536; bits++) {
    if (Number.isNaN(values[bits])) expect(back[bits]).toBe(Number(quietNaN(format)));
    else if (back[bits] !== bits) expect.fail(`${bits} came back as ${back[bits]}`);
  }
});

it.each(['fp16', 'bf16', 'fp32', 'fp64'] as const)('%s: a sum of two is correctly rounded', (name) => {
  const format = FORMATS[name];
  const vector = (bits: bigint) =>
    format.bits === 16
      ? Uint16Array.of(Number(bits))
      : format.bits === 32
        ? new Float32Array(Uint32Array.of(Number(bits)).buffer)
        : new Float64Array(BigUint64Array.of(bits).buffer);
  fc.assert(
    fc.property(finiteBits(format), finiteBits(format), (a, b) => {
      const sum = sequential(name, [vector(a), vector(b)]);
      const result = decoded(name, sum)[0]!;
      const expected = decoded(name, vector(roundExact(format, exactSum(format, [a, b]))))[0]!;
      expect(result === expected || toUnits(format, a)! + toUnits(format, b)! === 0n).toBe(true);
    }),
    { numRuns: 500 },
  );
});
