import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  FORMATS,
  headroom,
  largestGuard,
  largestWorkers,
  PRESETS,
  ProfileError,
  resolveProfile,
  type ProfileRequest,
} from '../../arithmetic/index.js';

function refusal(request: ProfileRequest): ProfileError {
  try {
    resolveProfile(request);
  } catch (error) {
    if (error instanceof ProfileError) return error;
    throw error;
  }
  throw new Error('the profile was accepted');
}

describe('format table', () => {
  it.each([
    ['fp32', 7],
    ['fp16', 20],
    ['bf16', 23],
    ['fp64', 10],
    ['int32', 0],
  ] as const)('%s has %i bits of headroom', (name, bits) => {
    expect(headroom(FORMATS[name])).toBe(bits);
  });
});

describe('presets', () => {
  it('fpisa takes the largest guard that the workers allow', () => {
    const guards = [1, 2, 3, 4, 8, 9, 16, 32, 64, 128].map((workers) => resolveProfile({ workers }).guard);
    expect(guards).toEqual([7, 6, 5, 5, 4, 3, 3, 2, 1, 0]);
    expect(resolveProfile({ workers: 8 })).toEqual({
      name: 'fpisa',
      format: 'fp32',
      mode: 'full',
      guard: 4,
      alignment: 'nearest-even',
      rounding: 'nearest-even',
      leftShiftLimit: 0,
    });
  });

  it('fpisa-paper, fpisa-a and int32 are what the design says', () => {
    expect(resolveProfile({ preset: 'fpisa-paper', workers: 8 })).toMatchObject({
      format: 'fp32',
      mode: 'full',
      guard: 0,
      alignment: 'floor',
      rounding: 'truncate',
    });
    expect(resolveProfile({ preset: 'fpisa-a', workers: 8 })).toMatchObject({
      mode: 'approximate',
      guard: 0,
      alignment: 'floor',
      rounding: 'truncate',
      leftShiftLimit: 7,
    });
    expect(resolveProfile({ preset: 'int32', workers: 1023 })).toMatchObject({
      name: 'int32',
      format: 'int32',
      guard: 0,
      alignment: 'floor',
    });
  });

  it('an unknown one is refused with the list', () => {
    const error = refusal({ preset: 'fpsia', workers: 2 });
    expect(error).toMatchObject({ code: 'FPISA_PROFILE', reason: 'unknown-preset' });
    for (const preset of PRESETS) expect(error.message).toContain(preset);
  });

  it('serve every format', () => {
    for (const format of ['fp16', 'bf16', 'fp64'] as const) {
      expect(resolveProfile({ workers: 8, overrides: { format } }).guard).toBe(headroom(FORMATS[format]) - 3);
      expect(resolveProfile({ preset: 'fpisa-a', workers: 8, overrides: { format } }).leftShiftLimit).toBe(
        headroom(FORMATS[format]),
      );
    }
  });
});

describe('overrides', () => {
  it('make a profile custom, unless they say what the preset says', () => {
    expect(resolveProfile({ workers: 8, overrides: { rounding: 'truncate' } }).name).toBe('custom');
    expect(resolveProfile({ workers: 8, overrides: { alignment: 'floor' } }).name).toBe('custom');
    expect(resolveProfile({ preset: 'fpisa-a', workers: 8, overrides: { alignment: 'floor' } }).name).toBe('fpisa-a');
    expect(resolveProfile({ workers: 8, overrides: { rounding: 'nearest-even', guard: 4 } }).name).toBe('fpisa');
    expect(resolveProfile({ workers: 8, overrides: { guard: undefined } }).name).toBe('fpisa');
  });

  it('make room for more workers than the preset has', () => {
    expect(resolveProfile({ preset: 'fpisa-paper', workers: 512, overrides: { format: 'bf16' } })).toMatchObject({
      name: 'custom',
      format: 'bf16',
    });
  });

  it('a guard in approximate mode takes from the left-shift limit', () => {
    expect(resolveProfile({ preset: 'fpisa-a', workers: 2, overrides: { guard: 2 } }).leftShiftLimit).toBe(5);
  });

  it.each([
    [{ format: 'fp8' }, 'unknown-format', 'fp32, fp32-wide, fp16, bf16, fp64, int32'],
    [{ mode: 'half' }, 'unknown-mode', 'full, approximate'],
    [{ rounding: 'up' }, 'unknown-rounding', 'truncate, nearest-even'],
    [{ alignment: 'up' }, 'unknown-alignment', 'floor, nearest-even'],
    [{ guard: 1.5 }, 'bad-number', '0 to 7'],
    [{ guard: -1 }, 'bad-number', '0 to 7'],
    [{ guard: Number.NaN }, 'bad-number', '0 to 7'],
    [{ leftShiftLimit: 3 }, 'left-shift', 'approximate'],
    [{ mode: 'approximate', guard: 3, leftShiftLimit: 5 }, 'left-shift', 'at most 4'],
    [{ format: 'int32', mode: 'approximate' }, 'unknown-mode', 'full'],
  ])('%j are refused: %s', (overrides, reason, choices) => {
    const error = refusal({ workers: 2, overrides });
    expect(error.reason).toBe(reason);
    expect(error.message).toContain(choices);
  });
});

describe('headroom rule', () => {
  it('names the guard and the worker count that fit', () => {
    const error = refusal({ workers: 9, overrides: { guard: 4 } });
    expect(error.reason).toBe('headroom');
    expect(error.fits).toEqual({ guard: 3, workers: 8 });
    expect(error.message).toContain('for 9 workers the guard is at most 3');
    expect(error.message).toContain('with guard 4 at most 8 workers fit');
  });

  it('is also what refuses a guard beyond all headroom', () => {
    expect(refusal({ workers: 4, overrides: { guard: 8 } })).toMatchObject({
      reason: 'headroom',
      fits: { guard: 5, workers: 1 },
    });
  });

  it('says so when no guard fits', () => {
    const error = refusal({ workers: 129 });
    expect(error.fits).toEqual({ guard: undefined, workers: 128 });
    expect(error.message).toContain('do not fit with any guard');
  });

  it('holds in approximate mode too', () => {
    expect(refusal({ preset: 'fpisa-a', workers: 129 }).reason).toBe('headroom');
  });

  it('bounds the workers by the Inf and NaN counts', () => {
    for (const workers of [0, -1, 1.5, 1024, Number.NaN]) {
      expect(refusal({ workers, overrides: { format: 'bf16' } }).reason).toBe('too-many-workers');
    }
    expect(resolveProfile({ workers: 1023, overrides: { format: 'bf16' } }).guard).toBe(13);
  });

  it('is tight: what it names is accepted, one more is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('fp32', 'fp16', 'bf16', 'fp64'),
        fc.integer({ min: 1, max: 1023 }),
        (format, workers) => {
          const guard = largestGuard(format, workers);
          if (guard === undefined) {
            expect(refusal({ workers, overrides: { format, guard: 0 } }).reason).toBe('headroom');
            return;
          }
          expect(resolveProfile({ workers, overrides: { format, guard } }).guard).toBe(guard);
          if (guard < headroom(FORMATS[format]))
            expect(() => resolveProfile({ workers, overrides: { format, guard: guard + 1 } })).toThrow(ProfileError);
          const most = largestWorkers(format, guard);
          expect(resolveProfile({ workers: most, overrides: { format, guard } }).guard).toBe(guard);
          expect(() => resolveProfile({ workers: most + 1, overrides: { format, guard } })).toThrow(ProfileError);
        },
      ),
    );
  });
});
