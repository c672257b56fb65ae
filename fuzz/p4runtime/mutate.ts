/** Corrupts updates and requests. Every mutation has a name, by which differences between servers are classified. */
import type { Init, WriteRequest } from '../../p4runtime/index.js';
import type { Random } from '../../net/random.js';
import type { DraftUpdate } from './valid.js';

type Node = Record<string, unknown>;

interface Site {
  readonly holder: Node;
  readonly name: string;
  readonly value: unknown;
  /** Field names from the entity down; items of arrays have their array's name. */
  readonly path: string;
}

function* sites(node: Node, path: string): Generator<Site> {
  for (const [name, value] of Object.entries(node)) {
    if (value === undefined) continue;
    const at = Array.isArray(node) ? path : `${path}${path === '' ? '' : '.'}${name}`;
    yield { holder: node, name, value, path: at };
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) yield* sites(value as Node, at);
  }
}

/** Ways to corrupt one value; those that do not apply return undefined. */
const VALUES: readonly [string, (random: Random, value: unknown, path: string) => unknown][] = [
  ['empty', (_, value) => (value instanceof Uint8Array ? new Uint8Array(0) : undefined)],
  [
    'padded',
    (random, value) =>
      value instanceof Uint8Array ? Uint8Array.from([...new Uint8Array(1 + random.below(9)), ...value]) : undefined,
  ],
  [
    'wide',
    (random, value) =>
      value instanceof Uint8Array
        ? Uint8Array.from([1 + random.below(255), ...new Uint8Array(random.below(20)), ...value])
        : undefined,
  ],
  [
    'flipped',
    (random, value) =>
      value instanceof Uint8Array
        ? value.map((byte, i) => (i === 0 ? byte ^ (1 << random.below(8)) : byte))
        : undefined,
  ],
  [
    'full',
    (random, value) => (value instanceof Uint8Array ? new Uint8Array(1 + random.below(8)).fill(255) : undefined),
  ],
  [
    'zero',
    (_, value) =>
      value instanceof Uint8Array
        ? new Uint8Array(value.length)
        : typeof value === 'number'
          ? 0
          : typeof value === 'bigint'
            ? 0n
            : undefined,
  ],
  [
    'near',
    (random, value) =>
      typeof value === 'number'
        ? value + (random.below(2) === 0 && value > 0 ? -1 : 1)
        : typeof value === 'bigint'
          ? value + 1n
          : undefined,
  ],
  [
    'huge',
    (random, value, path) => {
      // simple_switch makes a member for every unit of weight, so a very large one keeps it busy forever.
      if (last(path) === 'weight') return random.pick([17, 100, 5000]);
      if (typeof value === 'number')
        return isSigned(path)
          ? 0x7fffffff - random.below(2)
          : random.pick([511, 0xffff, 0x8000, 0x10000, 0xffffffff, 0x80000000]);
      return typeof value === 'bigint' ? (1n << 62n) + 1n : undefined;
    },
  ],
  [
    'negative',
    (random, value, path) =>
      typeof value === 'number' && isSigned(path)
        ? -1 - random.below(3)
        : typeof value === 'bigint' && isSignedLong(path)
          ? -1n
          : undefined,
  ],
  [
    'duplicated',
    (random, value) =>
      Array.isArray(value) && value.length > 0 ? [...value, structuredClone(random.pick(value))] : undefined,
  ],
  ['shortened', (_, value) => (Array.isArray(value) && value.length > 0 ? value.slice(1) : undefined)],
  ['cleared', (_, value) => (Array.isArray(value) && value.length > 0 ? [] : undefined)],
  ['reversed', (_, value) => (Array.isArray(value) && value.length > 1 ? [...value].reverse() : undefined)],
  [
    'repeated',
    (_, value) =>
      Array.isArray(value) && value.length > 0
        ? Array.from({ length: 40 }, () => structuredClone(value[0]))
        : undefined,
  ],
  ['inverted', (_, value) => (typeof value === 'boolean' ? !value : undefined)],
];

const SIGNED = new Set(['priority', 'weight', 'maxSize', 'prefixLen', 'maxListSize', 'packetLengthBytes', 'watch']);
const UNSIGNED_LONG = new Set(['controllerMetadata']);
const extraOf = (path: string): Node | undefined => EXTRA[last(path)] ?? EXTRA[path];
const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
const isSigned = (path: string): boolean => SIGNED.has(last(path));
const isSignedLong = (path: string): boolean => !UNSIGNED_LONG.has(last(path));

/** Keeps the message within what its encoder accepts. */
function fits(value: unknown, path: string): boolean {
  if (typeof value === 'number')
    return isSigned(path) ? value >= -(2 ** 31) && value < 2 ** 31 : value >= 0 && value < 2 ** 32;
  return (
    typeof value !== 'bigint' || path.endsWith('controllerMetadata') || (value >= -(1n << 63n) && value < 1n << 63n)
  );
}

const MATCHES: Readonly<Record<string, Node>> = {
  exact: { value: Uint8Array.of(1) },
  ternary: { value: Uint8Array.of(1), mask: Uint8Array.of(1) },
  lpm: { value: Uint8Array.of(0), prefixLen: 1 },
  range: { low: Uint8Array.of(1), high: Uint8Array.of(2) },
  optional: { value: Uint8Array.of(1) },
};

/** Fields that can be set in an entity of this kind, but are not in a valid update. */
const EXTRA: Readonly<Record<string, Node>> = {
  tableEntry: {
    isConst: true,
    isDefaultAction: true,
    priority: 3,
    timeSinceLastHit: { elapsedNs: 0n },
    idleTimeoutNs: 1_000_000_000n,
    counterData: { packetCount: 1n, byteCount: 1n },
    meterConfig: { cir: 1n, cburst: 1n, pir: 1n, pburst: 1n },
    meterCounterData: { green: { packetCount: 1n, byteCount: 1n } },
    match: [],
    action: {},
  },
  meterEntry: { counterData: { green: { packetCount: 1n, byteCount: 1n } } },
  directMeterEntry: { counterData: { green: { packetCount: 1n, byteCount: 1n } } },
  multicastGroupEntry: { metadata: Uint8Array.of(7) },
  cloneSessionEntry: { classOfService: 1, packetLengthBytes: 60 },
  'meterEntry.config': { eburst: 1n },
  replicas: { egressPort: 3 },
  'actionProfileGroup.members': { watchPort: Uint8Array.of(1) },
  actionProfileActions: { watchPort: Uint8Array.of(1) },
};

function mutateValue(random: Random, all: readonly Site[]): string | undefined {
  const { holder, name, value, path } = random.pick(all);
  const [how, change] = random.pick(VALUES);
  const changed = change(random, value, path);
  if (changed === undefined || !fits(changed, path)) return undefined;
  holder[name] = changed;
  return `${path}:${how}`;
}

function removeField(random: Random, all: readonly Site[]): string | undefined {
  const { holder, name, path } = random.pick(all);
  if (Array.isArray(holder)) return undefined;
  delete holder[name];
  return `${path}:removed`;
}

function swapMatch(random: Random, all: readonly Site[]): string | undefined {
  const fields = all.filter(({ name, path }) => name in MATCHES && path.includes('match.'));
  if (fields.length === 0) return undefined;
  const { holder, name } = random.pick(fields);
  const other = random.pick(Object.keys(MATCHES));
  delete holder[name];
  holder[other] = structuredClone(MATCHES[other]);
  return `match.${name}:as ${other}`;
}

function addField(random: Random, all: readonly Site[]): string | undefined {
  const holders = all.flatMap(({ value, path }) =>
    extraOf(path) && typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [{ node: value as Node, path }]
      : [],
  );
  if (holders.length === 0) return undefined;
  const { node, path } = random.pick(holders);
  const [name, value] = random.pick(Object.entries(extraOf(path)!));
  if (name === 'egressPort') delete node['port'];
  node[name] = structuredClone(value);
  return `${path}.${name}:set`;
}

function changeType(random: Random, update: DraftUpdate): string {
  update.type = random.pick(['UNSPECIFIED', 'INSERT', 'MODIFY', 'DELETE'] as const);
  return `type:${update.type}`;
}

const OTHERS: readonly [string, DraftUpdate['entity']][] = [
  ['nothing', {}],
  ['extern', { externEntry: { externTypeId: 0x81000001, externId: 1 } }],
  ['empty entry', { tableEntry: {} }],
  ['empty replication', { packetReplicationEngineEntry: {} }],
  ['empty digest', { digestEntry: {} }],
];

/** @returns the corrupted update, and how it was corrupted; the original is not changed */
export function mutateUpdate(random: Random, update: DraftUpdate): { update: DraftUpdate; how: string } {
  for (;;) {
    const copy = structuredClone(update);
    const all = [...sites(copy.entity as Node, '')];
    const how = (() => {
      switch (random.below(12)) {
        case 0:
          return removeField(random, all);
        case 1:
          return swapMatch(random, all);
        case 2:
        case 3:
          return addField(random, all);
        case 4:
          return changeType(random, copy);
        case 5: {
          if (random.below(6) > 0) return undefined;
          const [name, entity] = random.pick(OTHERS);
          copy.entity = structuredClone(entity);
          return `entity:${name}`;
        }
        default:
          return mutateValue(random, all);
      }
    })();
    if (how !== undefined) return { update: copy, how };
  }
}

const REQUESTS: readonly [string, Init<WriteRequest>][] = [
  ['device id', { deviceId: 77n }],
  ['election id', { electionId: { high: 0n, low: 99n } }],
  ['lower election id', { electionId: { high: 0n, low: 0n } }],
  ['no election id', { electionId: undefined }],
  ['role', { role: 'nobody' }],
  ['role id', { roleId: 5n }],
  ['ROLLBACK_ON_ERROR', { atomicity: 'ROLLBACK_ON_ERROR' }],
  ['DATAPLANE_ATOMIC', { atomicity: 'DATAPLANE_ATOMIC' }],
  ['no updates', { updates: [] }],
];

export function mutateRequest(
  random: Random,
  request: Init<WriteRequest>,
): { request: Init<WriteRequest>; how: string } {
  const [how, change] = random.pick(REQUESTS);
  return { request: { ...request, ...change }, how: `request:${how}` };
}
