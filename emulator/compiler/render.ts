import type { Ref } from './binaryen.js';
import type { Step } from './analysis/blocks.js';
import type { FlowFacts } from './analysis/facts.js';
import { EXIT, type Edge, type FlowNode } from './analysis/flow.js';
import type { PrimitiveCompiler } from './primitives.js';
import type { CompileScope } from './scope.js';
import { MAX_BACKWARD_JUMPS } from '../limits.js';

export interface Rendering {
  /** Whether backward jumps have to be counted. */
  readonly counted: boolean;
  /** What is known about fields; undefined: nothing. */
  readonly facts?: FlowFacts;
  /** Code that runs before a node whenever it is not reached by a backward jump. */
  readonly before?: { readonly node: number; readonly code: Ref };
}

/** Structured control flow: reducible loops become WebAssembly loops. Nodes that are never reached are left out. */
export function renderFlow(
  nodes: readonly FlowNode[],
  scope: CompileScope,
  compiler: PrimitiveCompiler,
  { counted, facts, before }: Rendering,
): Ref {
  const { m, b } = scope.unit;
  const relooper = new b.Relooper(m);
  const helper = scope.local('i32');
  const exit = relooper.addBlock(m.nop());
  const reached = (at: number): boolean => facts === undefined || facts.at(at) !== undefined;
  const placeOf = (to: number): number => (to === EXIT || !reached(to) ? EXIT : to);
  const code = nodes.map((node, at) => (reached(at) ? compileNode(node, at, scope, compiler, facts) : undefined));
  const decides = ({ next, otherwise }: FlowNode): boolean =>
    otherwise !== undefined && placeOf(otherwise.to) !== placeOf(next.to);
  const blocks = code.map((made, at) => {
    if (made === undefined) return exit;
    // A condition that decides nothing is still evaluated: it may divide by zero.
    const idle = made.otherwise === undefined || decides(nodes[at]!) ? [] : [m.drop(made.otherwise)];
    return relooper.addBlock(m.block(null, [made.steps, ...idle], b.none));
  });
  const ahead = before === undefined ? undefined : relooper.addBlock(before.code);
  if (before !== undefined) relooper.addBranch(ahead!, blocks[before.node]!, 0, m.nop());
  const blockOf = ({ to, counted: back }: Edge): number =>
    placeOf(to) === EXIT ? exit : to === before?.node && !back ? ahead! : blocks[to]!;
  let loops: number | undefined;
  const passing = (edge: Edge): Ref => {
    if (!edge.counted || !counted) return m.nop();
    loops ??= scope.local('i32');
    const next = m.local.tee(loops, m.i32.add(m.local.get(loops, b.i32), m.i32.const(1)), b.i32);
    return m.if(
      m.i32.gt_u(next, m.i32.const(MAX_BACKWARD_JUMPS)),
      scope.unit.abort(`action ${scope.action!.name} does not terminate`),
    );
  };
  nodes.forEach((node, at) => {
    if (!reached(at)) return;
    const { next, otherwise } = node;
    if (otherwise !== undefined && decides(node))
      relooper.addBranch(blocks[at]!, blockOf(otherwise), code[at]!.otherwise!, passing(otherwise));
    relooper.addBranch(blocks[at]!, blockOf(next), 0, passing(next));
  });
  return relooper.renderAndDispose(blocks[0]!, helper);
}

/** @returns the code of the steps, and whether the condition does not hold. */
function compileNode(
  node: FlowNode,
  at: number,
  scope: CompileScope,
  compiler: PrimitiveCompiler,
  facts: FlowFacts | undefined,
): { steps: Ref; otherwise: Ref | undefined } {
  const { m, b } = scope.unit;
  const now = new Map(facts?.at(at));
  const code: Ref[] = [];
  const after = (step: Step): void => {
    facts?.effects(at, step, now);
    scope.ranges.at(now);
    scope.endStatement();
  };
  scope.ranges.at(now);
  for (const step of node.steps) {
    if ('primitive' in step) {
      code.push(compiler.compile(step.primitive));
      after(step);
      continue;
    }
    const condition = scope.local('i32');
    code.push(m.local.set(condition, compiler.expressions.bool(step.condition)));
    for (const assignment of step.assignments) {
      code.push(compiler.assignIf(assignment.field, assignment.from, () => m.local.get(condition, b.i32)));
      after({ condition: step.condition, assignments: [assignment] });
    }
  }
  const otherwise = node.condition === undefined ? undefined : m.i32.eqz(compiler.expressions.bool(node.condition));
  scope.endStatement();
  return { steps: m.block(null, code, b.none), otherwise };
}
