/** The test build that loses packets on purpose. */
import { describe, expect, it } from 'vitest';
import { resolveProfile } from '../../arithmetic/index.js';
import { contribution, fromWorker, parse, udpFrame } from './support/frames.js';
import { FpisaSwitch, portOf } from './support/fpisa-switch.js';

const words = new Array<number>(16).fill(0x3f800000);
const HALF = 0x8000n;

describe('fpisa-n16-faults', () => {
  const rounds = 400;
  const run = (table: string | undefined): { fpisa: FpisaSwitch; results: number } => {
    const fpisa = new FpisaSwitch(16, { seed: 7 }, 'fpisa-n16-faults');
    fpisa.addJob({ number: 0, workers: 1, profile: resolveProfile({ workers: 1 }) });
    if (table !== undefined) {
      fpisa.device.control.insertEntry(table, {
        keys: [{ kind: 'exact', value: BigInt(portOf(0)) }],
        priority: 0,
        call: { action: table.replace(/loss$/, 'lose'), args: [HALF] },
      });
    }
    let results = 0;
    for (let chunk = 0; chunk < rounds; chunk++) {
      const message = contribution({ chunk, slot: chunk % 4, set: Math.floor(chunk / 4) % 2 }, words);
      const outputs = fpisa.device.receive(portOf(0), udpFrame(message, fromWorker(0)));
      for (const output of outputs) expect(parse(output.bytes).words).toEqual(words);
      results += outputs.length;
    }
    return { fpisa, results };
  };

  it('loses nothing unless it is told to', () => {
    expect(run(undefined).results).toBe(rounds);
  });

  it('loses a share of what comes in, before it counts', () => {
    const { fpisa, results } = run('FpisaIngress.faults.loss');
    const lost = fpisa.drops()['INJECTED']!;
    expect(lost + results).toBe(rounds);
    expect(fpisa.events(0)['CONTRIBUTION']).toBe(results);
    expect(lost).toBeGreaterThan(rounds / 4);
    expect(results).toBeGreaterThan(rounds / 4);
  });

  it('loses a share of what goes out, after it has counted', () => {
    const { fpisa, results } = run('FpisaEgress.faults.loss');
    expect(fpisa.events(0)['CONTRIBUTION']).toBe(rounds);
    expect(Number(fpisa.device.control.readCounter('fpisa.egress_drops', 16).packets)).toBe(rounds - results);
    expect(results).toBeGreaterThan(rounds / 4);
    expect(results).toBeLessThan(rounds);
  });
});
