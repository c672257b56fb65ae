import type { HeaderDef, HeaderStackDef, UnionDef, UnionStackDef } from '../json/data.js';
import type { Packet } from './packet.js';

/** Validity, copying and comparison of headers, unions and stacks (behavioral-model, src/bm_sim/headers.cpp, stacks.cpp). */

/** At most one member of a union is valid: making one valid invalidates the others. */
export function makeValid(p: Packet, header: HeaderDef): void {
  p.valid[header.index] = 1;
  for (const sibling of header.siblings) p.valid[sibling.index] = 0;
}

export function makeInvalid(p: Packet, header: HeaderDef): void {
  p.valid[header.index] = 0;
}

export function zeroFields(p: Packet, header: HeaderDef): void {
  for (const field of header.fields) p.fields[field.index] = 0n;
}

export function assignHeader(p: Packet, to: HeaderDef, from: HeaderDef): void {
  if (p.valid[from.index] === 0) return makeInvalid(p, to);
  makeValid(p, to);
  // Making a member of a union valid may just have invalidated the source, whose bits stay.
  for (let i = 0; i < to.fields.length; i++) p.fields[to.fields[i]!.index] = p.fields[from.fields[i]!.index]!;
  p.varbits[to.index] = p.varbits[from.index]!;
}

export function assignUnion(p: Packet, to: UnionDef, from: UnionDef): void {
  to.members.forEach((member, i) => assignHeader(p, member, from.members[i]!));
}

export function assignStack(p: Packet, to: HeaderStackDef, from: HeaderStackDef): void {
  p.next[to.index] = p.next[from.index]!;
  to.headers.forEach((header, i) => assignHeader(p, header, from.headers[i]!));
}

export function assignUnionStack(p: Packet, to: UnionStackDef, from: UnionStackDef): void {
  p.next[to.index] = p.next[from.index]!;
  to.unions.forEach((union, i) => assignUnion(p, union, from.unions[i]!));
}

/** Equal only if both are valid: in BMv2 two invalid headers differ. */
export function equalHeaders(p: Packet, a: HeaderDef, b: HeaderDef): boolean {
  if (a.type !== b.type || p.valid[a.index] === 0 || p.valid[b.index] === 0) return false;
  return a.fields.every((field, i) => p.fields[field.index] === p.fields[b.fields[i]!.index]);
}

export function validMember(p: Packet, union: UnionDef): number {
  return union.members.findIndex((member) => p.valid[member.index] !== 0);
}

export function equalUnions(p: Packet, a: UnionDef, b: UnionDef): boolean {
  const member = validMember(p, a);
  return member >= 0 && member === validMember(p, b) && equalHeaders(p, a.members[member]!, b.members[member]!);
}

function swapHeaders(p: Packet, a: HeaderDef, b: HeaderDef): void {
  const valid = p.valid[a.index]!;
  p.valid[a.index] = p.valid[b.index]!;
  p.valid[b.index] = valid;
  const varbits = p.varbits[a.index]!;
  p.varbits[a.index] = p.varbits[b.index]!;
  p.varbits[b.index] = varbits;
  for (let i = 0; i < a.fields.length; i++) {
    const left = a.fields[i]!.index;
    const right = b.fields[i]!.index;
    const value = p.fields[left]!;
    p.fields[left] = p.fields[right]!;
    p.fields[right] = value;
  }
}

/** What moving and invalidating an element means; BMv2 does not invalidate unions that a push or pop vacates. */
interface Elements {
  readonly size: number;
  swap(p: Packet, a: number, b: number): void;
  invalidate(p: Packet, i: number): void;
}

function elementsOf(stack: HeaderStackDef | UnionStackDef): Elements {
  if (stack.kind === 'headerStack') {
    const { headers } = stack;
    return {
      size: headers.length,
      swap: (p, a, b) => swapHeaders(p, headers[a]!, headers[b]!),
      invalidate: (p, i) => makeInvalid(p, headers[i]!),
    };
  }
  const { unions } = stack;
  return {
    size: unions.length,
    swap: (p, a, b) => unions[a]!.members.forEach((member, i) => swapHeaders(p, member, unions[b]!.members[i]!)),
    invalidate: () => {},
  };
}

export function pushFront(p: Packet, stack: HeaderStackDef | UnionStackDef, count: number): void {
  if (count === 0) return;
  const { size, swap, invalidate } = elementsOf(stack);
  p.next[stack.index] = Math.min(size, p.next[stack.index]! + count);
  for (let i = size - 1; i > count - 1; i--) swap(p, i, i - count);
  for (let i = 0; i < Math.min(size, count); i++) invalidate(p, i);
}

export function popFront(p: Packet, stack: HeaderStackDef | UnionStackDef, count: number): void {
  if (count === 0) return;
  const { size, swap, invalidate } = elementsOf(stack);
  p.next[stack.index] = Math.max(0, p.next[stack.index]! - count);
  let i = 0;
  for (; i < size - count; i++) swap(p, i, i + count);
  for (; i < size; i++) invalidate(p, i);
}

/** The element at a run-time index; outside the stack an always invalid header that reads as zero. */
export function elementAt(p: Packet, stack: HeaderStackDef, index: bigint): HeaderDef {
  const element = index >= 0n && index < stack.headers.length ? stack.headers[Number(index)] : undefined;
  if (element !== undefined) return element;
  makeInvalid(p, stack.outside);
  zeroFields(p, stack.outside);
  return stack.outside;
}
