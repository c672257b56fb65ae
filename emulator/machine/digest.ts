import type { Digest } from '../control.js';
import type { FrameBridge } from './bridge.js';
import { FRAME } from './layout.js';
import type { ProgramMemory } from './memory.js';
import type { Artifact } from './artifact.js';

/** Makes the digest that the packet of a frame has requested. */
export function digestOf(
  frame: number,
  { program, layout }: Artifact,
  memory: ProgramMemory,
  bridge: FrameBridge,
  tell: (digest: Digest) => void,
): void {
  const list = program.learnLists.get(memory.i32[(frame + FRAME.digestList) >> 2]!);
  if (list === undefined) return;
  const widths = list.fields.map((ref) => ('field' in ref ? ref.field.width : 1));
  const values = list.fields.map((ref, i) => {
    if ('field' in ref) return BigInt.asUintN(widths[i]!, bridge.field(frame, ref.field));
    return BigInt(memory.bytes[frame + layout.valid[ref.validOf.index]!]! === 0 ? 0 : 1);
  });
  tell({ name: list.name, id: list.id, values, widths });
}
