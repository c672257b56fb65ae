/** The groups and aggregates of an aggregation, and its outputs in their terms. */
import { aggregateName } from './aggregation.js';
import type { Binder } from './catalog.js';
import { isCollated } from './collation.js';
import { aggregateOf, type LaneAggregate } from './lane-plan.js';
import { isNeverNull } from './never-null.js';
import { Refusal } from './refusal.js';
import { resolve } from './scope.js';
import type { SelectNames } from './select-names.js';
import { isColumnRef, rewrite, type Expression } from './tree.js';

/** A group expression by its index, or an aggregate by its canonical text. */
export type GroupedValue = { readonly key: number } | { readonly aggregate: string };

export class Grouping {
  private readonly groups: { readonly expression: Expression; readonly canonical: string }[] = [];
  private readonly found = new Map<string, LaneAggregate>();

  constructor(
    private readonly names: SelectNames,
    private readonly binder: Binder,
  ) {}

  /** Group expressions, in the order in which they were added. */
  get expressions(): readonly Expression[] {
    return this.groups.map(({ expression }) => expression);
  }

  /** By canonical text. */
  get aggregates(): ReadonlyMap<string, LaneAggregate> {
    return this.found;
  }

  /** The aggregate that an expression is, if an output uses it. */
  aggregateOf(e: Expression): LaneAggregate | undefined {
    return this.found.get(this.names.canonical(this.names.dealias(e)));
  }

  /** @returns its index, or that of an equal expression added before. @throws Refusal */
  addGroup(e: Expression): number {
    const expression = this.names.dealias(e);
    if (this.names.isBound(expression))
      throw new Refusal(
        'a group expression contains what only the master can evaluate (a subquery, a window, a function whose result differs between machines)',
      );
    if (!this.names.isLocal(expression)) throw new Refusal('a group expression refers to an outer query');
    if (isCollated(expression)) throw new Refusal('the rows are grouped or compared under a collation');
    const canonical = this.names.canonical(expression);
    const known = this.groups.findIndex((group) => group.canonical === canonical);
    if (known >= 0) return known;
    return this.groups.push({ expression, canonical }) - 1;
  }

  /** Replaces group expressions and aggregates, and records the aggregates on the way. */
  rewriteOutput(e: Expression, replace: (found: GroupedValue) => Expression): Expression {
    return rewrite(e, (part) => {
      const target = this.names.aliasTarget(part);
      if (target !== undefined) return this.rewriteOutput(target, replace);
      if (part.class !== 'CONSTANT' || this.groups.length > 0) {
        const canonical = this.names.canonical(part);
        const key = this.groups.findIndex((group) => group.canonical === canonical);
        if (key >= 0) return { ...replace({ key }), alias: part.alias };
      }
      if (aggregateName(part, this.binder) !== undefined)
        return { ...replace({ aggregate: this.noteAggregate(part) }), alias: part.alias };
      if (
        ['WINDOW', 'LAMBDA', 'STAR', 'POSITIONAL_REFERENCE'].includes(part.class) ||
        part.type === 'GROUPING_FUNCTION'
      )
        throw new Refusal(
          `${part.class.toLowerCase().replace('_', ' ')} expressions over groups are evaluated by the master`,
        );
      if (part.class === 'SUBQUERY' && this.names.mayReadTable(part))
        throw new Refusal('a subquery in the output may depend on the rows of the table');
      if (isColumnRef(part)) {
        if (resolve([this.names.leaf], part.column_names) !== undefined)
          throw new Refusal(`column ${part.column_names.join('.')} is not a group expression`);
        if (part.column_names.length === 1 && /^(rows|[kl]\d+(_count)?)$/i.test(part.column_names[0]!))
          throw new Refusal(`outer column ${part.column_names[0]} has a name that the groups use`);
      }
      return undefined;
    });
  }

  private noteAggregate(part: Expression): string {
    const e = this.names.dealias({ ...part, alias: '' });
    const canonical = this.names.canonical(e);
    if (this.found.has(canonical)) return canonical;
    const argument = e.children?.[0];
    if (argument !== undefined) {
      if (this.names.isBound(argument))
        throw new Refusal('an aggregate’s argument contains what only the master can evaluate');
      if (!this.names.isLocal(argument)) throw new Refusal('an aggregate’s argument refers to an outer query');
      if (e.filter != null && (this.names.isBound(e.filter) || !this.names.isLocal(e.filter)))
        throw new Refusal('a FILTER contains what only the master can evaluate');
    }
    this.found.set(
      canonical,
      aggregateOf(
        e,
        argument === undefined ? '' : this.names.canonical(argument),
        argument !== undefined && isNeverNull(argument, this.names.leaf),
      ),
    );
    return canonical;
  }
}
