import type { Dice } from '../dice.js';
import type { Expressions } from './expressions.js';
import { field, hexstr, type Json } from './json.js';
import type { HeaderShape, Shape } from './shape.js';

const MAX_KEY_BITS = 256;

export interface ActionShape {
  readonly name: string;
  readonly id: number;
  readonly runtime_data: readonly { readonly bitwidth: number }[];
}

interface Key {
  readonly kind: string;
  readonly json: Json;
  readonly width: number;
}

/** Random pipelines: nodes lead to later ones, so every packet reaches the end. */
export class Pipelines {
  private tables = 0;
  readonly counters: Json[] = [];
  readonly meters: Json[] = [];

  constructor(
    private readonly shape: Shape,
    private readonly dice: Dice,
    private readonly expressions: Expressions,
    /** For indirect tables: the input of the selector's hash. */
    private readonly selectorInput: readonly Json[],
  ) {}

  /** @param first action that is called before all others. */
  make(name: string, id: number, count: number, actions: readonly ActionShape[], first: ActionShape | undefined): Json {
    const { dice } = this;
    const names = Array.from({ length: count }, (_, i) => `${name}_node_${i}`);
    const kinds = names.map(() => dice.pick(['table', 'table', 'table', 'conditional', 'call']));
    const after = (i: number): string | null => names[i + 1 + dice.below(2)] ?? null;
    const tables: Json[] = [];
    const conditionals: Json[] = [];
    const action_calls: Json[] = [];
    const action_profiles: Json[] = [];
    const plain = actions.filter(({ runtime_data }) => runtime_data.length === 0);
    names.forEach((node, i) => {
      if (kinds[i] === 'conditional') {
        conditionals.push({
          name: node,
          id: i,
          expression: this.expressions.condition(3),
          true_next: after(i),
          false_next: after(i),
        });
      } else if (kinds[i] === 'call' && plain.length > 0) {
        action_calls.push({ name: node, id: i, action_id: dice.pick(plain).id, next_node: after(i) });
      } else if (actions.length > 0) tables.push(this.table(node, () => after(i), actions, action_profiles));
      else
        conditionals.push({
          name: node,
          id: i,
          expression: this.expressions.condition(2),
          true_next: after(i),
          false_next: after(i),
        });
    });
    if (first !== undefined)
      action_calls.push({ name: `${name}_first`, id: count, action_id: first.id, next_node: names[0] ?? null });
    return {
      name,
      id,
      init_table: first === undefined ? (names[0] ?? null) : `${name}_first`,
      tables,
      action_profiles,
      conditionals,
      action_calls,
    };
  }

  private table(name: string, next: () => string | null, choice: readonly ActionShape[], profiles: Json[]): Json {
    const { dice } = this;
    const id = this.tables++;
    const match_type = dice.pick(['exact', 'exact', 'lpm', 'ternary', 'range']);
    const keys = Array.from({ length: dice.oneIn(8) ? 0 : 1 + dice.below(3) }, (_, i) => this.key(match_type, i));
    const actions = Array.from(new Set(Array.from({ length: 1 + dice.below(3) }, () => dice.pick(choice))));
    const indirect = dice.oneIn(6) ? dice.pick(['indirect', 'indirect_ws']) : undefined;
    if (indirect !== undefined) {
      profiles.push({
        name: `${name}_profile`,
        id,
        max_size: 8,
        ...(indirect === 'indirect_ws'
          ? {
              selector: {
                algo: dice.pick(['crc16', 'crc32', 'xor16', 'identity', 'round_robin']),
                input: this.selectorInput,
              },
            }
          : {}),
      });
    }
    const with_counters = dice.oneIn(3);
    if (with_counters) this.counters.push({ name: `${name}_counter`, is_direct: true, binding: name });
    const metered = indirect === undefined && dice.oneIn(5);
    if (metered)
      this.meters.push({
        name: `${name}_meter`,
        is_direct: true,
        rate_count: 2,
        type: dice.pick(['packets', 'bytes']),
        size: 16,
        binding: name,
        result_target: ['meta', 'flag'],
      });
    const entries =
      indirect === undefined && keys.length > 0 && dice.oneIn(4)
        ? withDifferentKeys(
            Array.from({ length: 1 + dice.below(4) }, (_, i) => this.entry(keys, dice.pick(actions), i)),
            match_type,
          )
        : undefined;
    const next_tables = dice.oneIn(3)
      ? { __HIT__: next(), __MISS__: next() }
      : Object.fromEntries(actions.map((action) => [action.name, next()]));
    return {
      name,
      id,
      match_type,
      type: indirect ?? 'simple',
      max_size: 64,
      with_counters,
      support_timeout: dice.oneIn(6),
      direct_meters: metered ? `${name}_meter` : null,
      key: keys.map(({ json }) => json),
      action_ids: actions.map((action) => action.id),
      actions: actions.map((action) => action.name),
      base_default_next: next(),
      next_tables,
      ...(indirect === undefined
        ? { default_entry: this.fallback(dice.pick(actions)) }
        : { action_profile: `${name}_profile` }),
      ...(entries === undefined ? {} : { entries }),
    };
  }

  private key(tableKind: string, at: number): Key {
    const { dice, shape } = this;
    // A table has its keys' most general kind; there is at most one lpm key.
    const kinds: Record<string, readonly string[]> = {
      exact: ['exact'],
      lpm: [at === 0 ? 'lpm' : 'exact'],
      ternary: ['exact', 'ternary'],
      range: ['exact', 'ternary', 'range'],
    };
    const kind = at === 0 ? tableKind : dice.pick(kinds[tableKind]!);
    if (kind === 'exact' && dice.oneIn(8)) {
      const { name } = dice.pick(shape.packetHeaders);
      if (dice.oneIn(2))
        return { kind: 'valid', json: { match_type: 'valid', name, target: name, mask: null }, width: 1 };
      return {
        kind,
        json: { match_type: kind, name: `${name}.$valid$`, target: [name, '$valid$'], mask: null },
        width: 1,
      };
    }
    const sources: HeaderShape[] = [...shape.plain, shape.metadata];
    const { name, type } = dice.pick(sources);
    const chosen = dice.pick(type.fields.filter(({ width }) => width <= MAX_KEY_BITS).concat(type.fields.slice(0, 1)));
    const mask = kind === 'exact' && dice.oneIn(10) ? `0x${dice.value(chosen.width).toString(16)}` : null;
    return {
      kind,
      json: { match_type: kind, name: `${name}.${chosen.name}`, target: [name, chosen.name], mask },
      width: chosen.width,
    };
  }

  private entry(keys: readonly Key[], action: ActionShape, at: number): EntryJson {
    return {
      match_key: keys.map((key) => this.match(key)),
      action_entry: { action_id: action.id, action_data: this.args(action) },
      priority: at + 1,
    };
  }

  private match({ kind, width }: Key): Json {
    const { dice } = this;
    const hex = (each: bigint): string => `0x${each.toString(16).padStart(2 * Math.ceil(width / 8), '0')}`;
    const value = dice.value(width);
    switch (kind) {
      case 'valid':
        return { match_type: 'valid', key: dice.oneIn(2) };
      case 'lpm': {
        const prefix_length = dice.below(width + 1);
        const low = BigInt(width - prefix_length);
        return { match_type: kind, key: hex((value >> low) << low), prefix_length };
      }
      case 'ternary': {
        const mask = dice.value(width);
        return { match_type: kind, key: hex(value & mask), mask: hex(mask) };
      }
      case 'range': {
        const other = dice.value(width);
        return { match_type: kind, start: hex(value < other ? value : other), end: hex(value < other ? other : value) };
      }
      default:
        return { match_type: kind, key: hex(value) };
    }
  }

  private fallback(action: ActionShape): Json {
    return {
      action_id: action.id,
      action_const: this.dice.oneIn(8),
      action_data: this.args(action),
      action_entry_const: false,
    };
  }

  private args({ runtime_data }: ActionShape): string[] {
    return runtime_data.map(({ bitwidth }) => `0x${this.dice.value(bitwidth).toString(16)}`);
  }
}

/** Sends a packet to a port that depends on its first byte. */
export function sendingAction(id: number): ActionShape & Json {
  const port = { type: 'expression', value: { op: '&', left: field('first', 'kind'), right: hexstr(3) } };
  return {
    name: 'send',
    id,
    runtime_data: [],
    primitives: [{ op: 'assign', parameters: [field('standard_metadata', 'egress_spec'), port] }],
  } as ActionShape & Json;
}

interface EntryJson {
  readonly match_key: readonly Json[];
  readonly action_entry: Json;
  readonly priority: number;
}

/** Without those that repeat a key, which a loader refuses; priorities are all different, so they tell keys apart. */
function withDifferentKeys(entries: readonly EntryJson[], matchType: string): EntryJson[] {
  const isRanked = matchType === 'ternary' || matchType === 'range';
  const keyOf = ({ match_key, priority }: EntryJson): string =>
    JSON.stringify(isRanked ? [match_key, priority] : match_key);
  const seen = new Set<string>();
  return entries.filter((entry) => !seen.has(keyOf(entry)) && seen.add(keyOf(entry)));
}
