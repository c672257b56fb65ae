import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  descriptionBytes,
  firstDifference,
  MAX_DESCRIPTION_BYTES,
  operationSignature,
  sameSubmission,
  submission,
  type Submission,
  type TensorDescription,
} from '../../protocol/submission.js';

const named = (entries: Record<string, number[]>): Submission =>
  submission(
    'sum',
    'fp32',
    Object.entries(entries).map(([name, shape]) => ({ name, shape })),
  );
const plain = (...shapes: number[][]): Submission =>
  submission(
    'sum',
    'fp32',
    shapes.map((shape) => ({ shape })),
  );

const descriptions = fc.array(
  fc.record({
    name: fc.option(fc.constantFrom('a', 'b', 'a,b', '"', 'null', ''), { nil: undefined }),
    shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  }),
  { maxLength: 3 },
);

describe('the signature of an operation', () => {
  it('is the same only for the same tensors, whatever their names contain', () => {
    const signature = (tensors: readonly TensorDescription[]) => operationSignature('sum', 'fp32', tensors);
    const text = (tensors: readonly TensorDescription[]) =>
      JSON.stringify(tensors.map(({ name, shape }) => [name === undefined, name, shape]));
    fc.assert(
      fc.property(descriptions, descriptions, (a, b) => {
        expect(signature(a) === signature(b)).toBe(text(a) === text(b));
      }),
      { numRuns: 2000 },
    );
  });

  it('is that of docs/protocol.md', () => {
    const tensors = [
      { name: 'bias', shape: [3] },
      { name: 'weight', shape: [2, 3] },
    ];
    expect(JSON.stringify(['sum', 'fp32', tensors.map(({ name, shape }) => [name, shape])])).toBe(
      '["sum","fp32",[["bias",[3]],["weight",[2,3]]]]',
    );
    expect(operationSignature('sum', 'fp32', tensors)).not.toBe(operationSignature('mean', 'fp32', tensors));
    expect(operationSignature('sum', 'fp32', tensors)).not.toBe(operationSignature('sum', 'int32', tensors));
  });
});

describe('the first difference of two submissions', () => {
  const difference = (a: Submission, b: Submission) =>
    firstDifference({ who: 'rank 0', what: a }, { who: 'rank 1', what: b });

  it.each<[string, Submission, Submission, string]>([
    ['the op', named({ a: [1] }), { ...named({ a: [1] }), op: 'mean' }, 'rank 0 asks for a sum, rank 1 for a mean'],
    ['the format', plain([1]), { ...plain([1]), format: 'int32' }, 'rank 0 has elements of fp32, rank 1 of int32'],
    [
      'a name of equal size',
      named({ bias: [3], w: [2] }),
      named({ gamma: [3], w: [2] }),
      'rank 0 has tensor "bias", rank 1 has none of that name',
    ],
    [
      'a name that comes first at the other',
      named({ b: [3] }),
      named({ a: [3], b: [3] }),
      'rank 1 has tensor "a", rank 0 has none of that name',
    ],
    [
      'a name that is missing at the end',
      named({ a: [3] }),
      named({ a: [3], b: [3] }),
      'rank 1 has tensor "b", rank 0 has none of that name',
    ],
    [
      'a shape of as many elements',
      named({ a: [1], w: [2, 3] }),
      named({ a: [1], w: [3, 2] }),
      'tensor "w" has shape [2, 3] at rank 0 and [3, 2] at rank 1',
    ],
    ['a length', plain([4], [5]), plain([4], [6]), 'tensor 1 has shape [5] at rank 0 and [6] at rank 1'],
    ['a number of arrays', plain([4]), plain([4], [6]), 'rank 1 has 2 tensors, rank 0 1 tensor'],
    ['a name and none', plain([4]), named({ a: [4] }), 'rank 1 has tensor "a", rank 0 an array without a name'],
  ])('is %s', (_, a, b, text) => {
    expect(difference(a, b)).toBe(text);
    expect(difference(b, a)).toBeDefined();
    expect(sameSubmission(a, a)).toBe(true);
  });

  it('is found wherever there is one', () => {
    fc.assert(
      fc.property(descriptions, descriptions, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(sameSubmission(submission('sum', 'fp32', a), submission('sum', 'fp32', b))).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it('of very many tensors is named among those that fit a message, or said to follow them', () => {
    const many = (last: number) =>
      Array.from({ length: 100_000 }, (_, i) => ({ name: `layer.${i}`, shape: [i === 99_999 ? last : 1] }));
    const cut = submission('sum', 'fp32', many(1));
    expect(cut.count).toBe(100_000);
    expect(cut.tensors.length).toBeGreaterThan(1000);
    expect(cut.tensors.reduce((sum, one) => sum + descriptionBytes(one), 0)).toBeLessThanOrEqual(MAX_DESCRIPTION_BYTES);
    expect(difference(cut, submission('sum', 'fp32', many(2)))).toMatch(
      /^they differ after the first \d+ of 100000 tensors$/,
    );
  });
});
