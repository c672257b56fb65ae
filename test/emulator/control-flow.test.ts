import { describe, expect, it } from 'vitest';
import { switchWith } from './support/programs.js';

const target = switchWith('control-flow');

function run(op: number, n: number) {
  const [output] = target.receive(1, Uint8Array.of(op, n, 0, 0, 0, 0, 0, 5, 6, 7));
  const bytes = output!.bytes;
  return {
    sum: new DataView(bytes.buffer, bytes.byteOffset).getUint32(2),
    seen: bytes[6],
    items: [...bytes.subarray(7)],
  };
}

describe('control flow in actions', () => {
  it.each([
    [0, 0],
    [2, 1],
    [8, 1 + 3 + 5 + 7],
    [10, 1 + 3 + 5 + 7],
    [200, 1 + 3 + 5 + 7],
  ])('a loop with continue and break, n = %i', (n, sum) => {
    expect(run(1, n).sum).toBe(sum);
  });

  it('return leaves the action, exit leaves ingress but not egress', () => {
    expect(run(2, 1)).toMatchObject({ seen: 0x11, sum: 0x77 });
    expect(run(2, 2)).toMatchObject({ seen: 0x12, sum: 0 });
    expect(run(2, 3)).toMatchObject({ seen: 0x13, sum: 0x77 });
  });

  it('a stack can be indexed at run time', () => {
    expect(run(3, 1)).toMatchObject({ sum: 6, items: [5, 0xff, 7] });
  });

  it('outside the stack there is nothing to read or write', () => {
    expect(run(3, 200)).toMatchObject({ sum: 0, items: [5, 6, 7] });
  });
});
