/** Base of every error that the reference model throws on purpose: a stable `code`, and a message in plain English. */
export abstract class ArithmeticError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Which rule of docs/arithmetic.md a profile breaks. */
export type ProfileErrorReason =
  | 'unknown-preset'
  | 'unknown-format'
  | 'unknown-mode'
  | 'unknown-alignment'
  | 'unknown-rounding'
  | 'bad-number'
  | 'too-many-workers'
  | 'headroom'
  | 'left-shift';

/** A numeric profile that does not exist, or that could lose bits its format promises to keep. */
export class ProfileError extends ArithmeticError {
  readonly code = 'FPISA_PROFILE';
  constructor(
    readonly reason: ProfileErrorReason,
    message: string,
    /** For `headroom`: what would fit. `guard` is undefined when no guard fits so many workers. */
    readonly fits?: { readonly guard: number | undefined; readonly workers: number },
  ) {
    super(message);
  }
}

/** Vectors that cannot be aggregated together. */
export class VectorError extends ArithmeticError {
  readonly code = 'FPISA_VECTOR';
}
