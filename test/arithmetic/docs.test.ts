/** The worked examples and tables of docs/arithmetic.md, recomputed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accumulateAll, FORMATS, headroom, readOut, resolveProfile } from '../../arithmetic/index.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/arithmetic.md'), 'utf8');

const examples = [...page.matchAll(/^```example (\S+), (\d+) workers\n([\s\S]*?)^```$/gm)].map(
  ([, preset, workers, body]) => ({
    preset: preset!,
    workers: Number(workers),
    lines: body!.trimEnd().split('\n'),
  }),
);

/** Value of text like `1 + 2^-23`, `-2^-40`, `7.5` or `Infinity`. */
function evaluate(text: string): number {
  const terms = text.replaceAll(' - ', ' + -').split(' + ');
  return terms.reduce((sum, term) => {
    const [, sign, power, plain] = /^(-?)(?:2\^(-?\d+)|(\S+))$/.exec(term.trim()) ?? [];
    const magnitude = power === undefined ? Number(plain) : 2 ** Number(power);
    return sum + (sign === '-' ? -magnitude : magnitude);
  }, 0);
}

function fp32(hex: string): number {
  return new Float32Array(Uint32Array.of(Number.parseInt(hex, 16)).buffer)[0]!;
}

/** Rows of the Markdown table whose header row contains `header`, as cells. */
function tableRows(header: string): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|') && line.includes(header));
  expect(start, `a table with ${header}`).toBeGreaterThan(-1);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines.slice(start, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

it('the page has examples of every float preset', () => {
  expect(examples.length).toBeGreaterThanOrEqual(10);
  expect(new Set(examples.map((e) => e.preset))).toEqual(new Set(['fpisa', 'fpisa-paper', 'fpisa-a']));
});

describe.each(examples)('example $preset: $lines', ({ preset, workers, lines }) => {
  const profile = resolveProfile({ preset, workers });
  const events = /^events: (\d+) overwrites, (\d+) overflows$/.exec(lines.at(-1)!);
  const [result, ...additions] = (events ? lines.slice(0, -1) : lines).toReversed();
  const steps = additions
    .toReversed()
    .map((line) => /^([0-9a-f]{8})\s+(.+?)\s+([0-9a-f]{4}):([0-9a-f]{8})$/.exec(line)!.slice(1));

  it('has the values that its bits stand for', () => {
    for (const [bits, value] of steps) expect(fp32(bits!)).toBe(evaluate(value!));
    const [, bits, value] = /^([0-9a-f]{8})\s+(.+)$/.exec(result!)!;
    expect(fp32(bits!)).toBe(evaluate(value!));
  });

  it('has the registers and the result of the reference model', () => {
    expect(steps.length).toBeLessThanOrEqual(workers);
    const outcome = accumulateAll(
      steps.map(([bits]) => BigInt(`0x${bits}`)),
      profile,
    );
    const states = outcome.states.map((s) => [s.exponent, s.mantissa]);
    expect(steps.map(([, , x, m]) => [Number.parseInt(x!, 16), BigInt(Number.parseInt(m!, 16) | 0)])).toEqual(states);
    expect(BigInt(`0x${result!.slice(0, 8)}`)).toBe(readOut(outcome.states.at(-1)!, profile));
    expect(outcome.events).toEqual({ overwrites: Number(events?.[1] ?? 0), overflows: Number(events?.[2] ?? 0) });
  });
});

describe('tables', () => {
  it('formats', () => {
    const rows = tableRows('headroom H').slice(2);
    expect(rows.map(([name]) => name)).toEqual(Object.keys(FORMATS));
    for (const [name, e, f, r, h] of rows) {
      const format = FORMATS[name as keyof typeof FORMATS];
      expect([Number(r), Number(h)]).toEqual([format.registerBits, headroom(format)]);
      if (format.kind === 'float') expect([Number(e), Number(f)]).toEqual([format.exponentBits, format.fractionBits]);
    }
  });

  it('bounds', () => {
    const rows = tableRows('| workers | 2 |');
    const [workers, , guards, ours, floor, sequential] = rows.map((cells) => cells.slice(1).map(Number));
    workers!.forEach((w, i) => {
      const { guard } = resolveProfile({ workers: w });
      expect(guards![i]).toBe(guard);
      expect(ours![i]).toBe(Number((0.5 + (w - 1) / 2 ** (guard + 1)).toPrecision(3)));
      expect(floor![i]).toBe(Number((0.5 + (w - 1) / 2 ** guard).toPrecision(i === 6 ? 4 : 3)));
      expect(sequential![i]).toBe((w - 1) / 2);
    });
  });
});
