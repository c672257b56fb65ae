import type { MatchKey } from '../control.js';
import type { JsonReader } from './reader.js';
import { Registry } from './reader.js';
import { isOneOf, widthOf, type NameScope } from './expression.js';
import { loadPrimitive, type ExternScope } from './primitives.js';
import type { CalculationLoader } from './externs.js';
import type {
  ActionDef,
  ActionProfileDef,
  BoundAction,
  ConstEntry,
  ControlNode,
  KeyDef,
  PipelineDef,
  TableDef,
} from './program.js';

/** In addition to the kinds of a table, a key can be `valid`: the validity of a header, matched exactly. */
export const MATCH_KINDS = ['exact', 'lpm', 'ternary', 'range'] as const;
export const TABLE_TYPES = ['simple', 'indirect', 'indirect_ws'] as const;

export class PipelineLoader {
  readonly tables: TableDef[] = [];
  readonly profiles = new Registry<ActionProfileDef>('action profile');
  private readonly actions = new Registry<ActionDef>('action id');
  readonly actionList: ActionDef[] = [];

  constructor(
    private readonly scope: NameScope,
    private readonly externs: ExternScope,
    private readonly calculations: CalculationLoader,
  ) {}

  loadActions(root: JsonReader): void {
    root
      .get('actions')
      .items()
      .forEach((at, index) => {
        const params = at
          .get('runtime_data')
          .items()
          .map((p) => ({ name: p.get('name').string(), width: p.get('bitwidth').integer() }));
        const primitives = at
          .get('primitives')
          .items()
          .map((p) => loadPrimitive(p, this.scope, this.externs, params.length));
        const action: ActionDef = {
          name: at.get('name').string(),
          id: at.get('id').integer(),
          index,
          params,
          primitives,
        };
        this.actions.add(at, action.id, action);
        this.actionList.push(action);
      });
  }

  load(at: JsonReader): PipelineDef {
    const name = at.get('name').string();
    const nodes = new Registry<ControlNode>('table, condition or action call');
    for (const profile of at.get('action_profiles').items()) this.addProfile(profile);
    const tables = at.get('tables').items();
    const conditionals = at.get('conditionals').items();
    const calls = at.get('action_calls').items();
    for (const table of tables) {
      const loaded = this.table(table, name);
      nodes.add(table, loaded.name, loaded);
      this.tables.push(loaded);
    }
    for (const conditional of conditionals) {
      nodes.add(conditional, conditional.get('name').string(), {
        kind: 'conditional',
        name: conditional.get('name').string(),
        expression: this.scope.condition(conditional.get('expression')),
        source: conditional.has('source_info')
          ? (conditional.get('source_info').get('source_fragment').stringOrNull() ?? undefined)
          : undefined,
        onTrue: null,
        onFalse: null,
      });
    }
    for (const call of calls) {
      const action = this.actions.get(call.get('action_id'), call.get('action_id').integer());
      if (action.params.length > 0) call.fail(`action ${action.name} has parameters, so it cannot be called directly`);
      nodes.add(call, call.get('name').string(), { kind: 'call', name: call.get('name').string(), action, next: null });
    }

    const next = (target: JsonReader): ControlNode | null =>
      target.missing ? null : nodes.get(target, target.string());
    for (const reader of tables)
      this.linkTable(reader, nodes.get(reader, reader.get('name').string()) as TableDef, next);
    for (const reader of conditionals) {
      const node = nodes.get(reader, reader.get('name').string());
      if (node.kind !== 'conditional') continue;
      node.onTrue = next(reader.get('true_next'));
      node.onFalse = next(reader.get('false_next'));
    }
    for (const reader of calls) {
      const node = nodes.get(reader, reader.get('name').string());
      if (node.kind === 'call') node.next = next(reader.get('next_node'));
    }
    return { name, start: next(at.get('init_table')), nodes: nodes.values() };
  }

  private addProfile(at: JsonReader): void {
    const name = at.get('name').string();
    this.profiles.add(at, name, {
      name,
      index: this.profiles.values().length,
      size: at.get('max_size').integer(),
      selector: at.has('selector') ? this.calculations.load(at.get('selector'), `${name} selector`) : undefined,
    });
  }

  /** Before format 2.3 a table said the name of a profile that it alone has, and the selector of that. */
  private profileOf(at: JsonReader, type: 'indirect' | 'indirect_ws'): ActionProfileDef {
    const old = at.get('act_prof_name');
    if (at.has('action_profile') || old.missing) {
      const name = at.get('action_profile');
      return this.profiles.get(name, name.string());
    }
    const name = old.string();
    const profile = {
      name,
      index: this.profiles.values().length,
      size: at.get('max_size').integer(),
      selector: type === 'indirect_ws' ? this.calculations.load(at.get('selector'), `${name} selector`) : undefined,
    };
    this.profiles.add(old, name, profile);
    return profile;
  }

  private table(at: JsonReader, pipeline: string): TableDef {
    const name = at.get('name').string();
    const matchKind = at.get('match_type').string();
    if (!isOneOf(MATCH_KINDS, matchKind)) {
      at.get('match_type').lacks(`match kind "${matchKind}"`);
    }
    const keys = at
      .get('key')
      .items()
      .flatMap((key) => this.key(key));
    if (keys.filter((key) => key.kind === 'lpm').length > 1) at.get('key').fail('a table has at most one lpm key');
    const type = at.get('type').string();
    if (!isOneOf(TABLE_TYPES, type)) at.get('type').lacks(`table type "${type}"`);
    const profile = type !== 'indirect' && type !== 'indirect_ws' ? undefined : this.profileOf(at, type);
    const meter = at.get('direct_meters');
    const directMeter = meter.missing ? undefined : this.externs.meters.get(meter, meter.string());
    if (directMeter !== undefined && directMeter.directTarget === undefined)
      meter.fail(`${directMeter.name} is not a direct meter`);

    const actions = this.tableActions(at);
    const fallback = at.get('default_entry');
    const entries = at.has('entries') ? this.entries(at, keys) : undefined;
    return {
      kind: 'table',
      name,
      index: this.tables.length,
      pipeline,
      keys,
      matchKind: matchKind as TableDef['matchKind'],
      maxSize: entries?.length ?? at.get('max_size').integer(),
      withCounters: at.get('with_counters').boolean(false),
      supportsTimeout: at.get('support_timeout').boolean(false),
      directMeter,
      profile,
      actions,
      defaultEntry: fallback.missing ? undefined : this.bound(fallback),
      constDefaultAction: fallback.missing ? false : fallback.get('action_const').boolean(false),
      constDefaultEntry: fallback.missing ? false : fallback.get('action_entry_const').boolean(false),
      entries,
      nextByAction: new Map(),
      hitMiss: undefined,
      defaultNext: null,
    };
  }

  private tableActions(at: JsonReader): ActionDef[] {
    if (at.has('action_ids'))
      return at
        .get('action_ids')
        .items()
        .map((id) => this.actions.get(id, id.integer()));
    return at
      .get('actions')
      .items()
      .map((name) => {
        const found = this.actionList.find((action) => action.name === name.string());
        return found ?? name.fail(`no action called "${name.string()}"`);
      });
  }

  private linkTable(at: JsonReader, table: TableDef, next: (target: JsonReader) => ControlNode | null): void {
    const targets = at.get('next_tables');
    if (targets.has('__HIT__') || targets.has('__MISS__') || targets.keys().includes('__HIT__')) {
      table.hitMiss = { hit: next(targets.get('__HIT__')), miss: next(targets.get('__MISS__')) };
    } else {
      for (const action of table.actions) table.nextByAction.set(action.index, next(targets.get(action.name)));
    }
    table.defaultNext = next(at.get('base_default_next'));
  }

  private key(at: JsonReader): KeyDef[] {
    const kind = at.get('match_type').string();
    const target = at.get('target');
    if (kind === 'valid') {
      const header = this.scope.headers.get(target, target.string());
      return [
        {
          name: at.get('name').stringOrNull() ?? header.name,
          kind: 'exact',
          ref: { validOf: header },
          width: 1,
          mask: null,
        },
      ];
    }
    if (!isOneOf(MATCH_KINDS, kind)) {
      at.get('match_type').lacks(`match kind "${kind}"`);
      return [];
    }
    const ref = this.scope.fieldRef(target);
    if ('field' in ref && ref.field.varbit) at.lacks('keys of variable length');
    const name =
      at.get('name').stringOrNull() ??
      ('field' in ref ? `${ref.field.header.name}.${ref.field.name}` : `${ref.validOf.name}.$valid$`);
    return [{ name, kind, ref, width: widthOf(ref), mask: at.has('mask') ? at.get('mask').hex() : null }];
  }

  private entries(at: JsonReader, keys: readonly KeyDef[]): ConstEntry[] {
    const type = at.get('type').string();
    if (type === 'indirect' || type === 'indirect_ws')
      at.get('entries').fail(`only a table of type simple has entries, not one of type ${type}`);
    const kind = at.get('match_type').string();
    const ranked = kind === 'ternary' || kind === 'range';
    const seen = new Map<string, number>();
    return at
      .get('entries')
      .items()
      .map((reader, i) => {
        const entry = this.entry(reader, keys);
        const identity =
          entry.keys.map((match, j) => matchText(match, keys[j]!.width)).join() + (ranked ? `@${entry.priority}` : '');
        const first = seen.get(identity);
        if (first !== undefined)
          reader.fail(`table ${at.get('name').string()} has an entry of this key already, entries[${first}]`);
        seen.set(identity, i);
        return entry;
      });
  }

  private entry(at: JsonReader, keys: readonly KeyDef[]): ConstEntry {
    const matches = at.get('match_key').items();
    if (matches.length !== keys.length)
      at.get('match_key').fail(`the table has ${keys.length} key(s), but ${matches.length} are given`);
    return {
      keys: matches.map((match, i) => matchKey(match, keys[i]!)),
      priority: at.has('priority') ? at.get('priority').integer() : 0,
      call: this.bound(at.get('action_entry')),
    };
  }

  private bound(at: JsonReader): BoundAction {
    const action = this.actions.get(at.get('action_id'), at.get('action_id').integer());
    const data = at.get('action_data').items();
    if (data.length !== action.params.length) {
      at.get('action_data').fail(
        `action ${action.name} takes ${action.params.length} argument(s), but ${data.length} are given`,
      );
    }
    return { action, args: data.map((value) => value.hex()) };
  }
}

function matchKey(at: JsonReader, key: KeyDef): MatchKey {
  const given = at.get('match_type').string();
  if (given === 'valid') return { kind: 'exact', value: at.get('key').boolean() ? 1n : 0n };
  if (given !== key.kind) at.get('match_type').fail(`key ${key.name} is ${key.kind}, but the entry gives ${given}`);
  switch (key.kind) {
    case 'exact':
      return { kind: 'exact', value: keyBytes(at.get('key'), key) };
    case 'lpm': {
      const prefixLength = at.get('prefix_length').integer();
      if (prefixLength < 0 || prefixLength > key.width)
        at.get('prefix_length').fail(`a prefix of ${key.name} has 0 to ${key.width} bits`);
      return { kind: 'lpm', value: keyBytes(at.get('key'), key), prefixLength };
    }
    case 'ternary':
      return { kind: 'ternary', value: keyBytes(at.get('key'), key), mask: keyBytes(at.get('mask'), key) };
    case 'range':
      return { kind: 'range', low: keyBytes(at.get('start'), key), high: keyBytes(at.get('end'), key) };
  }
}

/** BMv2 refuses a value of another number of bytes than the key has, and cuts bits above its width within them. */
function keyBytes(at: JsonReader, { name, width }: KeyDef): bigint {
  const value = at.hex();
  const given = Math.ceil(at.string().replace(/^-?0x/i, '').length / 2);
  const needed = Math.ceil(width / 8);
  if (given !== needed) at.fail(`key ${name} has ${needed} byte(s), but ${given} are given`);
  return value;
}

/** The same for two matches of a key that a table of BMv2 takes for one: bits under a zero mask bit do not count. */
function matchText(match: MatchKey, width: number): string {
  const cut = (value: bigint): bigint => BigInt.asUintN(width, value);
  switch (match.kind) {
    case 'exact':
      return `${cut(match.value)}`;
    case 'lpm':
      return `${cut(match.value) >> BigInt(width - match.prefixLength)}/${match.prefixLength}`;
    case 'ternary':
      return `${cut(match.value & match.mask)}&${cut(match.mask)}`;
    case 'range':
      return `${cut(match.low)}-${cut(match.high)}`;
  }
}
