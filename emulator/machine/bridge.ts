import { Packet, PacketShape } from '../interpreter/packet.js';
import type { ActionDef, Program } from '../json/program.js';
import type { FieldDef } from '../json/data.js';
import { FRAME, NOT_TRUNCATED, type Layout, type Slot } from './layout.js';
import type { ProgramMemory } from './memory.js';

/**
 * The packet of a frame in the form that the interpreter uses, so that the interpreter's code can do what is rare.
 * There is one such packet; it is valid until the next one is loaded.
 */
export class FrameBridge {
  private readonly packet: Packet;
  private readonly slots: readonly Slot[];

  constructor(
    program: Program,
    private readonly layout: Layout,
    private readonly memory: ProgramMemory,
  ) {
    this.packet = new Packet(new PacketShape(program), 0, new Uint8Array(0), 0, 0, undefined);
    this.slots = layout.fields;
  }

  /** @param args address of the arguments of `action`. */
  load(frame: number, action: ActionDef | undefined, args: number): Packet {
    const { packet: p, memory, layout } = this;
    const word = (offset: number): number => memory.i32[(frame + offset) >> 2]!;
    this.slots.forEach((slot, i) => (p.fields[i] = this.read(frame, slot)));
    layout.valid.forEach((offset, i) => (p.valid[i] = memory.bytes[frame + offset]!));
    layout.varbits.forEach((offset, i) => {
      if (offset !== undefined) p.varbits[i] = word(offset);
    });
    layout.next.forEach((offset, i) => (p.next[i] = word(offset)));
    p.buffer = memory.bytes;
    p.start = word(FRAME.start);
    p.end = word(FRAME.end);
    p.cursor = word(FRAME.cursor);
    p.truncated = word(FRAME.truncated) === NOT_TRUNCATED ? Infinity : word(FRAME.truncated);
    p.length = word(FRAME.length);
    p.ingressLength = word(FRAME.ingressLength);
    p.exit = word(FRAME.exit) !== 0;
    p.cloneSession = word(FRAME.cloneSession);
    p.cloneFieldList = word(FRAME.cloneFieldList);
    p.digestList = word(FRAME.digestList);
    p.resubmitList = word(FRAME.resubmitList);
    p.recirculateList = word(FRAME.recirculateList);
    p.args =
      action === undefined
        ? []
        : layout.params[action.index]!.map((slot) =>
            memory.readLimbs(args + slot.offset, slot.limbs, slot.range.min < 0n),
          );
    return p;
  }

  /** Writes back what the interpreter's code may have changed in the packet that was loaded last. */
  save(frame: number): void {
    const { packet: p, memory, layout } = this;
    const setWord = (offset: number, value: number): void => {
      memory.i32[(frame + offset) >> 2] = value;
    };
    this.slots.forEach((slot, i) => this.write(frame, slot, p.fields[i]!));
    layout.valid.forEach((offset, i) => (memory.bytes[frame + offset] = p.valid[i]!));
    layout.varbits.forEach((offset, i) => {
      if (offset !== undefined) setWord(offset, p.varbits[i]!);
    });
    layout.next.forEach((offset, i) => setWord(offset, p.next[i]!));
    setWord(FRAME.truncated, Math.min(p.truncated, NOT_TRUNCATED));
    setWord(FRAME.length, p.length);
    setWord(FRAME.exit, p.exit ? 1 : 0);
    setWord(FRAME.cloneSession, p.cloneSession);
    setWord(FRAME.cloneFieldList, p.cloneFieldList);
    setWord(FRAME.digestList, p.digestList);
    setWord(FRAME.resubmitList, p.resubmitList);
    setWord(FRAME.recirculateList, p.recirculateList);
  }

  field(frame: number, field: FieldDef): bigint {
    return this.read(frame, this.slots[field.index]!);
  }

  private read(frame: number, { offset, kind, limbs, range }: Slot): bigint {
    if (kind !== 'i32') return this.memory.readLimbs(frame + offset, limbs, range.min < 0n);
    const word = this.memory.i32[(frame + offset) >> 2]!;
    return BigInt(range.min < 0n ? word : word >>> 0);
  }

  private write(frame: number, { offset, kind, limbs }: Slot, value: bigint): void {
    if (kind === 'i32') this.memory.i32[(frame + offset) >> 2] = Number(BigInt.asIntN(32, value));
    else this.memory.writeLimbs(frame + offset, limbs, value);
  }
}
