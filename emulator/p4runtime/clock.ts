/** Time as the server sees it, so that tests can advance it. */
export interface Clock {
  /** Nanoseconds since the epoch. */
  nowNs(): bigint;
  /** @returns the function that cancels */
  after(milliseconds: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowNs: () => BigInt(Date.now()) * 1_000_000n,
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    timer.unref(); // A pending notification must not keep a process alive.
    return () => clearTimeout(timer);
  },
};
