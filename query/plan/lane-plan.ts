/** Which lanes a tuple needs for the aggregates of a SELECT, and how the master computes the results from them. */
import { LaneOp } from '../../protocol/query/constants.js';
import type { Binder } from './catalog.js';
import type { LaneColumn } from './plan.js';
import { Refusal } from './refusal.js';
import { identifier, type Expression } from './tree.js';
import { canOverflow, decimalOf, LANE_OPS, orderLaneOf, sumLaneOf, type Lane } from './types.js';

type Kind = 'sum' | 'avg' | 'min' | 'max' | 'count' | 'rows';
const KINDS: Readonly<Record<string, Kind>> = {
  sum: 'sum',
  avg: 'avg',
  mean: 'avg',
  min: 'min',
  max: 'max',
  count: 'count',
  count_star: 'rows',
};

export interface LaneAggregate {
  readonly kind: Kind;
  readonly expression: Expression;
  readonly argument: Expression | undefined;
  readonly filter: Expression | undefined;
  /** Equal for aggregates over the same values. */
  readonly argumentKey: string;
  /** Each row has a value, so that there are as many values as rows. */
  readonly countsRows: boolean;
}

/** @throws Refusal if the switch has no operation for it */
export function aggregateOf(e: Expression, canonicalArgument: string, isNeverNull: boolean): LaneAggregate {
  const name = e.function_name!.toLowerCase();
  const kind = KINDS[name];
  const shown = `${name}(${e.distinct ? 'DISTINCT …' : '…'})`;
  const args = e.children?.length ?? 0;
  if (kind === undefined)
    throw new Refusal(`the switch has no operation for ${shown}; it has sum, avg, count, min and max`);
  const isIdempotent = kind === 'min' || kind === 'max';
  if (e.distinct && !isIdempotent) throw new Refusal(`${shown} needs every distinct value of a group`);
  if (args > 1) throw new Refusal(`the switch has no operation for ${name} with ${args} arguments`);
  const isRows = args === 0;
  const filter = e.filter ?? undefined;
  const argumentKey = `${canonicalArgument} ${filter === undefined ? '' : JSON.stringify(filter)}`;
  return {
    kind: isRows ? 'rows' : kind,
    expression: e,
    argument: e.children?.[0],
    filter,
    argumentKey,
    countsRows: filter === undefined && (isRows || isNeverNull),
  };
}

interface Slot extends LaneColumn {
  readonly part: 'sum' | 'min' | 'max' | 'count' | 'rows';
  readonly argumentKey: string;
  readonly lane: Lane | undefined;
  readonly item: string;
  readonly type: string;
}

interface Argument {
  readonly text: string;
  readonly type: string;
}

/** What is sent for one SELECT's aggregates. */
export class LanePlan {
  private constructor(
    private readonly slots: readonly Slot[],
    private readonly resultTypes: ReadonlyMap<LaneAggregate, string>,
    private readonly types: ReadonlyMap<string, Argument>,
    readonly isCombined: boolean,
    /** Why not, if it was requested. */
    readonly remark: string | undefined,
  ) {}

  static async of(
    aggregates: readonly LaneAggregate[],
    binder: Binder,
    from: string,
    options: { lanes: number; sums: 'fp64' | 'fp32'; combine: boolean; integerSums: boolean },
  ): Promise<LanePlan> {
    const resultTypes = await binder.typesOf(
      await binder.expressionTexts(aggregates.map(({ expression }) => expression)),
      from,
    );
    const args = new Map<string, Argument>();
    const withArgument = aggregates.filter((aggregate) => aggregate.kind !== 'rows' || aggregate.filter !== undefined);
    for (const aggregate of withArgument) {
      if (args.has(aggregate.argumentKey)) continue;
      const [value] = aggregate.argument === undefined ? ['1'] : await binder.expressionTexts([aggregate.argument]);
      const [filter] = aggregate.filter === undefined ? [] : await binder.expressionTexts([aggregate.filter]);
      const text = filter === undefined ? `(${value})` : `(CASE WHEN ${filter} THEN ${value} END)`;
      args.set(aggregate.argumentKey, { text, type: (await binder.typesOf([text], from))[0]! });
    }
    const results = new Map(aggregates.map((aggregate, i) => [aggregate, resultTypes[i]!]));
    const build = (combine: boolean): readonly Slot[] => slotsOf(aggregates, args, { ...options, combine });
    const streamed = build(false);
    const combined = options.combine ? build(true) : streamed;
    const isCombined = options.combine && combined.length <= options.lanes;
    const slots = isCombined ? combined : streamed;
    if (slots.length > options.lanes)
      throw new Refusal(`its aggregates need ${slots.length} lanes, and a tuple has ${options.lanes}`);
    const remark =
      options.combine && !isCombined
        ? `rows are not combined before they leave a worker, because partial results need ${combined.length} lanes and a tuple has ${options.lanes}`
        : undefined;
    return new LanePlan(slots, results, args, isCombined, remark);
  }

  get columns(): readonly LaneColumn[] {
    return this.slots.map(({ name, op }) => ({ name, op }));
  }

  /** The worker's SELECT items for the lanes. */
  get items(): readonly string[] {
    return this.slots.map(({ item, name }) => `${item} AS ${identifier(name)}`);
  }

  /** The aggregate again, over the groups' relation, with the type that DuckDB gives it. */
  masterText(aggregate: LaneAggregate): string {
    const text = this.partText(aggregate);
    return `CAST(${text} AS ${this.resultTypes.get(aggregate)!})`;
  }

  /**
   * The lane in which the switch has an aggregate's value, 'rows' if it is the number of rows, undefined if no
   * lane has it.
   */
  laneOf(aggregate: LaneAggregate): { index: number; op: LaneOp; scale: number } | 'rows' | undefined {
    const isRows = aggregate.countsRows && (aggregate.kind === 'rows' || aggregate.kind === 'count');
    if (isRows && !this.isCombined) return 'rows';
    const part = isRows ? 'rows' : aggregate.kind === 'avg' ? undefined : aggregate.kind;
    const index = this.slots.findIndex(
      (slot) =>
        slot.part === part &&
        slot.argumentKey === (part === 'rows' ? '' : aggregate.argumentKey) &&
        (part !== 'count' || this.isCombined),
    );
    if (index < 0) return undefined;
    const slot = this.slots[index]!;
    const scale = slot.lane === undefined ? 0 : slot.lane.scale;
    return scale === undefined ? undefined : { index, op: slot.op, scale };
  }

  private partText(aggregate: LaneAggregate): string {
    const { kind, argumentKey } = aggregate;
    if (kind === 'count' || kind === 'rows') return `coalesce(${this.countText(aggregate)}, 0)`;
    if (kind === 'avg') {
      const slot = this.slot('sum', argumentKey);
      const scale = decimalOf(this.types.get(argumentKey)!.type)?.scale ?? 0;
      return `CAST(sum(${identifier(slot.name)}) AS DOUBLE) / (CAST(${this.countText(aggregate)} AS DOUBLE) * CAST('1e${scale}' AS DOUBLE))`;
    }
    const slot = this.slot(kind, argumentKey);
    return slot.lane!.decode(`${kind}(${identifier(slot.name)})`);
  }

  private countText({ argumentKey, countsRows }: LaneAggregate): string {
    if (countsRows) return this.isCombined ? `sum(${identifier(this.slot('rows', '').name)})` : 'sum("rows")';
    const own = this.slots.find((slot) => slot.part === 'count' && slot.argumentKey === argumentKey);
    if (own !== undefined && this.isCombined) return `sum(${identifier(own.name)})`;
    const slot = this.slots.find((s) => s.argumentKey === argumentKey)!;
    return `sum(${identifier(`${slot.name}_count`)})`;
  }

  private slot(part: Slot['part'], argumentKey: string): Slot {
    return this.slots.find((slot) => slot.part === part && slot.argumentKey === argumentKey)!;
  }
}

function slotsOf(
  aggregates: readonly LaneAggregate[],
  args: ReadonlyMap<string, Argument>,
  options: { sums: 'fp64' | 'fp32'; combine: boolean; integerSums: boolean },
): readonly Slot[] {
  const slots: Slot[] = [];
  const add = (part: Slot['part'], argumentKey: string): void => {
    if (slots.some((slot) => slot.part === part && slot.argumentKey === argumentKey)) return;
    slots.push({ ...slotOf(part, args.get(argumentKey), options), part, argumentKey, name: `l${slots.length}` });
  };
  for (const { kind, argumentKey, countsRows } of aggregates) {
    if (kind === 'sum' || kind === 'avg') add('sum', argumentKey);
    else if (kind === 'min' || kind === 'max') add(kind, argumentKey);
    if (options.combine && (kind === 'avg' || kind === 'count' || kind === 'rows'))
      add(countsRows ? 'rows' : 'count', countsRows ? '' : argumentKey);
  }
  // A lane counts its values anyway, so a count needs its own lane only if no other lane has its argument.
  for (const { kind, argumentKey, countsRows } of aggregates) {
    const isCount = kind === 'count' || kind === 'rows';
    if (isCount && !countsRows && !slots.some((slot) => slot.argumentKey === argumentKey)) add('count', argumentKey);
  }
  return slots;
}

function slotOf(
  part: Slot['part'],
  argument: Argument | undefined,
  options: { sums: 'fp64' | 'fp32'; combine: boolean; integerSums: boolean },
): Pick<Slot, 'op' | 'lane' | 'item' | 'type'> {
  const { combine } = options;
  const type = argument?.type ?? '';
  const text = argument?.text ?? '';
  if (part === 'rows') return { op: LaneOp.SUM_I64, lane: undefined, item: 'count(*)', type };
  if (part === 'count') {
    return combine
      ? { op: LaneOp.SUM_I64, lane: undefined, item: `count(${text})`, type }
      : { op: LaneOp.MAX_I64, lane: undefined, item: `CASE WHEN ${text} IS NOT NULL THEN CAST(0 AS BIGINT) END`, type };
  }
  const lane = part === 'sum' ? sumLaneOf(type) : orderLaneOf(type);
  if (lane === undefined) throw new Refusal(`the switch has no operation for ${part} of ${type}`);
  if (!options.integerSums && lane.kind === 'i64' && ((part === 'sum' && canOverflow(type)) || isWide(type)))
    throw new Refusal(`${part} of ${type} exceeded 64 bits`);
  return { op: LANE_OPS[part](lane, options.sums), lane, item: lane.encode(combine ? `${part}(${text})` : text), type };
}

/** Single values may exceed 64 bits. */
function isWide(type: string): boolean {
  return type === 'HUGEINT' || (decimalOf(type)?.width ?? 0) > 18;
}
