/** Rows on their way into the switch. */

/** Bytes of a tuple's key; they mean nothing to the switch, which only compares them. */
export const KEY_BYTES = 24;

/** Some rows of one worker, column by column. */
export interface TupleBatch {
  readonly rows: number;
  /** {@link KEY_BYTES} bytes a row, one after the other; undefined: all zeros. */
  readonly keys: Uint8Array | undefined;
  /** One array a lane, as many as the stream has; the build's other lanes are filled with NULL. */
  readonly lanes: readonly (Float64Array | BigInt64Array)[];
  /** Bit l of byte i: lane l of row i is NULL. Undefined: nothing is NULL. */
  readonly nulls: Uint8Array | undefined;
}
