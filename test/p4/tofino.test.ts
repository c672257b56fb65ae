/**
 * What is documented of the Tofino layouts: the page is checked against resources.json always, resources.json against the
 * compiler's reports where a compiler for Tofino is found.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileLayout, findTofinoCompiler } from '../../p4/tools/tofino/compiler.js';
import { LAYOUTS, LayoutNotFoundError, layoutsNamed } from '../../p4/tools/tofino/layouts.js';
import { recordOf, type ResourcesFile, tableOf, withTable } from '../../p4/tools/tofino/records.js';
import { resourcesOf } from '../../p4/tools/tofino/reports.js';

const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const { layouts } = JSON.parse(readFileSync(file('p4/build/tofino/resources.json'), 'utf8')) as ResourcesFile;
const page = readFileSync(file('docs/tofino.md'), 'utf8');

/**
 * What the stateful ALUs must be told. p4c 1.2.5.16 was seen to make one give out its operand instead of the complement that the
 * source asked for, without a word; nothing that runs here would notice.
 */
const STATEFUL: Record<string, readonly string[]> = {
  element_00_open_exponent: ['nota hi, phv_lo', 'add lo, phv_lo, 7'],
  element_00_join_exponent: [
    'sub hi, lo, phv_lo',
    'lss.s lo, lo, -phv_lo',
    'add cmplo, lo, phv_lo, 7',
    'output alu_hi',
  ],
  element_00_open_mantissa: ['alu_a lo, phv_lo', 'output phv_lo'],
  element_00_join_mantissa: ['sadds lo, lo, phv_lo', 'output alu_lo'],
  element_00_read_mantissa: ['output mem_lo'],
  admission_enter: [
    'neq lo, lo, -phv_lo',
    'lss.uus hi, hi, -phv_hi',
    'alu_a (cmplo | cmphi), lo, phv_lo',
    'alu_a (cmplo | cmphi), hi, phv_hi',
    'output predicate',
  ],
  rounds_compare_work: ['neq lo, lo, -phv_lo', 'neq hi, hi, -phv_hi', 'output predicate'],
  rounds_join_bitmap: ['or lo, lo, phv_lo', 'output mem_lo'],
};

function statefulProgram(assembly: string, name: string): string[] {
  const lines = assembly.split('\n');
  const start = lines.findIndex((line) => line.trim() === `${name}:`);
  const end = lines.findIndex((line, i) => i > start && !line.trim().startsWith('- '));
  return lines.slice(start + 1, end).map((line) => line.trim().slice(2));
}

/**
 * The steps of an element that change a value, and what they must ask first. The compiler puts the fields of a probe where values are,
 * since no packet has both: a step that asks only for the format would change what a probe brings back.
 */
const STEPS_OF_FLOATS = [
  'element_00_classify_classes',
  'tbl_element_00_negate_negate',
  'element_00_shift_by_eights_eights',
  'element_00_shift_by_ones_ones',
  'tbl_to_scales',
];

/** Fields that a table's condition compares. */
function conditionOf(assembly: string, table: string): string {
  const lines = assembly.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^ {2}\\w+ ${table} \\d+:$`).test(line));
  const end = lines.findIndex((line, i) => i > start && /^ {0,2}\S/.test(line));
  const own = lines.slice(start, end);
  const gateway = own.findIndex((line) => line.trim() === 'gateway:');
  return own.slice(gateway).find((line) => gateway >= 0 && line.trim().startsWith('match:')) ?? '';
}

describe('records', () => {
  test('the page has the table of resources.json', () => {
    expect(page).toContain(tableOf(layouts));
    expect(withTable(page, layouts)).toBe(page);
  });

  test('every layout has a record, and nothing else has', () => {
    expect(layouts.map(({ name }) => name)).toEqual(LAYOUTS.map(({ name }) => name));
    for (const [i, layout] of LAYOUTS.entries())
      expect(layouts[i]).toMatchObject({
        target: layout.target,
        valuesPerPass: layout.valuesPerPass,
        note: layout.note,
      });
  });

  test('a layout that compiles has P4Info and stays within the chip, another says why it does not', () => {
    for (const { name, target, compiles, notFitting, stages, perStage, total } of layouts) {
      expect(existsSync(file(`p4/build/tofino/${name}.p4info.txtpb`)), name).toBe(compiles);
      if (!compiles) {
        expect(notFitting, name).toMatch(/\w/);
        expect(notFitting, name).not.toMatch(/\/\w+\//);
        continue;
      }
      expect(stages, name).toBeLessThanOrEqual(target === 'tofino' ? 12 : 20);
      expect(perStage, name).toHaveLength(stages!);
      for (const stage of perStage!) {
        expect(stage.salu, name).toBeLessThanOrEqual(4);
        expect(stage.tcam, name).toBeLessThanOrEqual(24);
        expect(stage.sram, name).toBeLessThanOrEqual(80);
      }
      // Two registers a value, and four of the slot.
      expect(total!.salu, name).toBe(2 * layouts.find((layout) => layout.name === name)!.valuesPerPass + 4);
    }
  });

  test('a Tofino 1 carries thirteen values in one pass', () => {
    const most = Math.max(
      ...layouts
        .filter(({ target, compiles }) => target === 'tofino' && compiles)
        .map(({ valuesPerPass }) => valuesPerPass),
    );
    expect(most).toBeGreaterThanOrEqual(13);
  });
});

describe('names of layouts', () => {
  test('none: all', () => {
    expect(layoutsNamed([])).toBe(LAYOUTS);
    expect(layoutsNamed(['tofino-n12']).map(({ valuesPerPass }) => valuesPerPass)).toEqual([12]);
  });

  test('an unknown one is refused with those that there are', () => {
    expect(() => layoutsNamed(['tofino-n8', 'tofino-n80'])).toThrow(LayoutNotFoundError);
    expect(() => layoutsNamed(['tofino-n80'])).toThrow(
      /no layout "tofino-n80" \(layouts: tofino-paper-n1, .*tofino2-n15\)/,
    );
  });
});

describe('the compiler', () => {
  const cells = (...values: readonly (string | number)[]): string => `| ${values.join(' | ')} |`;
  const titles = ['Stage Number', 'SRAM', 'TCAM', 'VLIW Instr', 'Meter ALU', 'Logical TableID'];
  const metrics = JSON.stringify({
    phv: { normal: [{ bit_width: 8, containers_occupied: 3 }], tagalong: [{ bit_width: 16, containers_occupied: 5 }] },
  });

  test('is read by the columns of its report, up to the last stage in use', () => {
    const report = [
      'header',
      cells(...titles),
      cells(0, 1, 2, 3, 4, 5),
      cells(1, 10, 20, 30, 2, 6),
      cells(2, 0, 0, 0, 0, 0),
      cells('Totals', 0, 0, 0, 0, 0),
      cells(0, '1%', '1%', '1%', '1%', '1%'),
    ].join('\n');
    expect(resourcesOf(report, metrics)).toEqual({
      stages: 2,
      total: { sram: 11, tcam: 22, vliw: 33, salu: 6, tables: 11 },
      perStage: [
        { sram: 1, tcam: 2, vliw: 3, salu: 4, tables: 5 },
        { sram: 10, tcam: 20, vliw: 30, salu: 2, tables: 6 },
      ],
      phv: { 8: 3, '16 tagalong': 5 },
    });
  });

  test('that reports in another form is refused', () => {
    expect(() => resourcesOf(cells('Stage Number', 'SRAM'), metrics)).toThrow('Logical TableID');
  });

  test('makes of the sources what is recorded', { timeout: 3_600_000 }, async (context) => {
    const command = await findTofinoCompiler();
    if (command === undefined) return context.skip('no compiler for Tofino on this machine');
    for (const layout of LAYOUTS.filter(({ quick }) => quick)) {
      const directory = await mkdtemp(join(tmpdir(), 'fpisa-tofino-test-'));
      try {
        const compilation = await compileLayout(command, layout, directory, 3000);
        expect(recordOf(layout, compilation)).toEqual(layouts.find(({ name }) => name === layout.name));
        const assembly = readFileSync(join(directory, 'pipe/main.bfa'), 'utf8');
        for (const [name, program] of Object.entries(STATEFUL))
          expect(statefulProgram(assembly, name), name).toEqual(program);
        for (const table of STEPS_OF_FLOATS)
          expect(conditionOf(assembly, table), table).toMatch(/meta\.kind.*meta\.format/);
        expect(compilation).toHaveProperty(
          'p4info',
          readFileSync(file(`p4/build/tofino/${layout.name}.p4info.txtpb`), 'utf8'),
        );
      } finally {
        await rm(directory, { recursive: true });
      }
    }
  });
});
