/** The forms in which a caller passes tensors, as one list in canonical order. */
import { canonicalOrder, shapeText } from '../../protocol/submission.js';
import { ArgumentError } from '../errors.js';

export type Tensor = Float32Array | Int32Array;

/** A tensor whose shape says more than its length. */
export interface ShapedTensor {
  /** Elements per dimension, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** In C order. */
  readonly data: Tensor;
}

/**
 * One tensor, a list, or a record or map by name. Lists are taken in their order; names in the order of their UTF-16
 * units, so that workers that hold equal names sum equal tensors, whatever the order in which they inserted them.
 */
export type Tensors =
  | Tensor
  | ShapedTensor
  | readonly (Tensor | ShapedTensor)[]
  | Readonly<Record<string, Tensor | ShapedTensor>>
  | ReadonlyMap<string, Tensor | ShapedTensor>;

/** Element format of a job's profile. */
export type Format = 'fp32' | 'int32';

export interface ListedTensor extends ShapedTensor {
  /** Of a tensor from a record or a map. */
  readonly name: string | undefined;
}

/**
 * @param taker for people: what takes tensors of `format`
 * @throws ArgumentError for no tensor, an element type other than the job's, a shape that contradicts the length, and
 *   memory that two tensors share
 */
export function listTensors(
  tensors: Tensors,
  format: Format,
  taker = `a job of format ${format}`,
): readonly ListedTensor[] {
  const entries = entriesOf(tensors);
  if (entries.length === 0)
    throw new ArgumentError(
      'the list of tensors is empty; an operation takes at least one (of any length, including 0)',
    );
  const list = entries.map(([name, tensor], i) => listed(name, tensor, labelOf(name, i), format, taker));
  refuseOverlaps(list);
  return list;
}

/** The element format that the first tensor has, for callers that do not know the job's. */
export function formatOf(tensors: Tensors): Format {
  const first = entriesOf(tensors)[0]?.[1];
  return (isShaped(first) ? first.data : first) instanceof Int32Array ? 'int32' : 'fp32';
}

function entriesOf(tensors: Tensors): [name: string | undefined, tensor: unknown][] {
  if (Array.isArray(tensors)) return (tensors as unknown[]).map((tensor) => [undefined, tensor]);
  if (tensors instanceof Map) return sortedByName([...(tensors as ReadonlyMap<string, unknown>)]);
  const isRecord =
    typeof tensors === 'object' && tensors !== null && !ArrayBuffer.isView(tensors) && !isShaped(tensors);
  return isRecord ? sortedByName(Object.entries(tensors)) : [[undefined, tensors]];
}

function sortedByName(entries: [string, unknown][]): [string, unknown][] {
  return entries.sort(([a], [b]) => canonicalOrder(a, b));
}

/** A record's values are no lists, so one with tensors called "shape" and "data" is not taken for a tensor. */
function isShaped(value: unknown): value is { readonly shape: readonly unknown[]; readonly data: unknown } {
  return (
    typeof value === 'object' && value !== null && 'data' in value && 'shape' in value && Array.isArray(value.shape)
  );
}

function listed(name: string | undefined, tensor: unknown, label: string, format: Format, taker: string): ListedTensor {
  const data = isShaped(tensor) ? tensor.data : tensor;
  const expected = format === 'int32' ? Int32Array : Float32Array;
  if (!(data instanceof expected)) {
    const found = data === null || data === undefined ? String(data) : (data as object).constructor.name;
    throw new ArgumentError(`${label} is a ${found}; ${taker} takes ${expected.name}`);
  }
  const shape = isShaped(tensor) ? (tensor.shape as readonly number[]) : [data.length];
  const elements = shape.reduce((product, length) => product * length, 1);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0) || elements !== data.length) {
    throw new ArgumentError(`${label} has ${data.length} elements, its shape ${shapeText(shape)} means ${elements}`);
  }
  return { name, shape: [...shape], data };
}

function labelOf(name: string | undefined, index: number): string {
  return name === undefined ? `tensor ${index}` : `tensor "${name}"`;
}

/** Results are written in place: memory that two tensors share would get two results, and a mean be divided twice. */
function refuseOverlaps(tensors: readonly ListedTensor[]): void {
  const byBuffer = new Map<ArrayBufferLike, number[]>();
  tensors.forEach(({ data: { buffer, length } }, i) => {
    if (length === 0) return;
    const indices = byBuffer.get(buffer);
    if (indices === undefined) byBuffer.set(buffer, [i]);
    else indices.push(i);
  });
  for (const indices of byBuffer.values()) {
    indices.sort((a, b) => tensors[a]!.data.byteOffset - tensors[b]!.data.byteOffset);
    for (let k = 1; k < indices.length; k++) {
      const [before, after] = [indices[k - 1]!, indices[k]!];
      const { byteOffset, byteLength } = tensors[before]!.data;
      if (tensors[after]!.data.byteOffset >= byteOffset + byteLength) continue;
      const [first, second] = [Math.min(before, after), Math.max(before, after)].map((i) =>
        labelOf(tensors[i]!.name, i),
      );
      throw new ArgumentError(
        `${first} and ${second} share memory; results are written in place, so pass shared memory once`,
      );
    }
  }
}
