/** A job's numeric profile: from the request to the parameters of `fpisa.join`. */
import { resolveProfile } from '../../arithmetic/profile.js';
import { ProfileError } from '../../arithmetic/errors.js';
import { InvalidJobError } from '../errors.js';
import type { CreateJobRequest } from '../messages.js';
import type { ProfileRecord } from './state.js';

/** Formats that the P4 program adds up; the reference model knows more. */
const SWITCH_FORMATS = { fp32: 0, int32: 1 } as const;
const MODES = { full: 0, approximate: 1 } as const;
const ROUNDINGS = { truncate: 0, 'nearest-even': 1 } as const;

/** @throws InvalidJobError with the valid choices: unknown names, or a guard that leaves too little headroom */
export function resolveJobProfile(request: CreateJobRequest): ProfileRecord {
  const { guard, rounding, leftShiftLimit, mode } = request;
  try {
    const { name, format, ...numeric } = resolveProfile({
      preset: request.profile === undefined || request.profile === '' ? undefined : request.profile,
      workers: request.workers,
      overrides: { guard, rounding, leftShiftLimit, mode },
    });
    if (format !== 'fp32' && format !== 'int32') {
      throw new InvalidJobError(`the switch program does not add up ${format}, but ${Object.keys(SWITCH_FORMATS).join(' and ')}`);
    }
    return { name, format, mode: numeric.mode, guard: numeric.guard, rounding: numeric.rounding, leftShiftLimit: numeric.leftShiftLimit };
  } catch (error) {
    if (error instanceof ProfileError) throw new InvalidJobError(error.message, { cause: error });
    throw error;
  }
}

/** The profile as `fpisa.join` takes it (p4/v1model, table `fpisa.member`). */
export function profileParams(profile: ProfileRecord): Record<'mode' | 'format' | 'guard' | 'rounding' | 'left_shift_limit', number> {
  return {
    mode: MODES[profile.mode],
    format: SWITCH_FORMATS[profile.format],
    guard: profile.guard,
    rounding: ROUNDINGS[profile.rounding],
    left_shift_limit: profile.leftShiftLimit,
  };
}
