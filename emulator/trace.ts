import type { MatchKey, Output, Replica } from './control.js';

export interface NamedValue {
  readonly name: string;
  readonly value: bigint;
}

/** One thing that happened to a packet, in the order in which it happened. */
export type TraceEvent =
  | {
      readonly kind: 'ingress';
      readonly pass: 'received' | 'resubmitted' | 'recirculated';
      readonly port: number;
      readonly length: number;
    }
  | { readonly kind: 'state'; readonly state: string }
  | { readonly kind: 'extract'; readonly header: string; readonly fields: readonly NamedValue[] }
  | { readonly kind: 'parserError'; readonly error: string }
  | {
      readonly kind: 'checksum';
      readonly name: string;
      readonly action: 'verified' | 'failed' | 'updated';
      readonly value: bigint;
    }
  | { readonly kind: 'condition'; readonly name: string; readonly source: string | undefined; readonly result: boolean }
  | {
      readonly kind: 'table';
      readonly table: string;
      readonly key: readonly NamedValue[];
      readonly hit: boolean;
      readonly entry: { readonly keys: readonly MatchKey[]; readonly priority: number } | undefined;
      /** Undefined: no action is set for a miss. */
      readonly action: string | undefined;
      readonly args: readonly NamedValue[];
    }
  | {
      readonly kind: 'register';
      readonly access: 'read' | 'write';
      readonly register: string;
      readonly index: number;
      readonly before: bigint;
      readonly after: bigint;
    }
  | { readonly kind: 'outOfRange'; readonly object: string; readonly index: bigint; readonly size: number }
  | { readonly kind: 'counter'; readonly counter: string; readonly index: number; readonly bytes: number }
  | { readonly kind: 'meter'; readonly meter: string; readonly index: number; readonly color: number }
  | { readonly kind: 'markToDrop'; readonly action: string }
  | { readonly kind: 'exit'; readonly action: string }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'digest'; readonly name: string; readonly values: readonly bigint[] }
  | {
      readonly kind: 'clone';
      readonly from: 'ingress' | 'egress';
      readonly session: number;
      readonly replicas: readonly Replica[];
    }
  | { readonly kind: 'multicast'; readonly group: number; readonly replicas: readonly Replica[] }
  | { readonly kind: 'egress'; readonly port: number; readonly instance: number }
  | { readonly kind: 'drop'; readonly where: 'ingress' | 'egress' | 'queue' | 'passes'; readonly why: string }
  | { readonly kind: 'emit'; readonly headers: readonly string[]; readonly payload: number }
  | { readonly kind: 'output'; readonly port: number; readonly length: number };

/** Collects what one received packet does, its copies included. */
export class TraceRecorder {
  readonly events: TraceEvent[] = [];
  /** The action that last marked the packet to be dropped. */
  private dropper: string | undefined;

  add(event: TraceEvent): void {
    if (event.kind === 'markToDrop') this.dropper = event.action;
    this.events.push(event);
  }

  /** @returns why the packet is dropped now, naming the action that marked it. */
  dropReason(spec: string): string {
    return this.dropper === undefined
      ? `${spec}, set without mark_to_drop`
      : `${spec}, marked by action ${this.dropper}`;
  }

  startPass(): void {
    this.dropper = undefined;
  }
}

/** The whole life of one packet in the switch. */
export interface Trace {
  readonly port: number;
  readonly bytes: Uint8Array;
  readonly events: readonly TraceEvent[];
  readonly outputs: readonly Output[];
}

/** The trace as indented text, one event a line. */
export function renderTrace(trace: Trace): string {
  const lines = trace.events.map((event) => `${indentOf(event)}${renderEvent(event)}`);
  if (trace.outputs.length === 0) lines.push('nothing left the switch');
  return lines.join('\n');
}

function indentOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'ingress':
    case 'egress':
    case 'output':
      return '';
    case 'state':
    case 'table':
    case 'condition':
    case 'drop':
    case 'emit':
    case 'multicast':
    case 'clone':
    case 'digest':
      return '  ';
    default:
      return '    ';
  }
}

const hex = (value: bigint): string => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
const named = (values: readonly NamedValue[]): string =>
  values.map(({ name, value }) => `${name}=${hex(value)}`).join(' ');
const copies = (replicas: readonly Replica[]): string =>
  replicas.length === 0
    ? 'no copies'
    : replicas.map(({ egressPort, instance }) => `port ${egressPort} instance ${instance}`).join(', ');

function renderKey(key: MatchKey): string {
  switch (key.kind) {
    case 'exact':
      return hex(key.value);
    case 'lpm':
      return `${hex(key.value)}/${key.prefixLength}`;
    case 'ternary':
      return `${hex(key.value)}&&&${hex(key.mask)}`;
    case 'range':
      return `${hex(key.low)}..${hex(key.high)}`;
  }
}

function renderEvent(event: TraceEvent): string {
  switch (event.kind) {
    case 'ingress':
      return `packet of ${event.length} bytes ${event.pass} on port ${event.port}`;
    case 'state':
      return `parser state ${event.state}`;
    case 'extract':
      return `extract ${event.header}: ${named(event.fields)}`;
    case 'parserError':
      return `parser error ${event.error}`;
    case 'checksum':
      return `checksum ${event.name} ${event.action}: ${hex(event.value)}`;
    case 'condition':
      return `condition ${event.source ?? event.name} is ${event.result}`;
    case 'table': {
      const key = event.key.length === 0 ? '' : ` [${named(event.key)}]`;
      const entry = event.entry === undefined ? '' : ` entry (${event.entry.keys.map(renderKey).join(', ')})`;
      const call = event.action === undefined ? 'no action' : `${event.action}(${named(event.args)})`;
      return `table ${event.table}${key} ${event.hit ? 'hit' : 'miss'}${entry}: ${call}`;
    }
    case 'register':
      return event.access === 'read'
        ? `register ${event.register}[${event.index}] read ${hex(event.after)}`
        : `register ${event.register}[${event.index}] ${hex(event.before)} -> ${hex(event.after)}`;
    case 'outOfRange':
      return `index ${event.index} is outside ${event.object} of size ${event.size}: nothing happens`;
    case 'counter':
      return `counter ${event.counter}[${event.index}] + ${event.bytes} bytes`;
    case 'meter':
      return `meter ${event.meter}[${event.index}] gives color ${event.color}`;
    case 'markToDrop':
      return `marked to drop in ${event.action}`;
    case 'exit':
      return `exit in ${event.action}`;
    case 'log':
      return `log: ${event.text}`;
    case 'digest':
      return `digest ${event.name}: ${event.values.map(hex).join(' ')}`;
    case 'clone':
      return `clone from ${event.from} to session ${event.session}: ${copies(event.replicas)}`;
    case 'multicast':
      return `multicast group ${event.group}: ${copies(event.replicas)}`;
    case 'egress':
      return `egress on port ${event.port}, instance ${event.instance}`;
    case 'drop':
      return `DROPPED in ${event.where}: ${event.why}`;
    case 'emit':
      return `deparse ${event.headers.join(' ')} and ${event.payload} bytes of payload`;
    case 'output':
      return `${event.length} bytes leave on port ${event.port}`;
  }
}
