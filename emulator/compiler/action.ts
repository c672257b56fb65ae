import type { ActionDef } from '../json/program.js';
import type { BinaryenApi, Ref } from './binaryen.js';
import { assume, blocksOf, invariantBlocks, jumpTarget, selectBranches, type Block, type Step } from './blocks.js';
import { PrimitiveCompiler } from './primitives.js';
import { Scope } from './scope.js';
import { NeedsMemory, type Unit } from './unit.js';

/** As in the interpreter: an action that jumps backwards more often is given up. */
const MOST_LOOPS = 1_000_000;

export function actionName(action: ActionDef): string {
  return `action${action.index}`;
}

/** Adds the function of an action: frame and address of the arguments go in. */
export function addAction(action: ActionDef, unit: Unit): void {
  const loops = action.primitives.some((p, i) => jumpTarget(p) !== undefined && jumpTarget(p)! <= i);
  if (loops) {
    try {
      build(action, unit, true);
      return;
    } catch (error) {
      if (!(error instanceof NeedsMemory)) throw error;
    }
  }
  build(action, unit, false);
}

function build(action: ActionDef, unit: Unit, promote: boolean): void {
  const { m, b } = unit;
  const scope = new Scope(unit, 2, action, promote);
  const compiler = new PrimitiveCompiler(scope);
  const jumps = action.primitives.some((p) => jumpTarget(p) !== undefined);
  const body = jumps ? compileWithJumps(action, scope, compiler) : m.block(null, action.primitives.map((p) => compiler.compile(p)), b.none);
  m.addFunction(actionName(action), b.createType([b.i32, b.i32]), b.none, scope.vars, withPromotion(scope, body));
}

/** Brings the promoted fields to their locals before the body and the changed ones back after it. */
function withPromotion(scope: Scope, body: Ref): Ref {
  if (scope.promoted === undefined) return body;
  const { m, b } = scope.unit;
  const fields = [...scope.promoted.values()];
  const load = fields.map(({ field, local }) => {
    const { kind, offset } = scope.slot(field);
    return m.local.set(local, kind === 'i32' ? m.i32.load(offset, 4, scope.frame) : m.i64.load(offset, 8, scope.frame));
  });
  const store = fields.filter(({ written }) => written).map(({ field, local }) => {
    const { kind, offset } = scope.slot(field);
    return kind === 'i32'
      ? m.i32.store(offset, 4, scope.frame, m.local.get(local, b.i32))
      : m.i64.store(offset, 8, scope.frame, m.local.get(local, b.i64));
  });
  return m.block(null, [...load, body, ...store], b.none);
}

/**
 * Structured control flow of an action with jumps: reducible loops become WebAssembly loops. There is a version of its
 * own for each outcome of conditions that the loops cannot change.
 */
function compileWithJumps(action: ActionDef, scope: Scope, compiler: PrimitiveCompiler): Ref {
  const { m, b } = scope.unit;
  const blocks = blocksOf(action);
  const relooper = new b.Relooper(m);
  const helper = scope.local('i32');
  const exit = relooper.addBlock(m.nop());
  const version = (known: ReadonlyMap<number, boolean>, open: readonly Block[]): number => {
    const [first, ...others] = open;
    if (first === undefined) return addBlocks(action, selectBranches(assume(blocks, known)), relooper, exit, scope, compiler);
    const choice = relooper.addBlock(m.nop());
    const given = (holds: boolean): number => version(new Map([...known, [first.start, holds]]), others);
    relooper.addBranch(choice, given(true), compiler.expressions.bool(first.condition!), m.nop());
    relooper.addBranch(choice, given(false), 0, m.nop());
    scope.endStatement();
    return choice;
  };
  // Where fields are not in locals, something in the action costs more than a branch.
  const entry = version(new Map(), scope.promoted === undefined ? [] : invariantBlocks(action, blocks));
  return relooper.renderAndDispose(entry, helper);
}

type Relooper = InstanceType<BinaryenApi['Relooper']>;

/** @returns the first block. */
function addBlocks(action: ActionDef, blocks: readonly Block[], relooper: Relooper, exit: number, scope: Scope, compiler: PrimitiveCompiler): number {
  const { m, b } = scope.unit;
  const code = blocks.map((block) => relooper.addBlock(m.block(null, block.steps.map((step) => compileStep(step, scope, compiler)), b.none)));
  const refs = new Map(blocks.map(({ start }, i) => [start, code[i]!]));
  const refOf = (index: number): number => refs.get(index) ?? exit;
  let loops: number | undefined;
  /** Jumps backwards are counted, as in the interpreter. */
  const counted = (block: Block): Ref => {
    if (!block.loops) return m.nop();
    loops ??= scope.local('i32');
    const next = m.local.tee(loops, m.i32.add(m.local.get(loops, b.i32), m.i32.const(1)), b.i32);
    return m.if(m.i32.gt_u(next, m.i32.const(MOST_LOOPS)), scope.unit.abort(`action ${action.name} does not come to an end`));
  };
  blocks.forEach((block, i) => {
    const { condition, jump, next } = block;
    const from = code[i]!;
    if (jump === undefined) relooper.addBranch(from, refOf(next), 0, m.nop());
    else if (condition === undefined) relooper.addBranch(from, refOf(jump), 0, counted(block));
    else {
      const zero = m.i32.eqz(compiler.expressions.bool(condition));
      scope.endStatement();
      if (refOf(jump) !== refOf(next)) relooper.addBranch(from, refOf(jump), zero, counted(block));
      relooper.addBranch(from, refOf(next), 0, m.nop());
    }
  });
  return refOf(0);
}

function compileStep(step: Step, scope: Scope, compiler: PrimitiveCompiler): Ref {
  if ('primitive' in step) return compiler.compile(step.primitive);
  const { m, b } = scope.unit;
  const condition = scope.local('i32');
  const steps = [m.local.set(condition, compiler.expressions.bool(step.condition))];
  for (const { field, from } of step.assignments) {
    steps.push(compiler.assignIf(field, from, () => m.local.get(condition, b.i32)));
    scope.endStatement();
  }
  return m.block(null, steps, b.none);
}
