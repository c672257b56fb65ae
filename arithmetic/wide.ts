/** `fpisa-wide`, which the reference model computes and no switch program yet (docs/accuracy.md). */
import { resolveProfile, type NumericProfile } from './profile.js';

/** fp32 in registers of 64 bits: full mode with 39 - ceil(log2 W) guard digits. @throws ProfileError */
export function wideProfile(workers: number): NumericProfile {
  return { ...resolveProfile({ workers, overrides: { format: 'fp32-wide' } }), name: 'fpisa-wide' };
}
