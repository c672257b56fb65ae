import type { ActionDef, ControlNode, PipelineDef, Program, TableDef } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { actionName } from './action.js';
import { ENTRY, FRAME, TABLE } from '../machine/layout.js';
import { PrimitiveCompiler } from './primitives.js';
import { CompileScope } from './scope.js';
import { scalarSource } from './stores.js';
import { lookupName } from './tables.js';
import type { Unit } from './unit.js';

/** Instead of the number of an action: no action runs, and exit was called. */
const NONE = -1;
const EXITED = -2;

type Target = ControlNode | null;

/** Adds ingress(frame) or egress(frame): tables and conditions as blocks, put into structured control flow. */
export function addPipeline(name: string, pipeline: PipelineDef, unit: Unit): void {
  const { m, b } = unit;
  const scope = new CompileScope(unit, 1, undefined);
  const compiler = new PipelineCompiler(scope);
  const helper = scope.local('i32');
  const relooper = new b.Relooper(m);
  const end = relooper.addBlock(m.nop());
  const nodes = pipeline.nodes.map((node) => ({ node, step: compiler.step(node) }));
  const blocks = new Map(nodes.map(({ node, step }) => [node, relooper.addBlock(step.code)]));
  const blockOf = (target: Target): number => (target === null ? end : blocks.get(target)!);
  for (const { node, step } of nodes) {
    const conditions = new Map<number, Ref | 0>();
    const fallback = blockOf(step.otherwise);
    for (const { target, condition } of step.branches) {
      const block = blockOf(target);
      if (block === fallback) continue;
      const known = conditions.get(block);
      conditions.set(block, known === undefined || known === 0 ? condition : m.i32.or(known, condition));
    }
    for (const [block, condition] of conditions) relooper.addBranch(blocks.get(node)!, block, condition, m.nop());
    relooper.addBranch(blocks.get(node)!, fallback, 0, m.nop());
  }
  const start = relooper.addBlock(m.nop());
  if (blockOf(pipeline.start) === end) relooper.addBranch(start, end, 0, m.nop());
  else {
    relooper.addBranch(start, end, scope.word(FRAME.exit), m.nop());
    relooper.addBranch(start, blockOf(pipeline.start), 0, m.nop());
  }
  const body = relooper.renderAndDispose(start, helper);
  m.addFunction(name, b.createType([b.i32]), b.none, scope.vars, body);
  m.addFunctionExport(name, name);
}

/** What a node does, and where the pipeline continues; the conditions are mutually exclusive. */
interface Step {
  readonly code: Ref;
  readonly branches: readonly { readonly target: Target; readonly condition: Ref }[];
  readonly otherwise: Target;
}

class PipelineCompiler {
  private readonly primitives: PrimitiveCompiler;
  private readonly action: number;
  private readonly args: number;
  private readonly entry: number;

  constructor(private readonly scope: CompileScope) {
    this.primitives = new PrimitiveCompiler(scope);
    this.action = scope.local('i32');
    this.args = scope.local('i32');
    this.entry = scope.local('i32');
  }

  step(node: ControlNode): Step {
    const { m } = this.scope.unit;
    switch (node.kind) {
      case 'conditional': {
        const condition = this.primitives.expressions.bool(node.expression);
        this.scope.endStatement();
        // A condition that decides nothing is still evaluated: it may divide by zero.
        if (node.onTrue === node.onFalse) return { code: m.drop(condition), branches: [], otherwise: node.onFalse };
        return { code: m.nop(), branches: [{ target: node.onTrue, condition }], otherwise: node.onFalse };
      }
      case 'call': {
        const code = this.call(node.action, m.i32.const(0));
        const branches = exits(node.action) ? [{ target: null, condition: this.scope.word(FRAME.exit) }] : [];
        return { code, branches, otherwise: node.next };
      }
      case 'table':
        return this.table(node);
    }
  }

  private get(local: number): Ref {
    return this.scope.unit.m.local.get(local, this.scope.unit.b.i32);
  }

  private call(action: ActionDef, args: Ref): Ref {
    return this.scope.unit.m.call(actionName(action), [this.scope.frame, args], this.scope.unit.b.none);
  }

  private table(table: TableDef): Step {
    const { m, b } = this.scope.unit;
    const actions = actionsOf(table, this.scope.unit.program);
    const keyless = table.keys.length === 0;
    const find = m.local.set(
      this.entry,
      keyless ? m.i32.const(0) : m.call(lookupName(table), [this.scope.frame], b.i32),
    );
    const choose = keyless ? this.onMiss(table) : m.if(this.get(this.entry), this.onHit(table), this.onMiss(table));
    const code = [find, choose, this.dispatch(actions)];
    const mayExit = actions.some(exits);
    if (mayExit) code.push(m.if(this.scope.word(FRAME.exit), m.local.set(this.action, m.i32.const(EXITED))));
    return { code: m.block(null, code, b.none), ...this.branches(table, actions, mayExit) };
  }

  private branches(table: TableDef, actions: readonly ActionDef[], mayExit: boolean): Omit<Step, 'code'> {
    const { m } = this.scope.unit;
    const is = (action: number): Ref => m.i32.eq(this.get(this.action), m.i32.const(action));
    const exit = mayExit ? [{ target: null, condition: is(EXITED) }] : [];
    if (table.hitMiss !== undefined) {
      const hit = m.i32.ne(this.get(this.entry), m.i32.const(0));
      const condition = mayExit ? m.i32.and(hit, m.i32.ne(this.get(this.action), m.i32.const(EXITED))) : hit;
      return { branches: [...exit, { target: table.hitMiss.hit, condition }], otherwise: table.hitMiss.miss };
    }
    // An action without a successor in the program ends the pipeline.
    const targets = actions.map((action) => ({
      target: table.nextByAction.get(action.index) ?? null,
      condition: is(action.index),
    }));
    return { branches: [...exit, ...targets], otherwise: table.defaultNext };
  }

  private onMiss(table: TableDef): Ref {
    const { m, b, layout } = this.scope.unit;
    const { address } = layout.tables[table.index]!;
    const fixed = table.constDefaultAction || table.constDefaultEntry;
    const action = fixed
      ? m.i32.const(table.defaultEntry?.action.index ?? NONE)
      : m.i32.load(address + TABLE.defaultAction, 4, m.i32.const(0));
    return m.block(
      null,
      [
        m.local.set(this.action, action),
        m.local.set(this.args, m.i32.load(address + TABLE.defaultArgs, 4, m.i32.const(0))),
      ],
      b.none,
    );
  }

  private onHit(table: TableDef): Ref {
    const { m, b, layout } = this.scope.unit;
    const { args } = layout.tables[table.index]!;
    const steps: Ref[] = [];
    const call = (name: string): Ref =>
      m.call(name, [m.i32.const(table.index), m.i32.load(ENTRY.id, 4, this.get(this.entry)), this.scope.frame], b.i32);
    const target = table.directMeter?.directTarget;
    if (target !== undefined) {
      steps.push(
        this.primitives.store(
          target,
          scalarSource(call('hit'), { min: 0n, max: 255n }, this.scope, this.primitives.expressions),
        ),
      );
      this.scope.endStatement();
    } else if (table.supportsTimeout) {
      steps.push(m.drop(call('hit')));
    }
    if (table.withCounters) {
      const add = (cell: number, value: Ref): Ref =>
        m.f64.store(cell, 8, this.get(this.entry), m.f64.add(m.f64.load(cell, 8, this.get(this.entry)), value));
      steps.push(
        add(ENTRY.packets, m.f64.const(1)),
        add(ENTRY.bytes, m.f64.convert_s.i32(this.scope.word(FRAME.ingressLength))),
      );
    }
    if (table.profile === undefined) {
      steps.push(
        m.local.set(this.action, m.i32.load(ENTRY.action, 4, this.get(this.entry))),
        m.local.set(this.args, m.i32.add(this.get(this.entry), m.i32.const(args))),
      );
    } else {
      // The host returns an entry with the action and arguments of the chosen member, or 0 if the group is empty.
      steps.push(
        m.local.set(this.args, call('choose')),
        m.if(
          this.get(this.args),
          m.block(
            null,
            [
              m.local.set(this.action, m.i32.load(ENTRY.action, 4, this.get(this.args))),
              m.local.set(this.args, m.i32.add(this.get(this.args), m.i32.const(args))),
            ],
            b.none,
          ),
          m.local.set(this.action, m.i32.const(NONE)),
        ),
      );
    }
    return m.block(null, steps, b.none);
  }

  private dispatch(actions: readonly ActionDef[]): Ref {
    const { m } = this.scope.unit;
    let rest = m.nop();
    for (const action of [...actions].reverse()) {
      if (action.primitives.length === 0) continue;
      rest = m.if(
        m.i32.eq(this.get(this.action), m.i32.const(action.index)),
        this.call(action, this.get(this.args)),
        rest,
      );
    }
    return rest;
  }
}

function actionsOf(table: TableDef, program: Program): ActionDef[] {
  // A member of an action profile may run what another table of the profile allows.
  const sharing =
    table.profile === undefined ? [table] : program.tables.filter((other) => other.profile === table.profile);
  const all = [...sharing.flatMap((t) => t.actions), ...(table.entries ?? []).map((e) => e.call.action)];
  if (table.defaultEntry !== undefined) all.push(table.defaultEntry.action);
  return [...new Set(all)];
}

function exits(action: ActionDef): boolean {
  return action.primitives.some(({ op }) => op === 'exit');
}
