import { describe, expect, it } from 'vitest';
import { type CpuLimiter, limitCpu, signalLimiter } from '../../bench/allreduce/cpu-limit.js';
import { LineProcess } from '../../bench/line-process.js';

const SHARE = 0.2;
/** Says that it runs; then uses all the processor time that it gets, and says what share that was. */
const BUSY = `
  process.stdin.once('data', () => {
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    while (performance.now() - start < 2000);
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ share: (user + system) / 1000 / (performance.now() - start) }));
  });
  console.log('{}');
`;

async function shareUnder(limiter: CpuLimiter): Promise<number> {
  const [program, ...args] = [...limiter.placement.prefix(0), process.execPath, '-e', BUSY];
  const busy = LineProcess.start('busy', program!, args);
  try {
    await busy.next();
    limiter.limit(SHARE);
    return (await busy.ask<{ share: number }>({})).share;
  } finally {
    limiter.limit(undefined);
    await busy.close('SIGKILL');
    await limiter.dispose();
  }
}

describe.skipIf(process.platform !== 'linux')('a worker that may use a fifth of a processor', () => {
  it('uses little more, by whatever this machine has', async () => {
    expect(await shareUnder(limitCpu(1))).toBeLessThan(2 * SHARE);
  });

  it('uses little more when it is stopped and continued', async () => {
    expect(await shareUnder(signalLimiter())).toBeLessThan(2 * SHARE);
  });
});
