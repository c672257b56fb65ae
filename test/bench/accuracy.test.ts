import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measure, table, type AccuracyRow, type Scheme } from '../../bench/accuracy.js';
import { loadGradient, PHASES, RECORDED_WORKERS } from '../../bench/gradients.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/arithmetic.md'), 'utf8');
const folder = join(import.meta.dirname, '../../bench/data/gradients');

describe('the recording', () => {
  const recording = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8'));

  it('has one gradient of all parameters per worker and phase, from a network that learnt its task', () => {
    for (const phase of PHASES) {
      expect(readdirSync(join(folder, phase))).toHaveLength(RECORDED_WORKERS);
      for (let rank = 0; rank < RECORDED_WORKERS; rank++) {
        const gradient = loadGradient(phase, rank);
        expect(gradient).toHaveLength(recording.parameters);
        expect(gradient.every(Number.isFinite)).toBe(true);
        expect(gradient.some((x) => x !== 0)).toBe(true);
      }
    }
    expect(recording.phases.late.test_accuracy).toBeGreaterThanOrEqual(0.95);
  });

  it('stays small enough to be kept in the repository', () => {
    const bytes = PHASES.flatMap((phase) =>
      readdirSync(join(folder, phase)).map((file) => statSync(join(folder, phase, file)).size),
    );
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(6e6);
  });
});

describe.each(PHASES)('error on real gradients, %s in training', (phase) => {
  const gradients = Array.from({ length: RECORDED_WORKERS }, (_, rank) => loadGradient(phase, rank));

  describe.each([2, 4, 8])('%i workers', (workers) => {
    const rows = new Map<Scheme, AccuracyRow>(measure(gradients, workers).map((row) => [row.scheme, row]));
    const text = table([...rows.values()].map((row) => ({ phase, ...row })));
    const fpisa = rows.get('fpisa')!;
    const sequential = rows.get('sequential')!;

    it('fpisa is at least as close to the exact sum as sequential fp32 addition', () => {
      expect(fpisa.sums).toBeGreaterThan(10_000);
      expect(fpisa.median).toBeLessThanOrEqual(sequential.median);
      expect(fpisa.p99).toBeLessThanOrEqual(sequential.p99);
    });

    it('is what docs/arithmetic.md says', () => {
      for (const line of text.split('\n').slice(2)) expect(page).toContain(line);
    });

    it('full mode neither overwrites nor overflows', () => {
      for (const scheme of ['fpisa', 'fpisa-paper'] as const)
        expect(rows.get(scheme)).toMatchObject({ overwrites: 0, overflows: 0 });
    });

    it('fpisa is closer than both modes of the paper and the int32 baseline at the 99th percentile', () => {
      for (const scheme of ['fpisa-paper', 'fpisa-a', 'int32'] as const)
        expect(fpisa.p99).toBeLessThan(rows.get(scheme)!.p99);
    });

    it('approximate mode overwrites: the measurement sees what it is there to see', () => {
      expect(rows.get('fpisa-a')!.overwrites).toBeGreaterThan(0);
    });
  });
});
