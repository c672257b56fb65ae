import type { Expression } from '../json/expression.js';
import type { ActionDef, Primitive } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { PrimitiveCompiler } from './primitives.js';
import { Scope } from './scope.js';
import { NeedsMemory, type Unit } from './unit.js';

/** As in the interpreter: an action that jumps more often is given up. */
const MOST_STEPS = 1_000_000;

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

function jumpTarget({ op, args }: Primitive): number | undefined {
  const operand = op === '_jump' ? args[0] : op === '_jump_if_zero' ? args[1] : undefined;
  if (operand === undefined) return undefined;
  if (operand.kind !== 'expression' || operand.expression.op !== 'constant') throw new Error('a jump needs a constant target');
  return Number(operand.expression.value);
}

/** Basic blocks of the action, put into structured control flow; reducible loops become WebAssembly loops. */
function compileWithJumps(action: ActionDef, scope: Scope, compiler: PrimitiveCompiler): Ref {
  const { unit } = scope;
  const { m, b } = unit;
  const { primitives } = action;
  const targets = primitives.map(jumpTarget);
  const loops = targets.some((target, i) => target !== undefined && target <= i);
  const starts = new Set([0]);
  targets.forEach((target, i) => {
    if (target === undefined) return;
    starts.add(Math.min(target, primitives.length));
    starts.add(i + 1);
  });
  const order = [...starts].filter((start) => start < primitives.length).sort((x, y) => x - y);

  const relooper = new b.Relooper(m);
  const helper = scope.local('i32');
  const steps = loops ? scope.local('i32') : undefined;
  /** Every jump that is taken counts, as in the interpreter. */
  const taken = (): Ref => {
    if (steps === undefined) return m.nop();
    const next = m.local.tee(steps, m.i32.add(m.local.get(steps, b.i32), m.i32.const(1)), b.i32);
    return m.if(m.i32.gt_u(next, m.i32.const(MOST_STEPS)), unit.abort(`action ${action.name} does not come to an end`));
  };
  const blocks = new Map<number, { readonly ref: number; readonly last: number }>();
  for (const [n, start] of order.entries()) {
    const end = order[n + 1] ?? primitives.length;
    const last = end - 1;
    const straight = targets[last] === undefined ? primitives.slice(start, end) : primitives.slice(start, last);
    const code = m.block(null, straight.map((p) => compiler.compile(p)), b.none);
    blocks.set(start, { ref: relooper.addBlock(code), last });
  }
  const exit = relooper.addBlock(m.nop());
  const blockAt = (index: number): number => blocks.get(index)?.ref ?? exit;
  for (const { ref, last } of blocks.values()) {
    const target = targets[last];
    const primitive = primitives[last]!;
    if (target !== undefined && primitive.op === '_jump_if_zero') {
      const zero = m.i32.eqz(compiler.expressions.bool(conditionOf(primitive)));
      scope.endStatement();
      if (blockAt(target) === blockAt(last + 1)) {
        relooper.addBranch(ref, blockAt(target), 0, m.nop());
        continue;
      }
      relooper.addBranch(ref, blockAt(target), zero, taken());
      relooper.addBranch(ref, blockAt(last + 1), 0, m.nop());
    } else if (target !== undefined) {
      relooper.addBranch(ref, blockAt(target), 0, taken());
    } else {
      relooper.addBranch(ref, blockAt(last + 1), 0, m.nop());
    }
  }
  return relooper.renderAndDispose(blocks.get(0)!.ref, helper);
}

function conditionOf({ args }: Primitive): Expression {
  const [operand] = args;
  if (operand?.kind !== 'expression') throw new Error('a jump needs a condition');
  return operand.expression;
}
