import type { MeterRate } from '../control.js';

interface Bucket {
  readonly perMicrosecond: number;
  readonly burst: number;
  tokens: number;
  /** Tokens since the meter was made, at the last execution; all is measured from one origin, so nothing drifts. */
  granted: number;
}

export interface MeterSnapshot {
  readonly origin: number;
  readonly rates: readonly MeterRate[] | undefined;
  /** One for each rate. */
  readonly buckets: readonly { readonly tokens: number; readonly granted: number }[];
}

/**
 * A meter with token buckets, one for each rate, as in BMv2 (src/bm_sim/meters.cpp), which implements RFC 2698 for two
 * rates: buckets are checked from the highest rate down. The first that has too few tokens ends the check, and the
 * colour is its number plus one; 0 (green) if none does, or if the meter is not configured.
 */
export class MeterState {
  /** Lowest rate first. */
  private buckets: Bucket[] | undefined;
  rates: readonly MeterRate[] | undefined;

  /** @param origin microseconds at which the meter began. */
  constructor(private readonly origin: number) {}

  configure(rates: readonly MeterRate[] | undefined): void {
    this.rates = rates;
    this.buckets = rates?.map(({ perSecond, burst }) => ({
      perMicrosecond: perSecond / 1e6,
      burst,
      tokens: burst,
      granted: 0,
    }));
  }

  save(): MeterSnapshot {
    return {
      origin: this.origin,
      rates: this.rates,
      buckets: (this.buckets ?? []).map(({ tokens, granted }) => ({ tokens, granted })),
    };
  }

  static restored({ origin, rates, buckets }: MeterSnapshot): MeterState {
    const meter = new MeterState(origin);
    meter.configure(rates);
    buckets.forEach((saved, i) => Object.assign(meter.buckets![i]!, saved));
    return meter;
  }

  execute(now: number, cost: number): number {
    const { buckets } = this;
    if (buckets === undefined) return 0;
    for (let i = buckets.length - 1; i >= 0; i--) {
      const bucket = buckets[i]!;
      const granted = Math.trunc(Math.max(0, now - this.origin) * bucket.perMicrosecond);
      bucket.tokens = Math.min(bucket.tokens + granted - bucket.granted, bucket.burst);
      bucket.granted = granted;
      if (bucket.tokens < cost) return i + 1;
      bucket.tokens -= cost;
    }
    return 0;
  }
}
