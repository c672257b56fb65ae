/**
 * The builds of the aggregation program: what each is made for, how many values its packets carry, and
 * which numeric profiles its arithmetic computes. Controller, command line and `npm run p4` read this list.
 */
import { BUILDS } from './constants.js';
import { packetSteps } from './packet-steps.js';

/** `bmv2`: v1model, for BMv2 and the emulator. `tofino`, `tofino2`: TNA. */
export type BuildTarget = 'bmv2' | 'tofino' | 'tofino2';

export interface BuildDescriptor {
  /** Name of its artifacts. */
  readonly name: string;
  readonly target: BuildTarget;
  readonly valuesPerPacket: number;
  /** Values that its packets may hold, ascending: a contribution has the shortest length that holds its count. */
  readonly steps: readonly number[];
  /**
   * Presets of docs/arithmetic.md that the build computes, with exactly their parameters. Undefined: its arithmetic
   * takes mode, guard, rounding and left-shift limit from the job, so it supports every profile of fp32 and int32.
   */
  readonly profiles?: readonly string[];
}

/** What a pipeline without a shifter in its stateful units computes: FPISA-A, and plain integers. */
export const RESTRICTED_PROFILES = ['fpisa-a', 'int32'] as const;

/**
 * Values per packet of the builds with a Tofino's arithmetic that BMv2 and the emulator run. One is enough: values do
 * not depend on each other, and with 16 it accepts the same packets as the smallest general build.
 */
export const RESTRICTED_BUILDS = [16] as const;

export const BUILD_DESCRIPTORS: readonly BuildDescriptor[] = [
  ...BUILDS.map((n): BuildDescriptor => ({
    name: `fpisa-n${n}`,
    target: 'bmv2',
    valuesPerPacket: n,
    steps: packetSteps(n),
  })),
  ...RESTRICTED_BUILDS.map((n): BuildDescriptor => ({
    name: `fpisa-a-n${n}`,
    target: 'bmv2',
    valuesPerPacket: n,
    steps: [n],
    profiles: RESTRICTED_PROFILES,
  })),
];

export function buildNamed(name: string): BuildDescriptor | undefined {
  return BUILD_DESCRIPTORS.find((build) => build.name === name);
}

/** The build with `n` values per packet that computes every profile: the default where no build is named. */
export function generalBuild(n: number): BuildDescriptor | undefined {
  return BUILD_DESCRIPTORS.find(
    (build) => build.target === 'bmv2' && build.valuesPerPacket === n && build.profiles === undefined,
  );
}

/** The part of a switch's configuration that selects its build. */
export interface BuildChoice {
  /** Name of one of {@link BUILD_DESCRIPTORS}. */
  readonly build?: string | undefined;
  readonly target?: BuildTarget | undefined;
  readonly valuesPerPacket: number;
}

/**
 * The build that a configuration selects; undefined if it does not exist. A build for a Tofino is compiled by the owner
 * of the switch, in the layout of their choice: all layouts compute the same.
 */
export function wantedBuild({ build, target = 'bmv2', valuesPerPacket }: BuildChoice): BuildDescriptor | undefined {
  if (target !== 'bmv2')
    return {
      name: `fpisa-${target}-n${valuesPerPacket}`,
      target,
      valuesPerPacket,
      steps: [valuesPerPacket],
      profiles: RESTRICTED_PROFILES,
    };
  return build === undefined ? generalBuild(valuesPerPacket) : buildNamed(build);
}
