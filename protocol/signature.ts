/**
 * A collective operation's signature: 32 bits that all workers of the operation must agree on. The
 * switch compares it with the slot's, so that workers with different shapes get an error instead of
 * waiting for each other.
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over the UTF-16 units of `text`, as an unsigned 32-bit number. */
function fnv1a(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}

/**
 * @param op what is computed, for example `sum`
 * @param format element format, for example `fp32`
 * @param lengths elements of each tensor, in order
 */
export function operationSignature(op: string, format: string, lengths: readonly number[]): number {
  return fnv1a(`${op}/${format}/${lengths.join(',')}`);
}
