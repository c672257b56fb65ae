/** A job's numeric profile: from the request to the parameters of `fpisa.join`. */
import { computeAlike, resolveProfile } from '../../arithmetic/profile.js';
import { ProfileError } from '../../arithmetic/errors.js';
import { wantedBuild } from '../../protocol/builds.js';
import { InvalidJobError, ProfileNotOfferedError } from '../errors.js';
import type { CreateJobRequest } from '../messages.js';
import type { ProfileRecord, SwitchConfig } from './state.js';

/** Formats that the P4 program supports; the reference model has more. */
const SWITCH_FORMATS = { fp32: 0, int32: 1 } as const;
const MODES = { full: 0, approximate: 1 } as const;
const ALIGNMENTS = { floor: 0, 'nearest-even': 1 } as const;
const ROUNDINGS = { truncate: 0, 'nearest-even': 1 } as const;

/** @throws InvalidJobError with the valid choices: unknown names, or a guard that leaves too little headroom */
export function resolveJobProfile(request: CreateJobRequest): ProfileRecord {
  const { guard, alignment, rounding, leftShiftLimit, mode } = request;
  try {
    const { name, format, ...numeric } = resolveProfile({
      preset: request.profile === undefined || request.profile === '' ? undefined : request.profile,
      workers: request.workers,
      overrides: { guard, alignment, rounding, leftShiftLimit, mode },
    });
    if (format !== 'fp32' && format !== 'int32') {
      throw new InvalidJobError(
        `the switch program does not support format ${format}, only ${Object.keys(SWITCH_FORMATS).join(' and ')}`,
      );
    }
    return {
      name,
      format,
      mode: numeric.mode,
      guard: numeric.guard,
      alignment: numeric.alignment,
      rounding: numeric.rounding,
      leftShiftLimit: numeric.leftShiftLimit,
    };
  } catch (error) {
    if (error instanceof ProfileError) throw new InvalidJobError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Checks that every switch of a job computes its profile. A profile whose settings differ from those of a preset does
 * not count as that preset, even if it was derived from it.
 * @throws ProfileNotOfferedError naming the switch, its build and the build's profiles
 */
export function checkProfileOffered(profile: ProfileRecord, workers: number, switches: readonly SwitchConfig[]): void {
  for (const config of switches) {
    const build = wantedBuild(config);
    if (build?.profiles === undefined) continue;
    if (build.profiles.some((preset) => computeAlike(profile, resolveProfile({ preset, workers })))) continue;
    throw new ProfileNotOfferedError(described(profile), config.name, build.name, build.profiles);
  }
}

function described({ name, format, mode, guard, alignment, rounding, leftShiftLimit }: ProfileRecord): string {
  if (name !== 'custom') return `profile ${name}`;
  return `a profile of ${format}, mode ${mode}, guard ${guard}, alignment ${alignment}, rounding ${rounding}${mode === 'approximate' ? `, left-shift limit ${leftShiftLimit}` : ''}`;
}

/** The profile as `fpisa.join` takes it (p4/v1model, table `fpisa.member`). */
export function profileParams(
  profile: ProfileRecord,
): Record<'mode' | 'format' | 'guard' | 'rounding' | 'left_shift_limit' | 'alignment', number> {
  return {
    mode: MODES[profile.mode],
    format: SWITCH_FORMATS[profile.format],
    guard: profile.guard,
    rounding: ROUNDINGS[profile.rounding],
    left_shift_limit: profile.leftShiftLimit,
    alignment: ALIGNMENTS[profile.alignment],
  };
}
