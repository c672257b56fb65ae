/**
 * What a worker submits to a collective operation, apart from the values: the op, the element format, and each
 * tensor's name and shape. It has a signature of 32 bits that the switch compares with the slot's, so that workers
 * with different tensors get an error instead of waiting for each other, or a sum of what does not belong together.
 */

export interface TensorDescription {
  /** Absent for tensors that are told apart by their position. */
  readonly name?: string | undefined;
  /** Elements per dimension, outermost first; a plain array has one dimension. */
  readonly shape: readonly number[];
}

export interface Submission {
  readonly op: string;
  readonly format: string;
  /** In canonical order ({@link canonicalOrder}). */
  readonly tensors: readonly TensorDescription[];
  /** Of all tensors, where `tensors` has only the first ones. */
  readonly count: number;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A description longer than this is cut: two of them, and what else is in a message, fit gRPC's 4 MiB. */
export const MAX_DESCRIPTION_BYTES = 1 << 20;
/** Above what one dimension takes in a message. */
const BYTES_PER_DIMENSION = 10;
const BYTES_PER_TENSOR = 12;
/** Of one UTF-16 unit in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

const QUANTIZED = 'quantized ';

/** How an op on floats that travel as integers is called among workers, so that they tell it from one on integers. */
export function quantizedOp(op: string): string {
  return QUANTIZED + op;
}

export function isQuantized({ op }: Submission): boolean {
  return op.startsWith(QUANTIZED);
}

/** FNV-1a over the UTF-16 units of `text`, as an unsigned 32-bit number. */
function fnv1a(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}

/** Order of named tensors, by UTF-16 units: the same everywhere, whatever the locale and the order of a file. */
export function canonicalOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * @param op what is computed, for example `sum`
 * @param format element format, for example `fp32`
 * @param tensors in canonical order
 */
export function operationSignature(op: string, format: string, tensors: readonly TensorDescription[]): number {
  // JSON, so that no name can imitate the boundary between two tensors.
  return fnv1a(JSON.stringify([op, format, tensors.map(({ name, shape }) => [name ?? null, shape])]));
}

/** The submission as it travels: all of it, or as many of its first tensors as a message may hold. */
export function submission(op: string, format: string, tensors: readonly TensorDescription[]): Submission {
  let bytes = 0;
  const end = tensors.findIndex((tensor) => (bytes += descriptionBytes(tensor)) > MAX_DESCRIPTION_BYTES);
  return { op, format, tensors: end < 0 ? tensors : tensors.slice(0, end), count: tensors.length };
}

/** No less than what `tensor` takes in a message. */
export function descriptionBytes({ name, shape }: TensorDescription): number {
  return (name?.length ?? 0) * MAX_BYTES_PER_UNIT + shape.length * BYTES_PER_DIMENSION + BYTES_PER_TENSOR;
}

/** A submission, and who made it, in the words of a message: `rank 1`, `rank 0 (weights.npy)`. */
export interface Submitted {
  readonly who: string;
  readonly what: Submission;
}

/** The first thing in which two submissions differ, for people; undefined if they are the same as far as they go. */
export function firstDifference(a: Submitted, b: Submitted): string | undefined {
  if (a.what.op !== b.what.op) return `${a.who} asks for a ${a.what.op}, ${b.who} for a ${b.what.op}`;
  if (a.what.format !== b.what.format) return `${a.who} has elements of ${a.what.format}, ${b.who} of ${b.what.format}`;
  const [ours, theirs] = [a.what.tensors, b.what.tensors];
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [x, y] = [ours[i], theirs[i]];
    if (x === undefined || y === undefined) break;
    if (x.name === undefined && y.name === undefined) {
      if (!sameShape(x, y)) return differentShapes(`tensor ${i}`, x, a, y, b);
    } else if (x.name === undefined || y.name === undefined) {
      const [named, plain] = x.name === undefined ? [b, a] : [a, b];
      return `${named.who} has tensor "${x.name ?? y.name}", ${plain.who} an array without a name`;
    } else if (x.name !== y.name) {
      return x.name < y.name ? onlyAt(x.name, a, b) : onlyAt(y.name, b, a);
    } else if (!sameShape(x, y)) return differentShapes(`tensor "${x.name}"`, x, a, y, b);
  }
  if (a.what.count !== b.what.count) return differentCounts(a, b);
  return a.what.tensors.length < a.what.count
    ? `they differ after the first ${a.what.tensors.length} of ${a.what.count} tensors`
    : undefined;
}

/** Whether two submissions are the same, as far as they are described. */
export function sameSubmission(a: Submission, b: Submission): boolean {
  return firstDifference({ who: '', what: a }, { who: '', what: b }) === undefined;
}

/** `[2, 3]`; a scalar is `[]`. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function differentCounts(a: Submitted, b: Submitted): string {
  const [more, fewer] = a.what.count > b.what.count ? [a, b] : [b, a];
  const name = more.what.tensors[fewer.what.count]?.name;
  if (name !== undefined) return onlyAt(name, more, fewer);
  return `${more.who} has ${tensorCount(more.what.count)}, ${fewer.who} ${tensorCount(fewer.what.count)}`;
}

function tensorCount(count: number): string {
  return count === 1 ? '1 tensor' : `${count} tensors`;
}

function onlyAt(name: string, holder: Submitted, other: Submitted): string {
  return `${holder.who} has tensor "${name}", ${other.who} has none of that name`;
}

function differentShapes(
  tensor: string,
  x: TensorDescription,
  a: Submitted,
  y: TensorDescription,
  b: Submitted,
): string {
  return `${tensor} has shape ${shapeText(x.shape)} at ${a.who} and ${shapeText(y.shape)} at ${b.who}`;
}

function sameShape({ shape }: TensorDescription, { shape: other }: TensorDescription): boolean {
  return shape.length === other.length && shape.every((length, i) => length === other[i]);
}
