/**
 * What controllers do with action selectors, digests, idle timeouts and meters, and the results as lines of text.
 * Nothing in them depends on how fast a switch is.
 */
import { encodeBytestring, type Entity, type Init, type MeterConfig } from '../../../p4runtime/index.js';
import { hex } from '../../emulator/support/programs.js';
import { jsonOf } from '../programs.js';
import type { ControlledSwitch } from './controlled-switch.js';
import { featuresFile } from './features-file.js';

export interface Script {
  readonly name: string;
  /** Program of test/emulator/programs/ that its P4Info is of, or `features`: that of the P4Runtime tests. */
  readonly program: string;
  json(): string;
  run(target: ControlledSwitch): Promise<string[]>;
}

const HOUR_NS = 3_600_000_000_000n;
const be = (value: number, length: number): number[] =>
  Array.from({ length }, (_, i) => Math.floor(value / 2 ** (8 * (length - 1 - i))) & 0xff);

// --- action selectors ---

/** Names of P4's HashAlgorithm as p4c writes them, of those whose result depends on the packet alone. */
const SELECTOR_HASHES = ['identity', 'crc16', 'crc32', 'csum16', 'xor16', 'xor32'];
const FLOWS = [0, 1, 2, 3, 4, 5, 6, 7, 100, 255, 256, 257, 1_000, 4_660, 32_767, 32_768, 65_534, 65_535];

function selectorScript(algorithm: string): Script {
  return {
    name: `selector, ${algorithm}`,
    program: 'profiles',
    json: () => jsonOf('program-profiles').replace('"algo":"identity"', `"algo":"${algorithm}"`),
    async run(target) {
      const { id: profile } = target.p4info.actionProfiles.find('spread');
      const { id: table } = target.p4info.tables.find('by_group');
      const lines: string[] = [];
      const member = (memberId: number): Init<Entity> => ({
        actionProfileMember: { actionProfileId: profile, memberId, ...target.action('give', memberId) },
      });
      const group = (...members: readonly (readonly [id: number, weight: number])[]): Init<Entity> => ({
        actionProfileGroup: {
          actionProfileId: profile,
          groupId: 5,
          maxSize: 16,
          members: members.map(([memberId, weight]) => ({ memberId, weight })),
        },
      });
      const entry = (key: number, action: object): Init<Entity> => ({
        tableEntry: { tableId: table, match: [{ fieldId: 1, exact: { value: encodeBytestring(key) } }], action },
      });
      const choices = async (when: string): Promise<void> => {
        const chosen: number[] = [];
        for (const flow of FLOWS)
          chosen.push((await target.send(1, Uint8Array.of(2, 1, ...be(flow, 2), 0)))[0]!.bytes[4]!);
        lines.push(`${when}: ${chosen.join(' ')}`);
      };
      await target.write('INSERT', ...[30, 10, 20, 40].map(member));
      await target.write('INSERT', group([10, 1], [30, 1], [20, 1]));
      await target.write('INSERT', entry(1, { actionProfileGroupId: 5 }));
      await choices('three members');
      await target.write('MODIFY', group([20, 3], [10, 2]));
      await choices('two with weights');
      await target.write('MODIFY', group([10, 1], [20, 1], [30, 1], [40, 1]));
      await choices('four');
      await target.write('MODIFY', group([10, 1], [20, 1], [40, 1]));
      await target.write('DELETE', member(30));
      await target.write('INSERT', member(50));
      await target.write('MODIFY', group([10, 1], [20, 1], [40, 1], [50, 1]));
      await choices('one deleted, another made');
      await target.write('MODIFY', {
        actionProfileMember: { actionProfileId: profile, memberId: 20, ...target.action('give', 99) },
      });
      await choices('one with another argument');
      await target.write('MODIFY', entry(1, { actionProfileMemberId: 40 }));
      await choices('a member alone');
      return lines;
    },
  };
}

// --- digests ---

const DIGESTS: Script = {
  name: 'digests',
  program: 'externs',
  json: () => jsonOf('program-externs'),
  async run(target) {
    const { id: digestId } = target.p4info.digests.items[0]!;
    const lines: string[] = [];
    const config = (maxListSize: number, ackTimeoutNs: bigint): Init<Entity> => ({
      digestEntry: { digestId, config: { maxTimeoutNs: HOUR_NS, maxListSize, ackTimeoutNs } },
    });
    const learn = async (...values: readonly number[]): Promise<void> => {
      for (const value of values) await target.send(value % 4, Uint8Array.of(8, ...be(0, 4), ...be(value, 4)));
    };
    const list = async (what: string): Promise<void> => {
      const { digest } = await target.next();
      const samples = digest!.data.map(({ struct }) =>
        struct!.members.map(({ bitstring }) => hex(bitstring!)).join('/'),
      );
      lines.push(`${what}: list ${digest!.listId}: ${samples.join(' ')}`);
    };
    // BMv2 collects as many samples as a list may contain before its server sees them: so they arrive in threes, then one by one.
    await target.write('INSERT', config(3, HOUR_NS));
    await learn(1, 1, 2, 1, 0x12345678);
    await list('no sample twice');
    await learn(4, 5, 6);
    await list('others');
    await learn(4, 5, 6);
    await learn(7, 8, 9);
    await list('nothing again that is not acknowledged');
    await target.write('MODIFY', config(1, HOUR_NS));
    await learn(20, 21);
    await list('lists of one');
    await list('lists of one');
    await target.write('DELETE', { digestEntry: { digestId } });
    await learn(22);
    await target.write('INSERT', config(2, HOUR_NS));
    await learn(22, 23);
    await list('enabled again');
    // None of these lists was acknowledged.
    await learn(20, 1);
    await list('what was learned before is forgotten');
    return lines;
  },
};

// --- meters ---

/** Without rates no token comes back, so only the bursts count, however slow the switch is. */
const burst = (committed: bigint, peak: bigint): Init<MeterConfig> => ({
  cir: 0n,
  cburst: committed,
  pir: 0n,
  pburst: peak,
});

const METERS: Script = {
  name: 'meters',
  program: 'externs',
  json: () => jsonOf('program-externs'),
  async run(target) {
    const { id: meterId } = target.p4info.meters.find('rated');
    const { id: tableId } = target.p4info.tables.find('metered');
    const lines: string[] = [];
    const colours = async (what: string, op: number, index: number, lengths: readonly number[]): Promise<void> => {
      const seen: number[] = [];
      for (const length of lengths) {
        const packet = new Uint8Array(length);
        packet.set([op, ...be(index, 4), ...be(0, 4)]);
        // The reply's first word, followed by what the packet had after its request.
        seen.push((await target.send(1, packet))[0]!.bytes[3]!);
      }
      lines.push(`${what}: ${seen.join(' ')}`);
    };
    const packets = Array.from({ length: 10 }, () => 9);
    const indirect = (index: number, config: Init<MeterConfig>): Init<Entity> => ({
      meterEntry: { meterId, index: { index: BigInt(index) }, config },
    });
    await colours('a meter that nobody set', 4, 0, packets);
    await target.write('MODIFY', indirect(0, burst(3n, 5n)), indirect(1, burst(0n, 4n)), indirect(2, burst(2n, 2n)));
    for (const index of [0, 1, 2, 3]) await colours(`packets, meter ${index}`, 4, index, packets);
    await target.write('MODIFY', indirect(0, burst(1n, 2n)));
    await colours('set again', 4, 0, packets);

    const match = [{ fieldId: 1, exact: { value: encodeBytestring(7) } }];
    const entry = { tableId, match, ...{ action: target.action('read_color') } };
    await target.write('INSERT', { tableEntry: entry });
    await colours('a direct meter that nobody set', 5, 7, packets);
    await target.write('MODIFY', { directMeterEntry: { tableEntry: { tableId, match }, config: burst(100n, 150n) } });
    await colours('bytes', 5, 7, [60, 50, 30, 9, 20, 40, 12, 9, 11, 9, 30, 9]);
    await colours('no entry', 5, 8, [60]);
    return lines;
  },
};

// --- idle timeouts ---

const IDLE: Script = {
  name: 'idle timeouts',
  program: 'features',
  json: () => featuresFile('features.json'),
  async run(target) {
    const { id: tableId } = target.p4info.tables.find('l2');
    const entry = (dst: number, idleTimeoutNs: bigint): Init<Entity> => ({
      tableEntry: {
        ...{
          tableId,
          match: [{ fieldId: 1, exact: { value: encodeBytestring(dst) } }],
          action: target.action('forward', 1),
        },
        ...{ idleTimeoutNs, controllerMetadata: 3n },
      },
    });
    const lines: string[] = [];
    await target.write('INSERT', entry(5, 20_000_000n), entry(6, 0n), entry(7, HOUR_NS));
    const { idleTimeoutNotification } = await target.next();
    for (const { match, idleTimeoutNs, controllerMetadata, priority } of idleTimeoutNotification!.tableEntry) {
      const key = match.map(({ fieldId, exact }) => `${fieldId}=${hex(exact!.value)}`).join(' ');
      lines.push(
        `idle: ${key}, timeout ${idleTimeoutNs}, the controller's metadata ${controllerMetadata}, priority ${priority}`,
      );
    }
    return lines;
  },
};

export const SCRIPTS: readonly Script[] = [...SELECTOR_HASHES.map(selectorScript), DIGESTS, METERS, IDLE];
