import { expect, it } from 'vitest';
import { swapWords } from '../../host/byte-order.js';

it.each([0, 1, 64])('reverses each of %i words in place, wherever they are, and nothing beside them', (words) => {
  const memory = Uint8Array.from({ length: 4 * words + 5 }, (_, i) => i);
  swapWords(memory.subarray(3, 3 + 4 * words));
  const expected = Array.from(memory.keys(), (i) => {
    const word = Math.floor((i - 3) / 4);
    return i < 3 || word >= words ? i : 2 * (3 + 4 * word) + 3 - i;
  });
  expect([...memory]).toEqual(expected.map((value) => value & 0xff));
});
