import type { ControlNode, Program } from '../../emulator/json/program.js';
import type { TraceEvent } from '../../emulator/trace.js';

const KEPT_KEYS = 8;

/** Which parts of a program the packets have reached, by the traces of some of them. */
export class Coverage {
  private readonly missing: Set<string>;
  private readonly total: number;
  private readonly keys = new Map<string, (readonly bigint[])[]>();

  constructor(program: Program) {
    this.missing = new Set([
      ...program.parser.states.map(({ name }) => `state ${name}`),
      ...[program.ingress, program.egress].flatMap(({ nodes }) => nodes).flatMap(partsOf),
    ]);
    this.total = this.missing.size;
  }

  add(events: readonly TraceEvent[]): void {
    for (const event of events) {
      if (event.kind === 'state') this.missing.delete(`state ${event.state}`);
      else if (event.kind === 'condition') this.missing.delete(`${event.name} is ${event.result}`);
      else if (event.kind === 'table') {
        this.missing.delete(event.hit ? `hit of ${event.table}` : `miss of ${event.table}`);
        if (event.action !== undefined) this.missing.delete(`${event.action} in ${event.table}`);
        this.learn(
          event.table,
          event.key.map(({ value }) => value),
        );
      }
    }
  }

  /** Keys with which packets have reached a table. */
  keysOf(table: string): readonly (readonly bigint[])[] {
    return this.keys.get(table) ?? [];
  }

  get reached(): number {
    return this.total - this.missing.size;
  }

  /** Parser states, hits, misses and actions of tables, and results of conditions. */
  get parts(): number {
    return this.total;
  }

  get unreached(): readonly string[] {
    return [...this.missing];
  }

  /** Adds what another run of the same program has reached. */
  merge(other: Coverage): void {
    for (const part of this.missing) if (!other.missing.has(part)) this.missing.delete(part);
  }

  private learn(table: string, key: readonly bigint[]): void {
    const known = this.keys.get(table) ?? [];
    known.push(key);
    if (known.length > KEPT_KEYS) known.shift();
    this.keys.set(table, known);
  }
}

function partsOf(node: ControlNode): string[] {
  switch (node.kind) {
    case 'conditional':
      return [`${node.name} is true`, `${node.name} is false`];
    case 'call':
      return [];
    case 'table':
      // A table without keys always misses and runs its default action.
      if (node.keys.length === 0) return [`miss of ${node.name}`];
      return [
        `hit of ${node.name}`,
        `miss of ${node.name}`,
        ...node.actions.map((action) => `${action.name} in ${node.name}`),
      ];
  }
}
