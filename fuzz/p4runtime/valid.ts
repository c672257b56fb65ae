/** Updates that a server should accept, as far as can be known without its exact state. */
import {
  encodeBytestring,
  type Entity,
  type Init,
  type MatchFieldInfo,
  type NameIndex,
  type P4InfoIndex,
  type TableActionInfo,
  type TableInfo,
  type UpdateType,
} from '../../p4runtime/index.js';
import type { Random } from '../../net/random.js';
import { randomValue } from './choice.js';
import { keyOf } from './entity-key.js';

export interface DraftUpdate {
  type: UpdateType;
  entity: Init<Entity>;
}

type Action = NonNullable<Init<Entity>['actionProfileMember']>['action'];
type Draft = DraftUpdate | undefined;

const MAX_PORT = 8;
const MAX_ID = 6;

/** Makes updates; remembers what was accepted, so that most MODIFY and DELETE find something. */
export class ValidUpdates {
  /** By key. */
  private readonly present = new Map<string, Init<Entity>>();
  private readonly kinds: readonly (() => Draft)[];

  constructor(
    private readonly index: P4InfoIndex,
    private readonly random: Random,
  ) {
    const { tables, actionProfiles, counters, meters, registers, digests, valueSets } = index;
    const withEntries = tables.items.filter(({ keys }) => keys.items.length > 0);
    const counted = tables.items.filter(({ directCounter }) => directCounter);
    const metered = tables.items.filter(({ directMeter }) => directMeter);
    const selectors = actionProfiles.items.filter(({ withSelector }) => withSelector);
    this.kinds = [
      ...Array.from({ length: 10 }, () => () => this.entryUpdate(this.choose(withEntries))),
      () => this.defaultUpdate(this.choose(tables.items)),
      ...Array.from({ length: 2 }, () => () => this.counterUpdate(this.choose(counters.items))),
      () => this.meterUpdate(this.choose(meters.items)),
      () => this.directUpdate(this.choose(counted), 'directCounterEntry'),
      () => this.directUpdate(this.choose(metered), 'directMeterEntry'),
      () => this.registerUpdate(this.choose(registers.items)),
      ...Array.from({ length: 3 }, () => () => this.memberUpdate(this.choose(actionProfiles.items))),
      ...Array.from({ length: 2 }, () => () => this.groupUpdate(this.choose(selectors))),
      () => this.multicastUpdate(),
      () => this.cloneUpdate(),
      () => this.digestUpdate(this.choose(digests.items)),
      () => this.valueSetUpdate(this.choose(valueSets.items)),
    ];
  }

  next(): DraftUpdate {
    for (;;) {
      const draft = this.random.pick(this.kinds)();
      if (draft) return draft;
    }
  }

  accepted({ type, entity }: DraftUpdate): void {
    const key = keyOf(entity);
    if (type === 'INSERT') this.present.set(key, entity);
    else if (type === 'DELETE') this.present.delete(key);
  }

  forget(key: string): void {
    this.present.delete(key);
  }

  clear(): void {
    this.present.clear();
  }

  private choose<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.random.pick(items);
  }

  private one(chances: number): boolean {
    return this.random.below(chances) === 0;
  }

  private number(limit: number): bigint {
    return BigInt(this.random.below(limit));
  }

  private presentOf(
    kind: keyof Entity,
    filter: (entity: Init<Entity>) => boolean = () => true,
  ): Init<Entity> | undefined {
    return this.choose([...this.present.values()].filter((entity) => entity[kind] && filter(entity)));
  }

  /** INSERT of the new one, or MODIFY or DELETE of an existing one. */
  private updateOf(
    fresh: Init<Entity>,
    old: Init<Entity> | undefined,
    changed: (old: Init<Entity>) => Init<Entity>,
  ): DraftUpdate {
    if (!old || this.one(2)) return { type: 'INSERT', entity: fresh };
    return this.one(2) ? { type: 'MODIFY', entity: changed(old) } : { type: 'DELETE', entity: old };
  }

  private action(actions: NameIndex<TableActionInfo>, excluded: 'DEFAULT_ONLY' | 'TABLE_ONLY'): Action {
    const { id, definition } = this.random.pick(actions.items.filter(({ scope }) => scope !== excluded));
    return {
      actionId: id,
      params: definition.params.items.map((param) => ({
        paramId: param.id,
        value: encodeBytestring(randomValue(this.random, param.bitwidth)),
      })),
    };
  }

  private matchOf(field: MatchFieldInfo): Init<NonNullable<Entity['tableEntry']>['match'][number]> | undefined {
    const { id: fieldId, bitwidth } = field;
    const value = this.one(3)
      ? randomValue(this.random, bitwidth)
      : this.number(Math.min(4, 2 ** Math.min(bitwidth, 8)));
    const all = (1n << BigInt(bitwidth)) - 1n;
    if (field.kind !== 'exact' && this.one(5)) return undefined;
    switch (field.kind) {
      case 'exact':
        return { fieldId, exact: { value: encodeBytestring(value) } };
      case 'optional':
        return { fieldId, optional: { value: encodeBytestring(value) } };
      case 'lpm': {
        const prefixLen = 1 + this.random.below(bitwidth);
        const mask = all ^ ((1n << BigInt(bitwidth - prefixLen)) - 1n);
        return { fieldId, lpm: { value: encodeBytestring(randomValue(this.random, bitwidth) & mask), prefixLen } };
      }
      case 'ternary': {
        const mask = randomValue(this.random, bitwidth) || all;
        return { fieldId, ternary: { value: encodeBytestring(value & mask), mask: encodeBytestring(mask) } };
      }
      case 'range': {
        const other = randomValue(this.random, bitwidth);
        const [low, high] = value < other ? [value, other] : [other, value];
        if (low === 0n && high === all) return undefined;
        return { fieldId, range: { low: encodeBytestring(low), high: encodeBytestring(high) } };
      }
    }
  }

  private rates(): Init<NonNullable<Entity['meterEntry']>['config']> {
    const cir = this.number(1000) + 1n;
    const cburst = this.number(100) + 1n;
    return { cir, cburst, pir: cir + this.number(1000), pburst: cburst + this.number(100) };
  }

  private tableAction(table: TableInfo): Init<NonNullable<Entity['tableEntry']>['action']> | undefined {
    if (table.actionProfileId === undefined) return { action: this.action(table.actions, 'DEFAULT_ONLY')! };
    const profile = this.index.actionProfiles.byId(table.actionProfileId);
    const group =
      profile.withSelector &&
      this.presentOf('actionProfileGroup', (each) => each.actionProfileGroup!.actionProfileId === profile.id);
    const member = this.presentOf(
      'actionProfileMember',
      (each) => each.actionProfileMember!.actionProfileId === profile.id,
    );
    if (group && this.one(2)) return { actionProfileGroupId: group.actionProfileGroup!.groupId! };
    if (member && !this.one(10)) return { actionProfileMemberId: member.actionProfileMember!.memberId! };
    if (!profile.withSelector) return undefined;
    const actionProfileActions = Array.from({ length: 1 + this.random.below(3) }, () => ({
      action: this.action(table.actions, 'DEFAULT_ONLY'),
      weight: 1 + this.random.below(2),
    }));
    return { actionProfileActionSet: { actionProfileActions } };
  }

  private details(table: TableInfo): Init<Entity['tableEntry']> {
    return {
      ...(this.one(3) && { controllerMetadata: this.number(1000) }),
      ...(this.one(3) && { metadata: encodeBytestring(this.number(100_000)) }),
      ...(table.hasIdleTimeout && this.one(3) && { idleTimeoutNs: (this.number(100) + 1n) * 10_000_000_000n }),
      ...(table.directCounter &&
        this.one(3) && { counterData: { packetCount: this.number(99), byteCount: this.number(9999) } }),
      ...(table.directMeter && this.one(3) && { meterConfig: this.rates()! }),
    };
  }

  private entryUpdate(table: TableInfo | undefined): Draft {
    const action = table && this.tableAction(table);
    if (!action) return undefined;
    const match = table.keys.items.flatMap((field) => this.matchOf(field) ?? []);
    const priority = table.needsPriority ? 1 + this.random.below(4) : 0;
    const fresh = {
      tableEntry: { tableId: table.id, match, action, ...(priority > 0 && { priority }), ...this.details(table) },
    };
    const old = this.presentOf(
      'tableEntry',
      ({ tableEntry }) => tableEntry!.tableId === table.id && !tableEntry!.isDefaultAction,
    );
    return this.updateOf(fresh, old, ({ tableEntry }) => ({
      tableEntry: { ...tableEntry!, action, ...this.details(table) },
    }));
  }

  private defaultUpdate(table: TableInfo | undefined): Draft {
    if (!table || table.actionProfileId !== undefined || table.constDefaultAction) return undefined;
    const action = this.one(4) ? undefined : this.action(table.actions, 'TABLE_ONLY');
    return {
      type: 'MODIFY',
      entity: { tableEntry: { tableId: table.id, isDefaultAction: true, ...(action && { action: { action } }) } },
    };
  }

  private counterUpdate(counter: { id: number; size: number } | undefined): Draft {
    if (!counter) return undefined;
    const data = { packetCount: this.number(1000), byteCount: this.number(100_000) };
    const index = { index: this.number(Math.min(counter.size, 20)) };
    return { type: 'MODIFY', entity: { counterEntry: { counterId: counter.id, index, data } } };
  }

  private meterUpdate(meter: { id: number; size: number } | undefined): Draft {
    if (!meter) return undefined;
    const config = this.one(4) ? undefined : this.rates();
    return {
      type: 'MODIFY',
      entity: {
        meterEntry: { meterId: meter.id, index: { index: this.number(meter.size) }, ...(config && { config }) },
      },
    };
  }

  private directUpdate(table: TableInfo | undefined, kind: 'directCounterEntry' | 'directMeterEntry'): Draft {
    const old =
      table &&
      this.presentOf(
        'tableEntry',
        ({ tableEntry }) => tableEntry!.tableId === table.id && !tableEntry!.isDefaultAction,
      );
    if (!old) return undefined;
    const { tableId, match = [], priority = 0 } = old.tableEntry!;
    const tableEntry = { tableId: tableId!, match, priority };
    if (kind === 'directMeterEntry')
      return {
        type: 'MODIFY',
        entity: { directMeterEntry: { tableEntry, ...(this.one(4) ? {} : { config: this.rates()! }) } },
      };
    return {
      type: 'MODIFY',
      entity: {
        directCounterEntry: { tableEntry, data: { packetCount: this.number(99), byteCount: this.number(9999) } },
      },
    };
  }

  private registerUpdate(
    register: { id: number; size: number; bitwidth: number | undefined; signed: boolean } | undefined,
  ): Draft {
    if (!register?.bitwidth) return undefined;
    const width = register.signed ? register.bitwidth - 1 : register.bitwidth;
    const bitstring = encodeBytestring(this.number(2 ** Math.min(7, width)));
    return {
      type: 'MODIFY',
      entity: {
        registerEntry: { registerId: register.id, index: { index: this.number(register.size) }, data: { bitstring } },
      },
    };
  }

  private memberUpdate(profile: { id: number; tableIds: readonly number[] } | undefined): Draft {
    if (!profile) return undefined;
    const table = this.index.tables.byId(profile.tableIds[0]!);
    const member = (memberId: number): Init<Entity> => ({
      actionProfileMember: {
        actionProfileId: profile.id,
        memberId,
        action: this.action(table.actions, 'DEFAULT_ONLY')!,
      },
    });
    const old = this.presentOf(
      'actionProfileMember',
      (each) => each.actionProfileMember!.actionProfileId === profile.id,
    );
    return this.updateOf(member(1 + this.random.below(MAX_ID)), old, ({ actionProfileMember }) =>
      member(actionProfileMember!.memberId!),
    );
  }

  private groupUpdate(profile: { id: number; maxGroupSize: number } | undefined): Draft {
    if (!profile) return undefined;
    const known = [...this.present.values()].flatMap(({ actionProfileMember: member }) =>
      member?.actionProfileId === profile.id ? [member.memberId!] : [],
    );
    const members = known
      .filter(() => this.one(2))
      .slice(0, 3)
      .map((memberId) => ({ memberId, weight: this.one(3) ? 2 : 1 }));
    const group = (groupId: number, maxSize: number): Init<Entity> => ({
      actionProfileGroup: { actionProfileId: profile.id, groupId, members, maxSize },
    });
    const old = this.presentOf('actionProfileGroup', (each) => each.actionProfileGroup!.actionProfileId === profile.id);
    return this.updateOf(
      group(1 + this.random.below(MAX_ID), profile.maxGroupSize),
      old,
      ({ actionProfileGroup: { groupId, maxSize } = {} }) => group(groupId!, maxSize!),
    );
  }

  private replicas(): Init<
    NonNullable<NonNullable<Entity['packetReplicationEngineEntry']>['multicastGroupEntry']>['replicas']
  > {
    const numeric = this.one(4);
    return Array.from({ length: this.random.below(4) }, (_, instance) => {
      const port = 1 + this.random.below(MAX_PORT);
      return numeric ? { egressPort: port, instance } : { port: encodeBytestring(port), instance };
    });
  }

  private multicastUpdate(): Draft {
    const group = (multicastGroupId: number): Init<Entity> => ({
      packetReplicationEngineEntry: { multicastGroupEntry: { multicastGroupId, replicas: this.replicas() } },
    });
    const old = this.presentOf(
      'packetReplicationEngineEntry',
      (each) => each.packetReplicationEngineEntry!.multicastGroupEntry !== undefined,
    );
    return this.updateOf(group(1 + this.random.below(MAX_ID)), old, (each) =>
      group(each.packetReplicationEngineEntry!.multicastGroupEntry!.multicastGroupId!),
    );
  }

  private cloneUpdate(): Draft {
    const session = (sessionId: number): Init<Entity> => ({
      packetReplicationEngineEntry: { cloneSessionEntry: { sessionId, replicas: this.replicas() } },
    });
    const old = this.presentOf(
      'packetReplicationEngineEntry',
      (each) => each.packetReplicationEngineEntry!.cloneSessionEntry !== undefined,
    );
    return this.updateOf(session(1 + this.random.below(MAX_ID)), old, (each) =>
      session(each.packetReplicationEngineEntry!.cloneSessionEntry!.sessionId!),
    );
  }

  private digestUpdate(digest: { id: number } | undefined): Draft {
    if (!digest) return undefined;
    const entry = (): Init<Entity> => ({
      digestEntry: {
        digestId: digest.id,
        config: {
          maxTimeoutNs: this.number(5) * 1_000_000_000n,
          maxListSize: this.random.below(10),
          ackTimeoutNs: this.number(5) * 1_000_000_000n,
        },
      },
    });
    return this.updateOf(
      entry(),
      this.presentOf('digestEntry', (each) => each.digestEntry!.digestId === digest.id),
      entry,
    );
  }

  private valueSetUpdate(set: { id: number; size: number; keys: NameIndex<MatchFieldInfo> } | undefined): Draft {
    if (!set) return undefined;
    const members = Array.from({ length: this.random.below(set.size + 1) }, () => ({
      match: set.keys.items.flatMap((field) => this.matchOf(field) ?? []),
    }));
    return { type: 'MODIFY', entity: { valueSetEntry: { valueSetId: set.id, members } } };
  }
}
