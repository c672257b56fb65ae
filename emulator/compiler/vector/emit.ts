import type { RegisterDef } from '../../json/data.js';
import type { Ref } from '../binaryen.js';
import type { CompileScope } from '../scope.js';
import { partsOfRare, rampKey, type Carried, type Cells, type Node, type Ramp, type Scalar } from './graph.js';
import { emitShift, emitVector, shiftLanes, splatOf } from './operators.js';
import { lowered } from './lowering.js';
import type { Graph } from './graph.js';

/** Code of graph nodes, each of which is held in a local. */
export class Emitter {
  /** Code that goes before the loop. */
  readonly before: Ref[] = [];
  private readonly held = new Map<Node, number>();
  private readonly addresses = new Map<string, number>();
  private ahead = 0;
  private code: Ref[] = [];
  /** Nodes whose code is in a branch, by the nesting of branches. */
  private branch: Node[] | undefined;

  /** @param counter the value of a counter in the first of the four passes. */
  constructor(
    private readonly scope: CompileScope,
    private readonly graph: Graph,
    private readonly counter: (ramp: Ramp) => Ref,
  ) {}

  /** The code of all nodes so far, and of what {@link store} and {@link set} do. */
  get body(): readonly Ref[] {
    return this.code;
  }

  /**
   * What follows is about passes that come later than those that the counters say, with code of its own.
   * @param passes how much later
   */
  begin(passes: number): void {
    this.ahead = passes;
    for (const node of this.held.keys()) if (!node.invariant) this.held.delete(node);
  }

  get(node: Node): Ref {
    const { m, b } = this.scope.unit;
    return m.local.get(this.local(node), b.v128);
  }

  store(cells: Cells, parts: readonly Node[]): void {
    const { m } = this.scope.unit;
    const { register } = cells;
    const base = this.scope.unit.layout.registers[register.index]!;
    const offset = base + this.ahead * cellBytes(register);
    parts.forEach((part, i) => {
      this.code.push(m.v128.store(offset + 16 * i, 4, this.address(cells), this.get(part)));
    });
  }

  set({ local }: Carried, node: Node): void {
    this.code.push(this.scope.unit.m.local.set(local, this.get(node)));
  }

  private local(node: Node): number {
    const { m } = this.scope.unit;
    const known = this.held.get(node);
    if (known !== undefined) return known;
    const { operation } = node;
    if (operation.kind === 'carried') return operation.carried.local;
    if (operation.kind === 'resultOfRare') {
      this.rare(node.args[0]!);
      return this.held.get(node)!;
    }
    if (operation.kind === 'shiftEach') {
      const local = this.local(lowered(node, this.graph));
      return this.hold(node, local);
    }
    for (const arg of node.args) this.local(arg);
    const local = this.vector();
    const set = m.local.set(local, this.value(node));
    if (node.invariant) this.before.push(set);
    else this.code.push(set);
    return this.hold(node, local);
  }

  private hold(node: Node, local: number): number {
    this.held.set(node, local);
    if (!node.invariant) this.branch?.push(node);
    return local;
  }

  private vector(): number {
    return this.scope.params + this.scope.vars.push(this.scope.unit.b.v128) - 1;
  }

  private value(node: Node): Ref {
    const { m } = this.scope.unit;
    const { operation, args } = node;
    const refs = (): Ref[] => args.map((arg) => this.get(arg));
    switch (operation.kind) {
      case 'constant':
        return m.v128.const([...new Uint8Array(Int32Array.from(operation.words).buffer)]);
      case 'splat':
        return splatOf(m, operation.scalar.kind, this.scalar(operation.scalar));
      case 'ramp': {
        const { step } = operation.ramp;
        const steps = [...new Uint8Array(Int32Array.from([0, 1, 2, 3], (n) => (this.ahead + n) * step).buffer)];
        return m.i32x4.add(m.i32x4.splat(this.counterOf(operation.ramp)), m.v128.const(steps));
      }
      case 'cells': {
        const { register } = operation.cells;
        const base = this.scope.unit.layout.registers[register.index]! + this.ahead * cellBytes(register);
        return m.v128.load(base + 16 * operation.part, 4, this.address(operation.cells));
      }
      case 'vector':
        return emitVector(m, operation.name, refs());
      case 'shift': {
        const { by } = operation;
        return emitShift(m, operation.name, refs()[0]!, typeof by === 'number' ? m.i32.const(by) : this.scalar(by));
      }
      case 'shuffle':
        return m.i8x16.shuffle(...(refs() as [Ref, Ref]), [...operation.bytes]);
      case 'shiftOneByOne':
        return shiftLanes(
          m,
          operation.name,
          () => this.get(args[0]!),
          () => this.get(args[1]!),
        );
      default:
        throw new Error(`a node of kind ${operation.kind} has no value of its own`);
    }
  }

  private scalar({ local, kind }: Scalar): Ref {
    const { m, b } = this.scope.unit;
    return m.local.get(local, kind === 'i32' ? b.i32 : b.i64);
  }

  private counterOf(ramp: Ramp): Ref {
    const { m } = this.scope.unit;
    const from = this.counter(ramp);
    const based = ramp.base === undefined ? from : m.i32.add(from, this.scalar(ramp.base));
    return ramp.offset === 0 ? based : m.i32.add(based, m.i32.const(ramp.offset));
  }

  /** Bytes from the first cell of a register to those of the four passes. */
  private address({ register, ramp }: Cells): Ref {
    const { m, b } = this.scope.unit;
    const bytes = cellBytes(register);
    const key = `${rampKey(ramp)} ${bytes}`;
    let local = this.addresses.get(key);
    if (local === undefined) {
      this.addresses.set(key, (local = this.scope.local('i32')));
      this.prologue.push(m.local.set(local, m.i32.shl(this.counterOf(ramp), m.i32.const(Math.log2(bytes)))));
    }
    return m.local.get(local, b.i32);
  }

  /** Code at the beginning of each group of passes. */
  readonly prologue: Ref[] = [];

  private rare(node: Node): void {
    if (node.operation.kind !== 'rare' || this.held.has(node)) return;
    const { m, b } = this.scope.unit;
    const { mask, choices } = partsOfRare(node);
    const get = (local: number): Ref => m.local.get(local, b.v128);
    const tested = this.local(signOf(mask));
    const results = choices.map((choice) => {
      const local = this.vector();
      this.code.push(m.local.set(local, get(this.local(choice.b))));
      return local;
    });
    const [outer, outerBranch] = [this.code, this.branch];
    const inBranch: Node[] = [];
    this.code = [];
    this.branch = inBranch;
    choices.forEach((choice, i) => {
      const chosen = this.local(this.graph.select(choice.mask, choice.a, choice.b));
      this.code.push(m.local.set(results[i]!, get(chosen)));
    });
    const code = this.code;
    for (const made of inBranch) this.held.delete(made);
    this.code = outer;
    this.branch = outerBranch;
    // Shorter in V8 than any_true, whose result is first made a number.
    this.code.push(m.if(m.i32x4.bitmask(m.local.get(tested, b.v128)), m.block(null, code, b.none)));
    this.hold(node, tested);
    results.forEach((local, index) => {
      this.hold(this.graph.node({ kind: 'resultOfRare', index }, [node]), local);
    });
  }
}

/** What has the same highest bits as a mask. */
function signOf(mask: Node): Node {
  const { operation } = mask;
  return operation.kind === 'shift' && operation.name === 'i32x4.shr_s' ? mask.args[0]! : mask;
}

function cellBytes({ width }: RegisterDef): number {
  return width <= 32 ? 4 : 8;
}
