import { describe, expect, it } from 'vitest';
import { MemoryInUse } from '../../../host/allreduce/memory-in-use.js';
import { PacketStore, PacketStorePool } from '../../../host/allreduce/packet-store.js';

const LAYOUT = { valuesPerPacket: 4, steps: [2, 4] };

describe('memory of packets', () => {
  it('has each packet after the one before, the commit last', () => {
    const { bytes, ...memory } = new PacketStorePool().take(9, LAYOUT);
    expect(memory.loaded).toBe(0);
    expect(bytes).toHaveLength(3 * (32 + 16) + 32 + 8);
    expect(PacketStore.bytesFor(0, LAYOUT)).toBe(32 + 8);
  });

  it('is used again for packets of one size, the smallest piece that is large enough', () => {
    const pool = new PacketStorePool();
    const [small, large] = [pool.take(8, LAYOUT), pool.take(80, LAYOUT)];
    pool.give(large);
    pool.give(small);
    expect(pool.take(8, { valuesPerPacket: 8, steps: [8] }).bytes).not.toBe(small.bytes);
    expect(pool.take(7, LAYOUT).bytes).toBe(small.bytes);
    expect(pool.take(7, LAYOUT).bytes).toBe(large.bytes);
    expect(pool.take(7, LAYOUT).bytes).toHaveLength(PacketStore.bytesFor(7, LAYOUT));
  });

  it('is not kept without limit', () => {
    const pool = new PacketStorePool();
    const pieces = [1, 2, 3].map((chunks) => pool.take(chunks * 4, LAYOUT));
    for (const piece of pieces) pool.give(piece);
    const next = pieces.map(() => pool.take(4, LAYOUT).bytes);
    expect(pieces.map(({ bytes }) => next.includes(bytes))).toEqual([false, true, true]);
    const huge = pool.take(2 ** 26, { valuesPerPacket: 2 ** 20, steps: [2 ** 20] });
    pool.give(huge);
    expect(pool.take(2 ** 26, huge.layout).bytes === huge.bytes).toBe(false);
  });
});

describe('memory in use', () => {
  const memory = new Float32Array(8);
  const claim = (...tensors: Float32Array[]) => ({ tensors });

  it('is refused to another call until it is released', () => {
    const inUse = new MemoryInUse();
    const first = claim(memory.subarray(0, 4), memory.subarray(6));
    inUse.claim(first);
    expect(() => inUse.claim(claim(new Float32Array(3), memory.subarray(3, 5)))).toThrow(
      'tensor 1 is in memory that an earlier call of this worker still uses',
    );
    inUse.release(first);
    inUse.claim(claim(memory.subarray(3, 5)));
  });

  it('is left alone by a call that was refused, and by what only touches it or is empty', () => {
    const inUse = new MemoryInUse();
    inUse.claim(claim(memory.subarray(2, 4)));
    expect(() => inUse.claim(claim(memory.subarray(0, 2), memory.subarray(3, 4)))).toThrow();
    inUse.claim(claim(memory.subarray(0, 2), memory.subarray(4), memory.subarray(3, 3)));
    const [empty, again] = [claim(memory.subarray(3, 3)), claim(memory.subarray(3, 3))];
    inUse.claim(empty);
    inUse.claim(again);
    inUse.release(again);
    expect(() => inUse.claim(claim(memory))).toThrow('tensor 0');
  });
});
