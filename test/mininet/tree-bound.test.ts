/** The bound by which sums of a tree of switches are judged: every tree keeps it, and it is worth something. */
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { accumulateAll, readOut, resolveProfile, type NumericProfile } from '../../arithmetic/index.js';
import { verifyLayer, type SumTree } from '../../cli/sum-verification.js';

const WORKERS = 8;

/** Trees whose leaves are the workers 0 to 7, each once, in order; up to three levels. */
const tree: fc.Arbitrary<SumTree[]> = fc
  .array(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
  .map((shape) => {
    let next = 0;
    const nodes = shape.map((racks) =>
      racks
        .map((size) => Array.from({ length: size }, () => next++).filter((rank) => rank < WORKERS))
        .filter((rack) => rack.length > 0),
    );
    const rest = Array.from({ length: Math.max(0, WORKERS - next) }, (_, index) => next + index);
    return [...nodes.filter((racks) => racks.length > 0), ...rest];
  });
const element = fc
  .tuple(fc.boolean(), fc.integer({ min: 100, max: 140 }), fc.integer({ min: 0, max: 0x7fffff }))
  .map(([sign, exponent, fraction]) => BigInt(((sign ? 1 : 0) * 2 ** 31 + exponent * 2 ** 23 + fraction) >>> 0));
const elements = fc.array(element, { minLength: WORKERS, maxLength: WORKERS });
const profile = fc.constantFrom<NumericProfile[]>(
  resolveProfile({ preset: 'fpisa', workers: WORKERS }),
  resolveProfile({ preset: 'fpisa-paper', workers: WORKERS }),
);

/** What a tree of switches makes of the workers' values, by the reference model. */
function sumOf(nodes: readonly SumTree[], values: readonly bigint[], by: NumericProfile): bigint {
  const addends = nodes.map((node) => (typeof node === 'number' ? values[node]! : sumOf(node, values, by)));
  return readOut(accumulateAll(addends, by).states.at(-1)!, by);
}

function floatOf(bits: bigint): Float32Array {
  return new Float32Array(Uint32Array.of(Number(bits)).buffer);
}

describe('the bound of a tree', () => {
  it('holds for whatever the reference model sums', () => {
    fc.assert(
      fc.property(tree, elements, profile, (nodes, values, by) => {
        const verdict = verifyLayer(values.map(floatOf), [floatOf(sumOf(nodes, values, by))], by, nodes);
        expect(verdict.outOfBound).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  it('is not kept by a sum without one of the workers that is not negligible', () => {
    const by = resolveProfile({ preset: 'fpisa', workers: WORKERS });
    fc.assert(
      fc.property(tree, fc.integer({ min: 0, max: WORKERS - 1 }), (nodes, forgotten) => {
        const values = Array.from({ length: WORKERS }, (_, rank) => floatOf(0n).fill(1 + rank / 8));
        const bits = values.map((value, rank) => (rank === forgotten ? 0n : BigInt(new Uint32Array(value.buffer)[0]!)));
        expect(verifyLayer(values, [floatOf(sumOf(nodes, bits, by))], by, nodes).outOfBound).toBe(1);
      }),
    );
  });

  it('of one switch is too narrow for a tree, whose switches round once each', () => {
    const by = resolveProfile({ preset: 'fpisa', workers: 4 });
    // Each leaf loses the half of a unit that its small worker brings; the large parts then cancel.
    const inputs = [1, 2 ** -24 * 1.5, -1, 2 ** -26].map((value) => Float32Array.of(value));
    const bits = inputs.map((value) => BigInt(new Uint32Array(value.buffer)[0]!));
    const nodes = [
      [0, 1],
      [2, 3],
    ];
    const result = [floatOf(sumOf(nodes, bits, by))];
    expect(verifyLayer(inputs, result, by, nodes).outOfBound).toBe(0);
    expect(verifyLayer(inputs, result, by).outOfBound).toBe(1);
  });
});
