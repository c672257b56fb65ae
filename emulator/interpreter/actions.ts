import { PacketAbortError } from '../errors.js';
import type { ActionDef, Primitive } from '../json/program.js';
import type { Context } from './context.js';
import { compileBool, compileData } from './expressions.js';
import type { Packet } from './packet.js';
import { compilePrimitive, type Run } from './primitives.js';
import { MAX_BACKWARD_JUMPS } from '../limits.js';

/** Compiles an action; its arguments are in `p.args` when it runs. */
export function compileAction(action: ActionDef, context: Context): Run {
  const run = action.primitives.some(isJump) ? compileWithJumps(action, context) : compileStraight(action, context);
  if (!context.traced) return run;
  return (p) => {
    p.actionName = action.name;
    run(p);
  };
}

function isJump({ op }: Primitive): boolean {
  return op === '_jump' || op === '_jump_if_zero';
}

function compileStraight(action: ActionDef, context: Context): Run {
  const steps = action.primitives.map((primitive) => compilePrimitive(primitive, context));
  if (steps.length === 1) return steps[0]!;
  return (p) => {
    for (let i = 0; i < steps.length; i++) steps[i]!(p);
  };
}

/** Jump targets count primitives from the start of the action. */
function compileWithJumps(action: ActionDef, context: Context): Run {
  const steps = action.primitives.map((primitive) => compileStep(primitive, context));
  return (p) => {
    let taken = 0;
    for (let i = 0; i < steps.length;) {
      const target = steps[i]!(p);
      if (target < 0) {
        i++;
      } else {
        if (target <= i && ++taken > MAX_BACKWARD_JUMPS)
          throw new PacketAbortError(`action ${action.name} does not terminate`);
        i = target;
      }
    }
  };
}

/** @returns the primitive to go to, -1 for the one that follows. */
function compileStep(primitive: Primitive, context: Context): (p: Packet) => number {
  const [first, second] = primitive.args.map((arg) => (arg.kind === 'expression' ? arg.expression : undefined));
  if (primitive.op === '_jump') {
    const target = compileData(first!, context);
    return (p) => Number(target(p));
  }
  if (primitive.op === '_jump_if_zero') {
    const condition = compileBool(first!, context);
    const target = compileData(second!, context);
    return (p) => (condition(p) ? -1 : Number(target(p)));
  }
  const run = compilePrimitive(primitive, context);
  return (p) => {
    run(p);
    return -1;
  };
}
