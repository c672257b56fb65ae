import { describe, expect, it } from 'vitest';
import { MemoryInUse } from '../../../host/allreduce/memory-in-use.js';
import { MemoryPool } from '../../../host/allreduce/memory-pool.js';
import { PacketStore } from '../../../host/allreduce/packet-store.js';

const LAYOUT = { valuesPerPacket: 4, steps: [2, 4] };

describe('a packet store', () => {
  it('has each packet after the one before, the commit last, and fills them up with zeros', () => {
    const store = PacketStore.from(new MemoryPool(), 3, LAYOUT);
    expect(store.loaded).toBe(0);
    expect(store.bytes).toHaveLength(3 * (32 + 16) + 32 + 8);
    expect(PacketStore.from(new MemoryPool(), 0, LAYOUT).bytes).toHaveLength(32 + 8);
    store.bytes.fill(1);
    store.pad(1, 1);
    expect(store.loaded).toBe(2);
    const zeros = Array.from(store.bytes, (byte, at) => (byte === 0 ? at : -1)).filter((at) => at >= 0);
    expect(zeros).toEqual([84, 85, 86, 87]);
    store.pad(2, 3);
    expect(store.bytes.filter((byte) => byte === 0)).toHaveLength(8);
  });
});

describe('memory of operations that are over', () => {
  it('is used again for the same kind, the smallest piece that is large enough', () => {
    const pool = new MemoryPool();
    const [small, large] = [pool.take(80, 4), pool.take(800, 4)];
    pool.give(large, 4);
    pool.give(small, 4);
    expect(pool.take(80, 8)).not.toBe(small);
    expect(pool.take(70, 4)).toBe(small);
    expect(pool.take(70, 4)).toBe(large);
    expect(pool.take(70, 4)).toHaveLength(70);
  });

  it('is not kept without limit', () => {
    const pool = new MemoryPool();
    const pieces = [1, 2, 3, 4].map((bytes) => pool.take(bytes, 1));
    for (const piece of pieces) pool.give(piece, 1);
    const next = pieces.map(() => pool.take(1, 1));
    expect(pieces.map((bytes) => next.includes(bytes))).toEqual([false, true, true, true]);
    const huge = pool.take(2 ** 28 + 1, 0);
    pool.give(huge, 0);
    expect(pool.take(huge.length, 0) === huge).toBe(false);
  });
});

describe('memory in use', () => {
  const memory = new Float32Array(8);
  const claim = (...tensors: Float32Array[]) => tensors;

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
