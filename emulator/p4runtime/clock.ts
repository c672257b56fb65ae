/** Time as the server sees it, so that tests can advance it. */
export interface Clock {
  /** Nanoseconds since the epoch. */
  nowNs(): bigint;
  /** @returns the function that cancels */
  after(milliseconds: number, run: () => void): () => void;
}

/** setTimeout takes 31 bits, and what is longer for 1 ms. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowNs: () => BigInt(Date.now()) * 1_000_000n,
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_TIMEOUT));
    timer.unref(); // A pending notification must not keep a process alive.
    return () => clearTimeout(timer);
  },
};
