/** Reads the compiler's reports on a program's resources: `mau.resources.log` and `metrics.json`. */

/** Of one stage, ingress and egress together. */
interface StageResources {
  readonly tables: number;
  /** Stateful ALUs (the report's "Meter ALU"); a stage has 4. */
  readonly salu: number;
  /** Instruction words; a stage has 32 rows for each gress. */
  readonly vliw: number;
  /** Blocks of ternary memory; a stage has 24. */
  readonly tcam: number;
  /** Blocks of memory; a stage has 80. */
  readonly sram: number;
}

export interface Resources {
  /** Up to the last one used. */
  readonly stages: number;
  readonly total: StageResources;
  readonly perStage: readonly StageResources[];
  /** Containers in use by width, both those that an ALU can work on and those that only carry data. */
  readonly phv: Readonly<Record<string, number>>;
}

interface Metrics {
  readonly phv: Readonly<
    Record<string, readonly { readonly bit_width: number; readonly containers_occupied: number }[]>
  >;
}

/** @throws an Error if the report has no table of the known form */
export function resourcesOf(report: string, metricsJson: string): Resources {
  const perStage = stages(report);
  const used = perStage.findLastIndex(({ tables, vliw }) => tables > 0 || vliw > 0) + 1;
  const metrics = JSON.parse(metricsJson) as Metrics;
  const phv: Record<string, number> = {};
  for (const [kind, widths] of Object.entries(metrics.phv)) {
    for (const { bit_width: width, containers_occupied: occupied } of widths)
      phv[kind === 'normal' ? `${width}` : `${width} ${kind}`] = occupied;
  }
  return { stages: used, total: perStage.reduce(add), perStage: perStage.slice(0, used), phv };
}

function add(a: StageResources, b: StageResources): StageResources {
  return {
    tables: a.tables + b.tables,
    salu: a.salu + b.salu,
    vliw: a.vliw + b.vliw,
    tcam: a.tcam + b.tcam,
    sram: a.sram + b.sram,
  };
}

/** The first table of the report: one row per stage, absolute numbers. */
function stages(report: string): StageResources[] {
  const lines = report.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const start = lines.findIndex((cells) => cells[1] === 'Stage Number');
  const titles = lines[start] ?? [];
  const column = (title: string): number => {
    const index = titles.indexOf(title);
    if (index < 0) throw new Error(`The compiler's report of resources has no column "${title}".`);
    return index;
  };
  const columns = {
    tables: column('Logical TableID'),
    salu: column('Meter ALU'),
    vliw: column('VLIW Instr'),
    tcam: column('TCAM'),
    sram: column('SRAM'),
  };
  const rows: StageResources[] = [];
  for (const cells of lines.slice(start + 1)) {
    if (cells[1] === 'Totals') break;
    if (!/^\d+$/.test(cells[1] ?? '')) continue;
    const number = (index: number): number => Number(cells[index]);
    rows.push({
      tables: number(columns.tables),
      salu: number(columns.salu),
      vliw: number(columns.vliw),
      tcam: number(columns.tcam),
      sram: number(columns.sram),
    });
  }
  return rows;
}
