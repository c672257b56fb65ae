import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Fp32Registers, PRESETS } from '../../arithmetic/index.js';
import { oracleAccumulate, oracleReadOut } from './oracle.js';
import { generate, SEED, serialise, type VectorElement, type VectorFile } from './vectors/generate.js';

const folder = join(import.meta.dirname, 'vectors');
const names = [...PRESETS, 'custom'];

if (process.env['FPISA_WRITE_VECTORS'] === '1') {
  for (const file of generate(SEED)) writeFileSync(join(folder, `${file.name}.json`), serialise(file));
}

const texts = new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.json`), 'utf8')]));
const parsed = (name: string) => JSON.parse(texts.get(name)!) as VectorFile;
const signed32 = (hex: string) => BigInt.asIntN(32, BigInt(`0x${hex}`));
const isFinite32 = (hex: string) => (Number.parseInt(hex, 16) & 0x7f800000) !== 0x7f800000;

describe('golden vectors', () => {
  it('are what the generator makes from the seed', () => {
    for (const file of generate(SEED))
      expect(serialise(file) === texts.get(file.name), `${file.name}.json is current`).toBe(true);
  });

  it('cover 1 to 32 workers and every event', () => {
    for (const name of ['fpisa', 'fpisa-paper', 'fpisa-a']) {
      const file = parsed(name);
      const elements = file.groups.flatMap((group) => group.elements);
      expect(elements.length).toBeGreaterThanOrEqual(500);
      expect(new Set(file.groups.map((group) => group.workers))).toEqual(
        new Set([1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 32]),
      );
      expect(new Set(elements.map((e) => e.kind)).size).toBeGreaterThanOrEqual(12);
      const total = (of: (e: VectorElement) => number) => elements.reduce((sum, e) => sum + of(e), 0);
      const approximate = name === 'fpisa-a';
      expect(total((e) => e.overwrites) > 0).toBe(approximate);
      expect(total((e) => e.overflows) > 0).toBe(approximate);
      for (const out of ['7f800000', 'ff800000', '7fc00000', '00000000'])
        expect(elements.some((e) => e.out === out)).toBe(true);
      expect(elements.some((e) => /^[08]0[0-7]/.test(e.out) && e.out !== '00000000')).toBe(true);
    }
    const settings = parsed('custom').groups.map(({ profile: { mode, alignment } }) => `${mode} ${alignment}`);
    expect(new Set(settings).size).toBe(4);
    expect(parsed('int32').groups.some((group) => group.elements.some((e) => e.overflows > 0))).toBe(true);
  });
});

describe.each(names.filter((name) => name !== 'int32'))('%s.json', (name) => {
  const groups = parsed(name).groups;

  it('is replayed by the fp32 registers, state by state', () => {
    for (const { workers, profile, elements } of groups) {
      const registers = new Fp32Registers(elements.length, profile);
      for (let w = 0; w < workers; w++) {
        registers.contribute(Uint32Array.from(elements, (e) => Number.parseInt(e.in[w]!, 16)));
        elements.forEach((e, i) => {
          const [x, m] = e.states[w]!.split(':');
          expect([registers.exponents[i], BigInt(registers.mantissas[i]!)]).toEqual([
            Number.parseInt(x!, 16),
            signed32(m!),
          ]);
        });
      }
      expect([...registers.readOut()]).toEqual(elements.map((e) => Number.parseInt(e.out, 16)));
      const total = (of: (e: VectorElement) => number) => elements.reduce((sum, e) => sum + of(e), 0);
      expect(registers.events).toEqual({
        overwrites: total((e) => e.overwrites),
        overflows: total((e) => e.overflows),
      });
    }
  });

  it('agrees with the value-level oracle wherever all inputs are finite', () => {
    let checked = 0;
    for (const { profile, elements } of groups) {
      for (const e of elements.filter((one) => one.in.every(isFinite32))) {
        const states = oracleAccumulate(
          e.in.map((hex) => BigInt(`0x${hex}`)),
          profile,
        );
        const values = e.states.map((state) => {
          const [x, m] = state.split(':');
          const exponent = Number.parseInt(x!, 16);
          return { exponent, value: signed32(m!) * 2n ** BigInt(exponent - 1) };
        });
        expect(values).toEqual(states);
        expect(BigInt(`0x${e.out}`)).toBe(oracleReadOut(states.at(-1)!, profile));
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(200);
  });
});

describe('int32.json', () => {
  it('is saturating addition', () => {
    for (const { elements } of parsed('int32').groups) {
      for (const e of elements) {
        let sum = 0;
        const states = e.in.map((hex, w) => {
          const value = Number.parseInt(hex, 16) | 0;
          sum = w === 0 ? value : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, sum + value));
          return `-:${(sum >>> 0).toString(16).padStart(8, '0')}`;
        });
        expect(e.states).toEqual(states);
        expect(e.out).toBe(states.at(-1)!.slice(2));
      }
    }
  });
});
