/** Trees of switches as configuration: what is refused, who is below whom, and what each switch holds of a job. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Controller } from '../../controlplane/controller/controller.js';
import { desiredSwitch } from '../../controlplane/controller/desired.js';
import { newJob, withJob, withoutJob } from '../../controlplane/controller/jobs.js';
import { bitsSeenAt, NO_BIT, placeAt, switchesInUse } from '../../controlplane/controller/placement.js';
import {
  emptyState,
  type ControllerState,
  type MemberRecord,
  type SwitchConfig,
} from '../../controlplane/controller/state.js';
import { MemoryStore } from '../../controlplane/controller/store.js';
import { checkTopology, rootsOf, treeBelow } from '../../controlplane/controller/topology.js';
import type { EntryInput } from '../../controlplane/p4runtime/entries.js';
import { MAX_WORKERS, POOL_SLOTS } from '../../protocol/constants.js';
import { onEnd, switchConfig } from './site.helpers.js';

const UPLINK = 100;

/** Switch i has address 10.0.i.254; `parents[i]` is its parent's number, below i, or undefined. */
function configs(
  parents: readonly (number | undefined)[],
  changes: Readonly<Record<number, Partial<SwitchConfig>>> = {},
): SwitchConfig[] {
  return parents.map((parent, i) =>
    switchConfig('127.0.0.1:9559', {
      name: `s${i}`,
      serviceIp: `10.0.${i}.254`,
      serviceMac: `02:00:00:00:${i.toString(16).padStart(2, '0')}:fe`,
      ports: Object.fromEntries(Array.from({ length: 40 }, (_, port) => [port + 1, null])),
      ...(parent !== undefined && { parent: { switch: `s${parent}`, port: UPLINK, parentPort: 200 + i } }),
      ...changes[i],
    }),
  );
}

const byName = (list: readonly SwitchConfig[]): Record<string, SwitchConfig> =>
  Object.fromEntries(list.map((config) => [config.name, config]));
const stateWith = (list: readonly SwitchConfig[]): ControllerState => ({ ...emptyState(7), switches: byName(list) });

/** A spine with two leaves, the first of which has its own leaf. */
const TREE = [undefined, 0, 0, 1];

describe('configuration', () => {
  test('a tree is accepted, in whatever order', () => {
    expect(() => checkTopology(byName(configs(TREE).reverse()))).not.toThrow();
    expect(rootsOf(byName(configs([undefined, 0, undefined])))).toEqual(['s0', 's2']);
    expect(treeBelow(byName(configs(TREE)), 's0')).toEqual(['s0', 's1', 's2', 's3']);
    expect(treeBelow(byName(configs(TREE)), 's1')).toEqual(['s1', 's3']);
  });

  test.each<[string, Partial<SwitchConfig>, RegExp]>([
    [
      'unknown parent',
      { parent: { switch: 'spine', port: 9, parentPort: 8 } },
      /switch "s1": its parent "spine" does not exist \(switches: s0, s1, s2, s3\)/,
    ],
    [
      'own parent',
      { parent: { switch: 's1', port: 9, parentPort: 8 } },
      /switch "s1": its parents lead back to itself \(s1 -> s1\); the top switch of a tree has no parent/,
    ],
    [
      'circle',
      { parent: { switch: 's3', port: 9, parentPort: 8 } },
      /its parents lead back to itself \(s(1 -> s3 -> s1|3 -> s1 -> s3)\)/,
    ],
    [
      'uplink that workers use',
      { parent: { switch: 's0', port: 7, parentPort: 201 } },
      /switch "s1": port 7 is a port for workers, and the uplink to "s0" as well; a port has one use \(ports in use: 1, 2, /,
    ],
    [
      'parent port that workers use',
      { parent: { switch: 's0', port: 100, parentPort: 7 } },
      /switch "s0": port 7 is a port for workers, and the link to "s1" as well/,
    ],
    [
      'parent port of two children',
      { parent: { switch: 's0', port: 100, parentPort: 202 } },
      /switch "s0": port 202 is the link to "s1", and the link to "s2" as well/,
    ],
    [
      'uplink that leads to a child',
      { parent: { switch: 's0', port: 203, parentPort: 201 } },
      /switch "s1": port 203 is the uplink to "s0", and the link to "s3" as well/,
    ],
    [
      'service address twice',
      { serviceIp: '10.0.0.254' },
      /switch "s1": service address 10\.0\.0\.254 is that of switch "s0" of the same tree; each switch needs its own/,
    ],
    [
      'MAC address twice',
      { serviceMac: '02:00:00:00:00:FE' },
      /switch "s1": service MAC address .* is that of switch "s0"/,
    ],
    [
      'builds',
      { valuesPerPacket: 64 },
      /switch "s1": it has 64 values per packet, switch "s0" of the same tree 16; a tree runs one build/,
    ],
    [
      'no name',
      { parent: { switch: '', port: 1, parentPort: 1 } },
      /switch "s1": parent needs the name of a switch: \{"switch": NAME/,
    ],
    [
      'port out of range',
      { parent: { switch: 's0', port: 510, parentPort: 201 } },
      /switch "s1": the port to its parent is 510, not in the range 1 to 509/,
    ],
    [
      'port that is none',
      { parent: { switch: 's0', port: 100 } as never },
      /switch "s1": parentPort is undefined, not in the range 1 to 509/,
    ],
  ])('%s', (_, change, message) => {
    expect(() => new Controller({ store: new MemoryStore(), switches: configs(TREE, { 1: change }) })).toThrow(message);
  });

  test('equal addresses in different trees are no matter', () => {
    expect(() =>
      checkTopology(byName(configs([undefined, undefined], { 1: { serviceIp: '10.0.0.254' } }))),
    ).not.toThrow();
  });

  test('stored switches that are not named any more are forgotten, unless they have jobs', () => {
    const store = new MemoryStore();
    const state = stateWith(configs(TREE));
    store.write(withJob(state, newJob(state, { name: 'a', workers: 1, switchName: 's1' })));
    const renamed = configs(TREE, { 2: { name: 'new' } });
    new Controller({ store, switches: renamed });
    expect(Object.keys(store.read().switches).sort()).toEqual(['new', 's0', 's1', 's3']);
    new Controller({ store, switches: configs([undefined]) });
    expect(Object.keys(store.read().switches).sort()).toEqual(['s0', 's1', 's3']);
    new Controller({ store });
    expect(Object.keys(store.read().switches)).toHaveLength(3);
  });

  test('a switch stays where its jobs need it', () => {
    const state = stateWith(configs(TREE));
    const store = new MemoryStore();
    store.write(withJob(state, newJob(state, { name: 'train', workers: 2 })));
    const controller = new Controller({ store });
    const [, s1] = configs([undefined, undefined]);
    expect(() => controller.setSwitch(s1!)).toThrow(
      'switch "s1" is no longer below switch "s0", but job "train" spans both (switches: s0, s1, s2, s3); restore its parent, or delete the job first',
    );
    controller.deleteJob('train');
  });

  test('a switch can be taken away when nothing needs it', () => {
    const state = stateWith(configs(TREE));
    const store = new MemoryStore();
    store.write(withJob(state, newJob(state, { name: 'train', workers: 2, switchName: 's3' })));
    const controller = new Controller({ store });
    controller.start();
    onEnd(() => controller.stop());
    expect(() => controller.removeSwitch('s3')).toThrow('switch "s3" still has jobs (train); delete them first');
    expect(() => controller.removeSwitch('s0')).toThrow(
      'switch "s0" is the parent of others (s1, s2); remove those first',
    );
    expect(() => controller.removeSwitch('s9')).toThrow('there is no switch "s9" (switches: s0, s1, s2, s3)');
    controller.deleteJob('train');
    controller.removeSwitch('s3');
    expect(Object.keys(store.read().switches).sort()).toEqual(['s0', 's1', 's2']);
  });
});

describe('jobs on trees', () => {
  test('the only top switch is the default; with several the choice is among them', () => {
    expect(newJob(stateWith(configs(TREE)), { name: 'a', workers: 1 })).toMatchObject({
      switchName: 's0',
      switches: ['s0', 's1', 's2', 's3'],
    });
    expect(newJob(stateWith(configs(TREE)), { name: 'a', workers: 1, switchName: 's1' })).toMatchObject({
      switches: ['s1', 's3'],
    });
    expect(() => newJob(stateWith(configs([undefined, 0, undefined])), { name: 'a', workers: 1 })).toThrow(
      'specify the switch of the job: one of s0, s2',
    );
  });

  test('a full pool says which tree', () => {
    let state = stateWith(configs(TREE));
    state = withJob(state, newJob(state, { name: 'a', workers: 1, switchName: 's2', slots: 300 }));
    state = withJob(state, newJob(state, { name: 'b', workers: 1, switchName: 's1', slots: 400 }));
    expect(() => newJob(state, { name: 'c', workers: 1, slots: 113 })).toThrow(
      'the tree of switch "s0" (s0, s1, s2, s3) has no room for 113 slots: 112 of 512 are free (112 from slot 400)',
    );
  });

  test('number, group and slots of a job are its own on every switch, and epochs never come back', () => {
    const requests = fc.array(
      fc.record({ root: fc.nat(3), slots: fc.integer({ min: 1, max: 90 }), remove: fc.boolean(), epochs: fc.nat(5) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(requests, (list) => {
        let state = stateWith(configs(TREE));
        /** Per switch and slot: the latest epoch of any job there. */
        const seen = new Map(Object.keys(state.switches).map((name) => [name, new Int32Array(POOL_SLOTS)]));
        list.forEach(({ root, slots, remove, epochs }, i) => {
          const [present] = Object.values(state.jobs);
          if (remove && present) state = withoutJob(state, present);
          else {
            try {
              const job = newJob(state, { name: `job${i}`, workers: 1, switchName: `s${root}`, slots });
              // As the first epochs of the job would be.
              const floor = Math.max(0, ...job.switches.map((name) => state.epochFloor[name] ?? 0));
              for (const name of job.switches)
                for (let s = job.slotBase; s < job.slotBase + slots; s++)
                  expect(seen.get(name)![s]).toBeLessThan(floor + 1);
              state = withJob(state, { ...job, epoch: floor + 1 + epochs });
              for (const name of job.switches)
                seen.get(name)!.fill(floor + 1 + epochs, job.slotBase, job.slotBase + slots);
            } catch (error) {
              expect((error as Error).message).toMatch(/has no room for/);
            }
          }
        });
        for (const name of Object.keys(state.switches)) {
          const jobs = Object.values(state.jobs).filter((job) => job.switches.includes(name));
          expect(new Set(jobs.map(({ number }) => number)).size).toBe(jobs.length);
          const taken = new Uint8Array(POOL_SLOTS);
          for (const job of jobs) for (let s = 0; s < job.slots; s++) expect(taken[job.slotBase + s]!++).toBe(0);
        }
      }),
    );
  });
});

describe('tables', () => {
  /** Any tree, with workers anywhere in it. */
  const scenes = fc
    .array(fc.nat(), { maxLength: 6 })
    .map((parents) => [undefined, ...parents.map((parent, i) => parent % (i + 1))])
    .chain((parents) =>
      fc.tuple(
        fc.constant(parents),
        fc.array(fc.option(fc.nat(parents.length - 1)), { minLength: 1, maxLength: MAX_WORKERS }),
      ),
    );

  test('every member of an epoch is counted exactly once at the top, whatever the tree', () => {
    fc.assert(
      fc.property(scenes, ([parents, homes]) => {
        const members: MemberRecord[] = homes.flatMap((home, rank) =>
          home === null
            ? []
            : [
                {
                  rank,
                  ip: `10.1.${home}.${rank}`,
                  udpPort: 4000,
                  mac: '02:00:00:00:00:01',
                  process: `${rank}`,
                  switchName: `s${home}`,
                  switchPort: rank + 1,
                },
              ],
        );
        let state = stateWith(configs(parents));
        const job = { ...newJob(state, { name: 'a', workers: homes.length }), active: { epoch: 5, members } };
        state = withJob(state, job);
        const desired = new Map(
          Object.values(state.switches).map((config) => [config.name, desiredSwitch(state, config)]),
        );
        const of = (name: string, table: string): EntryInput[] =>
          desired.get(name)!.entries.filter((entry) => entry.table === table);

        /** Ranks whose contributions a completed round at the switch contains, found by following the entries. */
        const counted = (name: string): number[] => {
          const entries = of(name, 'fpisa.member');
          const bits = entries.map(({ params }) => params!['bitmap'] as bigint);
          expect(new Set(bits).size).toBe(bits.length);
          const all = bits.reduce((mask, bit) => mask | bit, 0n);
          for (const { params } of entries) expect(params).toMatchObject({ all, epoch: 5 });
          expect(all).toBeLessThan(1n << 32n);
          return entries.flatMap(({ match }) => {
            const worker = members.find(
              ({ ip, udpPort, switchPort, rank }) =>
                ip === match!['src_addr'] &&
                udpPort === match!['src_port'] &&
                switchPort === match!['ingress_port'] &&
                rank === match!['worker'],
            );
            if (worker) return [worker.rank];
            // What the child's own entry makes it send is what the parent expects, and the other way round.
            const child = Object.values(state.switches).find(({ serviceIp }) => serviceIp === match!['src_addr'])!;
            expect(child.parent).toMatchObject({ switch: name, parentPort: match!['ingress_port'] });
            const parent = state.switches[name]!;
            expect(of(child.name, 'fpisa.parent')).toEqual([
              {
                table: 'fpisa.parent',
                match: { job: job.number },
                action: 'fpisa.ascend',
                params: {
                  port: UPLINK,
                  dst_mac: parent.serviceMac,
                  dst_addr: parent.serviceIp,
                  worker: match!['worker'],
                },
              },
            ]);
            expect(of(child.name, 'fpisa.from_parent')).toMatchObject([
              {
                match: { ingress_port: UPLINK, src_addr: parent.serviceIp },
                params: { epoch: 5, group: job.multicastGroup },
              },
            ]);
            return counted(child.name);
          });
        };
        expect(counted('s0').sort((a, b) => a - b)).toEqual(members.map(({ rank }) => rank));

        for (const [name, { groups }] of desired) {
          const isUsed = switchesInUse(state.switches, job, members).includes(name);
          expect(of(name, 'fpisa.member').length > 0).toBe(isUsed);
          // The way up is there for the job's life, or a switch would take its own sum for the result.
          expect(of(name, 'fpisa.parent')).toHaveLength(name === 's0' ? 0 : 1);
          const replicas = groups.flatMap((group) => group.replicas);
          expect(new Set(replicas.map(({ instance }) => instance)).size).toBe(replicas.length);
          expect(of(name, 'fpisa.receiver').map(({ match }) => [match!['egress_port'], match!['replica']])).toEqual(
            replicas.map(({ port, instance }) => [port, instance]),
          );
          // A receiver for every member: results go where contributions come from.
          const ways = (table: string, field: 'ingress_port' | 'egress_port'): unknown[] =>
            of(name, table).map(({ match }) => match![field]);
          expect(ways('fpisa.receiver', 'egress_port')).toEqual(ways('fpisa.member', 'ingress_port'));
        }
      }),
    );
  });

  test('bits tell a worker who is missing at its switch', () => {
    const state = stateWith(configs(TREE));
    const job = newJob(state, { name: 'a', workers: 5 });
    const at = (rank: number, home: number): MemberRecord => ({
      rank,
      process: `${rank}`,
      ip: '10.1.0.1',
      udpPort: rank,
      mac: '',
      switchName: `s${home}`,
      switchPort: 1,
    });
    const members = [at(0, 2), at(1, 3), at(2, 0), at(3, 1), at(4, 3)];
    expect(bitsSeenAt(state.switches, job, members, 's0')).toEqual([0, 1, 2, 1, 1]);
    expect(bitsSeenAt(state.switches, job, members, 's1')).toEqual([NO_BIT, 1, NO_BIT, 3, 1]);
    expect(bitsSeenAt(state.switches, job, members, 's3')).toEqual([NO_BIT, 1, NO_BIT, NO_BIT, 4]);
    expect(placeAt(state.switches, job, members, 's1').children).toMatchObject([
      { config: { name: 's3' }, bit: 1, ranks: [1, 4] },
    ]);
  });
});
