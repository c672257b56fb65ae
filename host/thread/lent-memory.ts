/**
 * A caller's tensors, as the thread of its worker sees them: results are written there in place, so nothing is copied
 * between the threads. The caller's thread lends memory for the time of a call, in which it must neither touch nor
 * transfer it, and holds it, so that it stays where it is.
 */
import { randomInt } from 'node:crypto';
import { LibcMissing, type Libc } from '../../net/linux/libc.js';
import { VALUE_BYTES } from '../../protocol/message.js';
import type { Format, Tensor } from '../allreduce/index.js';

/** Beyond V8's limit for arrays that it keeps where they can move. */
const PROBE_INTEGERS = 64;
/** Views that are kept. */
const MAX_VIEWS = 256;

/** Elements somewhere in this process. */
export type Lent =
  | { readonly buffer: SharedArrayBuffer; readonly byteOffset: number; readonly elements: number }
  | { readonly address: bigint; readonly elements: number };

/** Memory at an address, and the number that it holds: not every runtime can read it through another thread's array. */
export interface ProbedMemory {
  readonly address: bigint;
  readonly value: number;
}

/** Keep `memory` until the thread has read what is at `probed`. */
export function probeMemory(libc: Libc): { memory: Int32Array; probed: ProbedMemory } {
  const memory = new Int32Array(PROBE_INTEGERS);
  const value = (memory[0] = 1 + randomInt(2 ** 31 - 1));
  return { memory, probed: { address: libc.addressOf(new Uint8Array(memory.buffer)), value } };
}

/** @returns undefined for memory that has to be copied to where threads can share it */
export function lend(tensor: Tensor, libc: Libc | undefined): Lent | undefined {
  const { buffer, byteOffset, length: elements } = tensor;
  if (buffer instanceof SharedArrayBuffer) return { buffer, byteOffset, elements };
  // The end of a resizable one may be given back.
  if (libc === undefined || (buffer as ArrayBuffer & { resizable?: boolean }).resizable === true) return undefined;
  if (elements === 0) return { address: 0n, elements };
  return { address: libc.addressOf(new Uint8Array(buffer as ArrayBuffer, byteOffset, tensor.byteLength)), elements };
}

/** Views of lent memory; those of one address are made once, because each counts as memory of the thread. */
export class LentViews {
  private readonly views = new Map<bigint, ArrayBuffer>();

  constructor(private readonly libc: Libc | LibcMissing) {}

  reads({ address, value }: ProbedMemory): boolean {
    if (this.libc instanceof LibcMissing) return false;
    try {
      return new Int32Array(this.libc.view(address, Int32Array.BYTES_PER_ELEMENT))[0] === value;
    } catch {
      return false;
    }
  }

  tensor(lent: Lent, format: Format): Tensor {
    const Elements = format === 'int32' ? Int32Array : Float32Array;
    if ('buffer' in lent)
      return new Elements(lent.buffer as ArrayBufferLike as ArrayBuffer, lent.byteOffset, lent.elements);
    return lent.elements === 0 ? new Elements(0) : new Elements(this.view(lent.address, VALUE_BYTES * lent.elements));
  }

  private view(address: bigint, bytes: number): ArrayBuffer {
    let view = this.views.get(address);
    if (view?.byteLength === bytes) return view;
    if (this.views.size >= MAX_VIEWS) this.views.clear();
    // LentViews are made only where the probe was read.
    view = (this.libc as Libc).view(address, bytes);
    this.views.set(address, view);
    return view;
  }
}
