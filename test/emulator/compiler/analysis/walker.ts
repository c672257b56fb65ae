/** An action step by step on the interpreter's own code, so that an analysis can be asked between two steps. */
import { blocksOf, type Step } from '../../../../emulator/compiler/analysis/blocks.js';
import { edgesOf, EXIT, flowOf, type FlowNode } from '../../../../emulator/compiler/analysis/flow.js';
import { Ranges, type Facts } from '../../../../emulator/compiler/analysis/ranges.js';
import type { EngineHost } from '../../../../emulator/engine.js';
import { PacketAbortError } from '../../../../emulator/errors.js';
import { Context } from '../../../../emulator/interpreter/context.js';
import { compileBool, compileData, type DataFn } from '../../../../emulator/interpreter/expressions.js';
import { Packet, PacketShape } from '../../../../emulator/interpreter/packet.js';
import { compilePrimitive, type Run } from '../../../../emulator/interpreter/primitives.js';
import type { Expression, FieldDef, HeaderDef } from '../../../../emulator/json/data.js';
import type { ActionDef, Primitive, Program } from '../../../../emulator/json/program.js';
import { DEFAULT_DROP_PORT, DEFAULT_MAX_PASSES, DEFAULT_QUEUES_PER_PORT } from '../../../../emulator/limits.js';
import { Layout } from '../../../../emulator/machine/layout.js';
import { fieldRange, type Range } from '../../../../emulator/machine/value-representation.js';
import { Random } from '../../../../net/random.js';
import { ProgramState } from '../../../../emulator/state/program-state.js';
import type { Dice } from '../../../../fuzz/engines/dice.js';

/** Maximum steps of one action before the walk is abandoned. */
const MAX_STEPS = 20_000;

export class Bench {
  readonly layout: Layout;
  private readonly shape: PacketShape;
  /** Never valid, and always zero. */
  private readonly outside: ReadonlySet<HeaderDef>;

  constructor(readonly program: Program) {
    this.outside = outsideStacks(program);
    this.layout = new Layout(program);
    this.shape = new PacketShape(program);
  }

  ranges(action: ActionDef): Ranges {
    return new Ranges((index) => this.layout.params[action.index]![index]!.range);
  }

  nodes(action: ActionDef): FlowNode[] {
    return flowOf(blocksOf(action));
  }

  /** Fields hold what they can hold, arguments what their widths allow. */
  packet(dice: Dice, action: ActionDef): Packet {
    const p = new Packet(this.shape, 1, new Uint8Array(64), 64, 600, undefined);
    for (const header of this.program.headers) {
      if (this.outside.has(header)) continue;
      const { fields, index, metadata } = header;
      for (const field of fields) p.fields[field.index] = valueOf(field, dice);
      p.valid[index] = metadata || dice.oneIn(2) ? 1 : 0;
    }
    p.args = action.params.map(({ width }) => dice.value(width));
    return p;
  }

  /** Separate state, the same for every call: registers hold values drawn from the seed. */
  oracle(seed: number): Oracle {
    const state = new ProgramState(this.program, 0);
    const random = new Random(seed);
    for (const array of state.registers)
      for (let i = 0; i < array.size; i++)
        array.write(i, BigInt.asUintN(array.def.width, random.bigintBetween(0n, (1n << 64n) - 1n) >> BigInt(i % 64)));
    return new Oracle(this.program, {
      state,
      clock: () => 1_000,
      random: new Random(seed),
      dropPort: DEFAULT_DROP_PORT,
      maxPasses: DEFAULT_MAX_PASSES,
      queuesPerPort: DEFAULT_QUEUES_PER_PORT,
      onDigest: () => {},
      onLog: () => {},
      onDrop: () => {},
    });
  }
}

/** What the interpreter does. */
export class Oracle {
  private readonly context: Context;
  private readonly expressions = new Map<Expression, DataFn>();
  private readonly primitives = new Map<Primitive, Run>();

  constructor(program: Program, host: EngineHost) {
    this.context = new Context(program, host, false);
  }

  /** Undefined: a division by zero. */
  value(e: Expression, p: Packet): bigint | undefined {
    let evaluate = this.expressions.get(e);
    if (evaluate === undefined) this.expressions.set(e, (evaluate = compileData(e, this.context)));
    try {
      return evaluate(p);
    } catch (error) {
      if (error instanceof PacketAbortError) return undefined;
      throw error;
    }
  }

  /** @throws PacketAbortError */
  run(primitive: Primitive, p: Packet): void {
    let run = this.primitives.get(primitive);
    if (run === undefined) this.primitives.set(primitive, (run = compilePrimitive(primitive, this.context)));
    run(p);
  }

  /**
   * Walks through an action.
   * @param entered is told of each node before its steps
   * @param stepped is told of each primitive before it runs
   * @returns whether it came to its end
   */
  walk(
    nodes: readonly FlowNode[],
    p: Packet,
    entered: (node: number) => void,
    stepped: (node: number, step: Step) => void = () => {},
  ): boolean {
    try {
      let at = 0;
      for (let steps = 0; at !== EXIT; steps++) {
        if (steps > MAX_STEPS) return false;
        entered(at);
        const node = nodes[at]!;
        for (const step of node.steps) {
          stepped(at, step);
          if ('primitive' in step) this.run(step.primitive, p);
        }
        const [next, otherwise] = edgesOf(node);
        at = otherwise === undefined || compileBool(node.condition!, this.context)(p) ? next!.to : otherwise.to;
      }
      return true;
    } catch (error) {
      if (error instanceof PacketAbortError) return false;
      throw error;
    }
  }
}

/** Any value that the field may hold, a signed one with and without its sign. */
function valueOf(field: FieldDef, dice: Dice): bigint {
  if (field.varbit) return 0n;
  const value = dice.value(field.width);
  if (!field.signed) return value;
  return field.saturating || dice.oneIn(2) ? BigInt.asIntN(field.width, value) : value;
}

/** Facts that hold of a packet: each field is known up to a few values. */
export function factsAround(p: Packet, program: Program, dice: Dice): Facts {
  const facts = new Map<FieldDef, Range>();
  for (const { fields } of program.headers)
    for (const field of fields) {
      if (field.varbit || dice.oneIn(3)) continue;
      const value = p.fields[field.index]!;
      const all = fieldRange(field);
      const [below, above] = [value - BigInt(dice.below(4)), value + BigInt(dice.below(4))];
      facts.set(field, { min: below < all.min ? all.min : below, max: above > all.max ? all.max : above });
    }
  return facts;
}

export function holds(range: Range, value: bigint): boolean {
  return range.min <= value && value <= range.max;
}

/** Every expression with a number or a truth value within a part of a program. */
export function expressionsIn(part: unknown): Set<Expression> {
  const found = new Set<Expression>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) value.forEach(visit);
    else if ('op' in value && 'type' in value) {
      const e = value as Expression;
      if (e.type === 'data' || e.type === 'bool') found.add(e);
      // Definitions of headers and registers are not part of the expression.
      for (const [key, inner] of Object.entries(e))
        if (!['ref', 'register', 'stack', 'header', 'union'].includes(key) || 'op' in (inner as object)) visit(inner);
    } else if ('args' in value) visit(value.args);
    else if ('kind' in value) Object.values(value).forEach(visit);
  };
  visit(part);
  return found;
}

/** What indices outside of stacks mean. */
function outsideStacks(program: Program): Set<HeaderDef> {
  const found = new Set<HeaderDef>();
  const seen = new Set<unknown>();
  const open: unknown[] = [program];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if ('outside' in value) found.add(value.outside as HeaderDef);
    open.push(...(value instanceof Map ? value.values() : (Object.values(value) as unknown[])));
  }
  return found;
}
