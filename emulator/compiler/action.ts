import type { ActionDef } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { blocksOf, jumpTarget, selectBranches } from './analysis/blocks.js';
import { flowOf } from './analysis/flow.js';
import { addLoops } from './loops.js';
import { PrimitiveCompiler } from './primitives.js';
import { renderFlow } from './render.js';
import { compileRun } from './runs.js';
import { CompileScope } from './scope.js';
import { NeedsMemory, type Unit } from './unit.js';

export function actionName(action: ActionDef): string {
  return `action${action.index}`;
}

/** Adds the function of an action, which takes the frame and the address of the arguments. */
export function addAction(action: ActionDef, unit: Unit): void {
  const { m, b } = unit;
  const loops = action.primitives.some((p, i) => jumpTarget(p) !== undefined && jumpTarget(p)! <= i);
  if (loops) {
    try {
      addLoops(action, actionName(action), unit);
      return;
    } catch (error) {
      if (!(error instanceof NeedsMemory)) throw error;
      const reason = 'something in the action needs its fields in memory';
      unit.report.loops.push({ action: action.name, vectorised: false, reason });
    }
  }
  const scope = new CompileScope(unit, 2, action);
  const body = compileInMemory(action, scope);
  m.addFunction(actionName(action), b.createType([b.i32, b.i32]), b.none, scope.vars, body);
}

/** Fields stay in the frame. */
function compileInMemory(action: ActionDef, scope: CompileScope): Ref {
  const { m, b } = scope.unit;
  const compiler = new PrimitiveCompiler(scope);
  if (!action.primitives.some((p) => jumpTarget(p) !== undefined)) {
    const code: Ref[] = [];
    for (let i = 0; i < action.primitives.length;) {
      const run = compileRun(action.primitives, i, scope);
      code.push(run?.code ?? compiler.compile(action.primitives[i]!));
      i += run?.length ?? 1;
    }
    return m.block(null, code, b.none);
  }
  return renderFlow(flowOf(selectBranches(blocksOf(action))), scope, compiler, { counted: true });
}
