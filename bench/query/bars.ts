/** Bars as SVG, side by side for each label, on a logarithmic axis. */
import { COLOURS, line, short, text } from '../sweep/plot.js';

export interface BarPanel {
  readonly title: string;
  readonly unit: string;
  readonly labels: readonly string[];
  /** One value per label; 0 has no bar. */
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

const WIDTH = 920;
const LEFT = 270;
const RIGHT = 30;
const TOP = 52;
const BOTTOM = 40;
const BAR = 7;
const GAP = 8;

/** Panels below one another. */
export function barPlot(panels: readonly BarPanel[]): string {
  let height = 0;
  const body = panels.map((panel) => {
    const top = height;
    height += heightOf(panel);
    return `<g transform="translate(0,${top})">\n${draw(panel)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function rowHeight({ series }: BarPanel): number {
  return series.length * BAR + GAP;
}

function heightOf(panel: BarPanel): number {
  return TOP + panel.labels.length * rowHeight(panel) + BOTTOM;
}

function draw(panel: BarPanel): string {
  const { title, unit, labels, series } = panel;
  const positive = series.flatMap(({ values }) => values).filter((value) => value > 0);
  const [first, last] = [Math.floor(Math.log10(Math.min(...positive))), Math.ceil(Math.log10(Math.max(...positive)))];
  const x = (value: number): number =>
    LEFT + ((Math.log10(value) - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const bottom = heightOf(panel) - BOTTOM;
  const ticks = Array.from({ length: Math.max(1, last - first) + 1 }, (_, i) => 10 ** (first + i));
  const legend = (WIDTH - LEFT - RIGHT) / series.length;
  return [
    text((LEFT + WIDTH - RIGHT) / 2, 20, title, 'middle', 'font-weight="bold"'),
    ...series.flatMap(({ name }, s) => [
      bar(LEFT + s * legend, 33, 10, s),
      text(LEFT + s * legend + 14, 41, name, 'start', 'font-size="11"'),
    ]),
    ...ticks.flatMap((value) => [
      line(x(value), TOP, x(value), bottom, '#dddddd'),
      text(x(value), bottom + 16, tickOf(value), 'middle'),
    ]),
    ...labels.flatMap((label, i) => {
      const top = TOP + i * rowHeight(panel) + GAP / 2;
      const bars = series.flatMap(({ values }, s) =>
        values[i]! > 0 ? [bar(LEFT, top + s * BAR, Math.max(1, x(values[i]!) - LEFT), s)] : [],
      );
      return [text(LEFT - 8, top + (series.length * BAR) / 2 + 4, label, 'end'), ...bars];
    }),
    line(LEFT, TOP, LEFT, bottom, '#333333'),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 33, unit, 'middle'),
  ].join('\n');
}

function tickOf(value: number): string {
  return value >= 1 ? short(value) : String(Number(value.toPrecision(1)));
}

function bar(left: number, top: number, width: number, series: number): string {
  return `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${BAR - 1}" fill="${COLOURS[series % COLOURS.length]!}"/>`;
}
