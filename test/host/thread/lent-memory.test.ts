import { expect, it } from 'vitest';
import { lend, LentViews, probeMemory } from '../../../host/thread/lent-memory.js';
import { LentTensors } from '../../../host/thread/lent-tensors.js';
import { LibcMissing, loadLibc } from '../../../net/linux/libc.js';

const libc = await loadLibc();
const list = [{ name: undefined, shape: [100], data: Float32Array.from({ length: 100 }, (_, i) => i) }];

it.skipIf(libc instanceof LibcMissing)('memory of one thread is the memory of the other, by its address', () => {
  if (libc instanceof LibcMissing) return;
  const views = new LentViews(libc);
  const { memory, probed } = probeMemory(libc);
  expect(views.reads(probed)).toBe(true);
  memory[0] = 0;
  expect(views.reads(probed)).toBe(false);

  const lent = new LentTensors(list, libc);
  expect(lent.hasCopies).toBe(false);
  const view = views.tensor(lent.tensors[0]!.memory, 'fp32');
  view[7] = 700;
  expect(list[0]!.data[7]).toBe(700);
  const part = views.tensor(lend(list[0]!.data.subarray(7, 9), libc)!, 'fp32');
  expect([...part]).toEqual([700, 8]);
  expect(views.tensor(lend(new Int32Array(0), libc)!, 'int32')).toEqual(new Int32Array(0));
});

it('without addresses tensors are copied, and shared memory is not', async () => {
  const views = new LentViews(new LibcMissing('for this test'));
  expect(views.reads({ address: 0n, value: 0 })).toBe(false);
  const shared = new Float32Array(new SharedArrayBuffer(16)).fill(1);
  const own = Float32Array.of(1, 2, 3);
  const lent = new LentTensors(
    [shared, own].map((data) => ({ name: undefined, shape: [data.length], data })),
    undefined,
  );
  await lent.copyIn();
  const [first, second] = lent.tensors.map(({ memory }) => views.tensor(memory, 'fp32'));
  expect(first!.buffer).toBe(shared.buffer);
  expect([...second!]).toEqual([1, 2, 3]);
  second!.fill(9);
  expect([...own]).toEqual([1, 2, 3]);
  await lent.copyOut();
  expect([...own]).toEqual([9, 9, 9]);
});
