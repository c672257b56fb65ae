import { expect, it } from 'vitest';
import { counted, plural } from '../../net/count.js';

it.each([
  [0, 'worker', '0 workers'],
  [1, 'worker', '1 worker'],
  [2, 'worker', '2 workers'],
  [1n, 'row', '1 row'],
  [2n, 'row', '2 rows'],
  [1, 'switch', '1 switch'],
  [3, 'switch', '3 switches'],
  [2, 'entry', '2 entries'],
  [1, 'core program', '1 core program'],
  [2, 'core program', '2 core programs'],
])('%d %s', (count, thing, text) => {
  expect(counted(count, thing)).toBe(text);
});

it('without the count', () => {
  expect([plural(1, 'slot'), plural(2, 'slot')]).toEqual(['slot', 'slots']);
});
