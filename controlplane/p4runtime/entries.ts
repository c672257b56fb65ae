/** Entities as a user of the client writes and reads them: by name, with plain values. */

/**
 * A value of `bit<W>`: a non-negative number, or text in decimal, hexadecimal (`0x1f`), dotted IPv4
 * (`10.0.0.1`) or MAC form (`02:00:00:00:00:01`). Bytes are taken as big-endian.
 */
export type Value = bigint | number | string | Uint8Array;

/**
 * One key. A bare value matches exactly (in an lpm, ternary or range key too: all bits count). Text forms:
 * `10.0.0.0/8` for lpm, `0x10&&&0xf0` for ternary, `5..9` for range.
 */
export type KeyInput =
  | Value
  | { readonly value: Value; readonly prefixLength: number }
  | { readonly value: Value; readonly mask: Value }
  | { readonly low: Value; readonly high: Value };

/** Names may be any unique suffix, `member` for `fpisa.member`. */
export interface EntryKeyInput {
  readonly table: string;
  /** By key name; a ternary, lpm, range or optional key that is omitted matches anything. */
  readonly match?: Readonly<Record<string, KeyInput>>;
  /** Larger wins; required, and above 0, exactly for tables with a ternary, range or optional key. */
  readonly priority?: number;
}

export interface EntryInput extends EntryKeyInput {
  readonly action: string;
  readonly params?: Readonly<Record<string, Value>>;
  /** Opaque bytes that the switch stores and returns with the entry. */
  readonly metadata?: Uint8Array;
  /** Only for tables with idle timeout support, in nanoseconds. */
  readonly idleTimeoutNs?: bigint;
}

export type Key =
  | { readonly kind: 'exact'; readonly value: bigint }
  | { readonly kind: 'lpm'; readonly value: bigint; readonly prefixLength: number }
  | { readonly kind: 'ternary'; readonly value: bigint; readonly mask: bigint }
  | { readonly kind: 'range'; readonly low: bigint; readonly high: bigint }
  | { readonly kind: 'optional'; readonly value: bigint };

/** A table entry as read, with full names. */
export interface Entry {
  readonly table: string;
  readonly match: Readonly<Record<string, Key>>;
  readonly priority: number;
  /** Undefined for an entry that refers to an action profile. */
  readonly action: string | undefined;
  readonly params: Readonly<Record<string, bigint>>;
  readonly isDefault: boolean;
  /** The table's direct counter, when it was requested. */
  readonly counter?: CounterValue;
}

export interface CounterValue {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Rates per second and bursts, in the meter's unit. */
export interface MeterConfig {
  readonly cir: bigint;
  readonly cburst: bigint;
  readonly pir: bigint;
  readonly pburst: bigint;
}

export interface Replica {
  readonly port: number;
  /** `egress_rid` of the copy. */
  readonly instance: number;
}

export interface MulticastGroup {
  /** Above 0. */
  readonly group: number;
  readonly replicas: readonly Replica[];
}

export interface CloneSession {
  readonly session: number;
  readonly replicas: readonly Replica[];
  /** 0: not truncated. */
  readonly truncateBytes?: number;
}

/** Any entity that a write can insert, modify or delete. */
export type EntityInput =
  | { readonly entry: EntryInput }
  | { readonly entryKey: EntryKeyInput }
  | {
      readonly defaultAction: {
        readonly table: string;
        readonly action?: string;
        readonly params?: Readonly<Record<string, Value>>;
      };
    }
  | { readonly multicastGroup: MulticastGroup }
  | { readonly cloneSession: CloneSession }
  | { readonly counter: { readonly name: string; readonly index: number; readonly value: CounterValue } }
  | { readonly meter: { readonly name: string; readonly index: number; readonly config?: MeterConfig } }
  | { readonly register: { readonly name: string; readonly index: number; readonly value: Value } }
  | {
      readonly digest: {
        readonly name: string;
        readonly maxTimeoutNs?: bigint;
        readonly maxListSize?: number;
        readonly ackTimeoutNs?: bigint;
      };
    };

export interface UpdateInput {
  readonly type: 'INSERT' | 'MODIFY' | 'DELETE';
  readonly entity: EntityInput;
}

export const insert = (entity: EntityInput): UpdateInput => ({ type: 'INSERT', entity });
export const modify = (entity: EntityInput): UpdateInput => ({ type: 'MODIFY', entity });
export const remove = (entity: EntityInput): UpdateInput => ({ type: 'DELETE', entity });
