/** Runtime files in the form of the p4lang tutorials (utils/p4runtime_lib/simple_controller.py there). */
import {
  encodeBytestring,
  type Entity,
  type FieldMatch,
  type Init,
  type MatchFieldInfo,
  type P4InfoIndex,
  type UpdateType,
} from '../../../p4runtime/index.js';
import { ipv4ToBytes } from '../../../net/ipv4.js';
import { macToBytes } from '../../../net/mac.js';

type Value = number | string;

interface RuntimeEntry {
  readonly table: string;
  readonly match?: Readonly<Record<string, Value | readonly [Value, number]>>;
  readonly default_action?: boolean;
  readonly action_name: string;
  readonly action_params: Readonly<Record<string, Value>>;
}

export interface RuntimeFile {
  readonly table_entries: readonly RuntimeEntry[];
  readonly multicast_group_entries?: readonly {
    readonly multicast_group_id: number;
    readonly replicas: readonly { readonly egress_port: number; readonly instance: number }[];
  }[];
}

/** A number, an IPv4 or a MAC address, in as few bytes as it needs. */
function toBytes(value: Value): Uint8Array {
  if (typeof value === 'number') return encodeBytestring(value);
  const bytes = ipv4ToBytes(value) ?? macToBytes(value);
  if (bytes === undefined) throw new Error(`"${value}" is neither an IPv4 nor a MAC address`);
  return encodeBytestring(BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function toMatch(
  { id: fieldId, kind, name }: MatchFieldInfo,
  given: Value | readonly [Value, number],
): Init<FieldMatch> {
  if (kind === 'exact' && !Array.isArray(given)) return { fieldId, exact: { value: toBytes(given as Value) } };
  if (kind === 'lpm' && Array.isArray(given)) {
    const [value, prefixLen] = given as [Value, number];
    return { fieldId, lpm: { value: toBytes(value), prefixLen } };
  }
  throw new Error(`the value of ${name} does not fit a key that is ${kind}`);
}

/** The updates that a controller of the tutorials makes of a runtime file. */
export function updatesOf(file: RuntimeFile, index: P4InfoIndex): [UpdateType, Init<Entity>][] {
  const entries = file.table_entries.map((entry): [UpdateType, Init<Entity>] => {
    const table = index.tables.find(entry.table);
    const { id: actionId, params } = index.actions.find(entry.action_name);
    const action = {
      action: {
        actionId,
        params: params.items.map(({ id, name }) => ({ paramId: id, value: toBytes(entry.action_params[name]!) })),
      },
    };
    const isDefaultAction = entry.default_action === true;
    const match = Object.entries(entry.match ?? {}).map(([name, value]) => toMatch(table.keys.find(name), value));
    return [
      isDefaultAction ? 'MODIFY' : 'INSERT',
      { tableEntry: { tableId: table.id, match, action, isDefaultAction } },
    ];
  });
  const groups = (file.multicast_group_entries ?? []).map((group): [UpdateType, Init<Entity>] => {
    const replicas = group.replicas.map(({ egress_port, instance }) => ({ egressPort: egress_port, instance }));
    const multicastGroupEntry = { multicastGroupId: group.multicast_group_id, replicas };
    return ['INSERT', { packetReplicationEngineEntry: { multicastGroupEntry } }];
  });
  return [...entries, ...groups];
}
