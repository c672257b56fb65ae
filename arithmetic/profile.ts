/**
 * Numeric profiles: how a job's values are added, fixed for the life of the job (docs/arithmetic.md,
 * "Profile").
 */
import { ProfileError } from './errors.js';
import { FORMAT_NAMES, FORMATS, headroom, type FormatName } from './formats.js';

/**
 * `full`: the switch can shift the stored mantissa as it adds (the paper's proposed read-shift-add-write
 * unit; BMv2 and the emulator can). `approximate`: it cannot, so the packet's mantissa is shifted left,
 * or replaces the register (FPISA-A, what a Tofino can do).
 */
export const MODES = ['full', 'approximate'] as const;
export type Mode = (typeof MODES)[number];

/** What alignment does with the bits that it shifts out, of whichever operand is shifted right. */
export const ALIGNMENTS = ['floor', 'nearest-even'] as const;
export type Alignment = (typeof ALIGNMENTS)[number];

/** What the read-out does with the bits that do not fit the fraction. */
export const ROUNDINGS = ['truncate', 'nearest-even'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

export interface NumericProfile {
  /** The preset it equals, or `custom`. */
  readonly name: string;
  readonly format: FormatName;
  readonly mode: Mode;
  /** Guard digits G: the mantissa is held shifted left by this many bits. */
  readonly guard: number;
  readonly alignment: Alignment;
  readonly rounding: Rounding;
  /** L, approximate mode only: the largest left shift of a packet's mantissa; 0 in full mode. */
  readonly leftShiftLimit: number;
}

export const PRESETS = ['fpisa', 'fpisa-paper', 'fpisa-a', 'int32'] as const;
export type PresetName = (typeof PRESETS)[number];

/** Unit counts of Inf and NaN are 10 bits wide (docs/arithmetic.md, "Inf and NaN"). */
export const MAX_PROFILE_WORKERS = 1023;

/** Strings are checked, so that they may come straight from a command line or a message. */
export interface ProfileOverrides {
  readonly format?: string | undefined;
  readonly mode?: string | undefined;
  readonly guard?: number | undefined;
  readonly alignment?: string | undefined;
  readonly rounding?: string | undefined;
  readonly leftShiftLimit?: number | undefined;
}

export interface ProfileRequest {
  /** One of {@link PRESETS}; `fpisa` when absent. */
  readonly preset?: string | undefined;
  /** Workers of the job, 1 to {@link MAX_PROFILE_WORKERS}. */
  readonly workers: number;
  readonly overrides?: ProfileOverrides | undefined;
}

interface Preset {
  readonly format: FormatName;
  readonly mode: Mode;
  readonly guard: number | 'largest';
  readonly alignment: Alignment;
  readonly rounding: Rounding;
}

const PRESET_ROWS: Record<PresetName, Preset> = {
  fpisa: { format: 'fp32', mode: 'full', guard: 'largest', alignment: 'nearest-even', rounding: 'nearest-even' },
  'fpisa-paper': { format: 'fp32', mode: 'full', guard: 0, alignment: 'floor', rounding: 'truncate' },
  'fpisa-a': { format: 'fp32', mode: 'approximate', guard: 0, alignment: 'floor', rounding: 'truncate' },
  int32: { format: 'int32', mode: 'full', guard: 0, alignment: 'floor', rounding: 'truncate' },
};

/** Bits by which a sum of `workers` equal addends can grow: ceil(log2 workers). */
export function growthBits(workers: number): number {
  return 32 - Math.clz32(workers - 1);
}

/** The largest worker count that `guard` leaves room for, at most {@link MAX_PROFILE_WORKERS}. */
export function largestWorkers(format: FormatName, guard: number): number {
  if (FORMATS[format].kind === 'integer') return MAX_PROFILE_WORKERS;
  return Math.min(2 ** (headroom(FORMATS[format]) - guard), MAX_PROFILE_WORKERS);
}

/** The largest guard with which `workers` contributions cannot overflow; undefined when none fits. */
export function largestGuard(format: FormatName, workers: number): number | undefined {
  if (FORMATS[format].kind === 'integer') return 0;
  const guard = headroom(FORMATS[format]) - growthBits(workers);
  return guard < 0 ? undefined : guard;
}

/**
 * The validated profile of a job.
 *
 * A preset's guard `largest` follows the worker count; in approximate mode the left-shift limit is
 * the headroom that the guard leaves (7 for `fpisa-a` on fp32) unless overridden.
 *
 * @throws ProfileError, with the valid choices in its message and the rule in `reason`.
 */
export function resolveProfile(request: ProfileRequest): NumericProfile {
  const presetName = choice(request.preset ?? 'fpisa', PRESETS, 'preset', 'unknown-preset');
  const preset = PRESET_ROWS[presetName];
  const { workers, overrides = {} } = request;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_PROFILE_WORKERS) {
    throw new ProfileError(
      'too-many-workers',
      `a job has 1 to ${MAX_PROFILE_WORKERS} workers, the width of the Inf and NaN counts, not ${workers}`,
    );
  }

  const plain = applied(preset, workers, {});
  const asked = applied(preset, workers, overrides);
  const profile = { name: computeAlike(asked, plain) ? presetName : 'custom', ...asked };
  wholeNumber(profile.guard, Infinity, headroom(FORMATS[profile.format]), 'guard', profile.format);
  // Before checkProfile, which does not know the worker count and so gives a less helpful message for a large guard.
  checkWorkers(profile, workers);
  checkProfile(profile);
  return profile;
}

type ProfileFields = Omit<NumericProfile, 'name'>;

/** The preset's fields with the overrides in their place; numbers are not checked yet. */
function applied(preset: Preset, workers: number, overrides: ProfileOverrides): ProfileFields {
  const format = choice(overrides.format ?? preset.format, FORMAT_NAMES, 'format', 'unknown-format');
  const mode = choice(overrides.mode ?? preset.mode, MODES, 'mode', 'unknown-mode');
  const alignment = choice(overrides.alignment ?? preset.alignment, ALIGNMENTS, 'alignment', 'unknown-alignment');
  const rounding = choice(overrides.rounding ?? preset.rounding, ROUNDINGS, 'rounding', 'unknown-rounding');
  // If no guard fits, use 0: checkWorkers then reports which worker counts would fit.
  const guard = overrides.guard ?? (preset.guard === 'largest' ? (largestGuard(format, workers) ?? 0) : preset.guard);
  const left = mode === 'approximate' ? Math.max(0, headroom(FORMATS[format]) - guard) : 0;
  return { format, mode, guard, alignment, rounding, leftShiftLimit: overrides.leftShiftLimit ?? left };
}

/**
 * Enforces the rules that do not depend on the worker count.
 * @throws ProfileError
 */
export function checkProfile(profile: NumericProfile): void {
  choice(profile.format, FORMAT_NAMES, 'format', 'unknown-format');
  choice(profile.mode, MODES, 'mode', 'unknown-mode');
  choice(profile.alignment, ALIGNMENTS, 'alignment', 'unknown-alignment');
  choice(profile.rounding, ROUNDINGS, 'rounding', 'unknown-rounding');
  const room = headroom(FORMATS[profile.format]);
  wholeNumber(profile.guard, room, room, 'guard', profile.format);
  if (profile.mode === 'full') {
    if (profile.leftShiftLimit !== 0) {
      throw new ProfileError(
        'left-shift',
        `a left-shift limit (${profile.leftShiftLimit}) is for mode approximate only; in mode full it must be 0`,
      );
    }
    return;
  }
  if (FORMATS[profile.format].kind === 'integer') {
    throw new ProfileError(
      'unknown-mode',
      `format ${profile.format} does not support mode approximate, valid are: full`,
    );
  }
  wholeNumber(profile.leftShiftLimit, room, room, 'left-shift limit', profile.format);
  if (profile.leftShiftLimit + profile.guard > room) {
    throw new ProfileError(
      'left-shift',
      `left-shift limit ${profile.leftShiftLimit} and guard ${profile.guard} exceed the ${room} headroom bits of ${profile.format}: ` +
        `with guard ${profile.guard} the limit is at most ${room - profile.guard}`,
    );
  }
}

function checkWorkers(profile: NumericProfile, workers: number): void {
  const format = FORMATS[profile.format];
  if (format.kind === 'integer' || growthBits(workers) + profile.guard <= headroom(format)) return;
  const guard = largestGuard(profile.format, workers);
  const fits = {
    guard,
    workers: largestWorkers(profile.format, Math.max(0, Math.min(profile.guard, headroom(format)))),
  };
  const named = (count: number): string => `${count} ${count === 1 ? 'worker' : 'workers'}`;
  const them = named(workers);
  const forThisGuard = `with guard ${Math.min(profile.guard, headroom(format))} at most ${named(fits.workers)} ${fits.workers === 1 ? 'fits' : 'fit'}`;
  const forTheseWorkers =
    guard === undefined
      ? `${them} ${workers === 1 ? 'does' : 'do'} not fit with any guard`
      : `for ${them} the guard is at most ${guard}`;
  throw new ProfileError(
    'headroom',
    `${them} with guard ${profile.guard} could overflow the ${headroom(format)} headroom bits of ${profile.format}: ${forTheseWorkers}, ${forThisGuard}`,
    fits,
  );
}

/** What a profile computes with; its name is only what it is called. */
type ProfileNumbers = Readonly<
  Record<'format' | 'mode' | 'guard' | 'alignment' | 'rounding' | 'leftShiftLimit', unknown>
>;

/** Whether two profiles give the same bits for the same inputs. */
export function computeAlike(a: ProfileNumbers, b: ProfileNumbers): boolean {
  return (
    a.format === b.format &&
    a.mode === b.mode &&
    a.guard === b.guard &&
    a.alignment === b.alignment &&
    a.rounding === b.rounding &&
    a.leftShiftLimit === b.leftShiftLimit
  );
}

function choice<T extends string>(value: string, valid: readonly T[], what: string, reason: ProfileError['reason']): T {
  const found = valid.find((name) => name === value);
  if (found === undefined) throw new ProfileError(reason, `unknown ${what} '${value}', valid are: ${valid.join(', ')}`);
  return found;
}

/** @param most the largest value accepted here. @param room the largest valid value, for the message. */
function wholeNumber(value: number, most: number, room: number, what: string, format: string): void {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new ProfileError('bad-number', `${what} for ${format} is a whole number from 0 to ${room}, not ${value}`);
  }
}
