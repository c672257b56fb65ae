/** The P4 program on the emulator, with its tables filled as the controller fills them. */
import { readFileSync } from 'node:fs';
import type { NumericProfile } from '../../../arithmetic/index.js';
import type { MatchKey } from '../../../emulator/control.js';
import { Switch, type SwitchOptions } from '../../../emulator/switch.js';
import { RESTRICTED_PROFILES, type BuildDescriptor } from '../../../protocol/builds.js';
import { DropReason, EVENTS_PER_JOB, JobEvent } from '../../../protocol/constants.js';
import { SERVICE_IP, workerIp, workerMac, workerPort } from './frames.js';

export interface JobSetup {
  readonly number: number;
  readonly workers: number;
  readonly profile: NumericProfile;
  readonly slotBase?: number;
  readonly slots?: number;
  readonly epoch?: number;
}

const exact = (value: number | bigint): MatchKey => ({ kind: 'exact', value: BigInt(value) });
const programs = new Map<string, unknown>();

/** Worker r sits at port r + 1. */
export function portOf(rank: number): number {
  return rank + 1;
}

/** Test builds: the paper's shifts, with an action for each distance, and those in more and smaller tables than `fpisa-a-n16` has. */
export const LAYOUT_BUILDS = ['fpisa-a-n1-paper', 'fpisa-a-n1-narrow'].map((name): BuildDescriptor => ({
  name,
  target: 'bmv2',
  valuesPerPacket: 1,
  steps: [1],
  profiles: RESTRICTED_PROFILES,
}));

/** What the restricted steps add to an exponent, and the exponent that a special has there (p4/shared/steps_unpack.p4). */
const RESTRICTED_BIAS = 7;
const RESTRICTED_SPECIAL = 1279;
/** The same of the reference. */
const SPECIAL_EXPONENT = 256;

/** The exponent that a register represents, as in the reference. */
export function exponentOf(build: Pick<BuildDescriptor, 'profiles'>, register: number): number {
  if (build.profiles === undefined) return register;
  const exponent = register - RESTRICTED_BIAS;
  return exponent === RESTRICTED_SPECIAL ? SPECIAL_EXPONENT : exponent;
}

export class FpisaSwitch {
  readonly device: Switch;

  constructor(
    readonly values: number,
    options: SwitchOptions = {},
    build = `fpisa-n${values}`,
  ) {
    let program = programs.get(build);
    if (program === undefined) {
      program = JSON.parse(readFileSync(new URL(`../../../p4/build/${build}.json`, import.meta.url), 'utf8'));
      programs.set(build, program);
    }
    this.device = new Switch(options);
    this.device.load(program);
    this.device.control.insertEntry('fpisa.local', {
      keys: [exact(SERVICE_IP)],
      priority: 0,
      call: { action: 'fpisa.serve', args: [] },
    });
  }

  addJob(job: JobSetup): void {
    const { control } = this.device;
    const all = 2n ** BigInt(job.workers) - 1n;
    const { profile } = job;
    for (let rank = 0; rank < job.workers; rank++) {
      control.insertEntry('fpisa.member', {
        keys: [exact(portOf(rank)), exact(workerIp(rank)), exact(workerPort(rank)), exact(job.number), exact(rank)],
        priority: 0,
        call: {
          action: 'fpisa.join',
          args: [
            1n << BigInt(rank),
            all,
            BigInt(job.number + 1),
            BigInt(job.slotBase ?? 0),
            BigInt(job.slots ?? 4),
            BigInt(job.epoch ?? 1),
            profile.mode === 'full' ? 0n : 1n,
            profile.format === 'int32' ? 1n : 0n,
            BigInt(profile.guard),
            profile.rounding === 'truncate' ? 0n : 1n,
            BigInt(profile.leftShiftLimit),
            profile.alignment === 'floor' ? 0n : 1n,
          ],
        },
      });
      control.insertEntry('fpisa.receiver', {
        keys: [exact(job.number), exact(rank + 1), exact(portOf(rank))],
        priority: 0,
        call: { action: 'fpisa.address', args: [workerMac(rank), BigInt(workerIp(rank)), BigInt(workerPort(rank))] },
      });
    }
    control.setMulticastGroup(
      job.number + 1,
      Array.from({ length: job.workers }, (_, rank) => ({ egressPort: portOf(rank), instance: rank + 1 })),
    );
  }

  /** Drops by reason, those that occurred. */
  drops(): Record<string, number> {
    return this.counts('fpisa.drops', 0, DropReason);
  }

  events(job: number): Record<string, number> {
    return this.counts('fpisa.events', job * EVENTS_PER_JOB, JobEvent);
  }

  register(name: string, index: number): number {
    return Number(this.device.control.readRegister(name, index));
  }

  /** All registers that outlive a packet, for "nothing was touched". */
  registers(): string {
    const names = [
      'exponents',
      'mantissas',
      'slot_epochs',
      'slot_chunks',
      'slot_operations',
      'slot_signatures',
      'slot_bitmaps',
      'slot_contributions',
    ];
    return names
      .map((name) => {
        const size = Math.min(this.device.control.registerSize(`fpisa.${name}`), 16 * this.values);
        return Array.from({ length: size }, (_, index) => this.register(`fpisa.${name}`, index)).join(',');
      })
      .join(';');
  }

  private counts(counter: string, base: number, names: Readonly<Record<string, number>>): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [name, index] of Object.entries(names)) {
      const packets = Number(this.device.control.readCounter(counter, base + index).packets);
      if (packets > 0) counts[name] = packets;
    }
    return counts;
  }
}
