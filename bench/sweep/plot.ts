/** Line plots as SVG, with logarithmic axes: only what the performance page needs. */

interface Series {
  readonly name: string;
  /** Above zero. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Text of a value on the x axis; default its digits. */
  readonly xText?: (value: number) => string;
  /** Space for the legend above the largest value, as a factor of it. */
  readonly above?: number;
  /** Where the curves leave room for the legend; default above them. */
  readonly legend?: 'top' | 'bottom';
  readonly series: readonly Series[];
}

const WIDTH = 460;
const HEIGHT = 330;
const MARGIN = { left: 62, right: 16, top: 34, bottom: 48 } as const;
/** Colours that colour-blind readers tell apart (Okabe and Ito), and marks for print. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9'] as const;
const MARKS = ['circle', 'square', 'diamond', 'triangle', 'ring'] as const;

/** Panels in rows of two. */
export function plot(panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / 2);
  const body = panels.map(
    (panel, i) => `<g transform="translate(${(i % 2) * WIDTH},${Math.floor(i / 2) * HEIGHT})">\n${draw(panel)}\n</g>`,
  );
  const size = `width="${2 * WIDTH}" height="${rows * HEIGHT}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${2 * WIDTH} ${rows * HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect ${size} fill="#ffffff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function draw({
  title,
  x,
  y,
  series,
  xText = short,
  legend = 'top',
  above = legend === 'top' ? 2.5 : 1,
}: Panel): string {
  const all = series.flatMap(({ points }) => points);
  const across = axis(
    all.map((point) => point[0]),
    MARGIN.left,
    WIDTH - MARGIN.right,
    'tight',
    above,
  );
  const up = axis(
    all.map((point) => point[1]),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
    'decades',
    above,
  );
  const legendTop = legend === 'top' ? MARGIN.top + 12 : HEIGHT - MARGIN.bottom - 16 * series.length + 8;
  const [left, right, bottom, top] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom, MARGIN.top];
  return [
    text((left + right) / 2, top - 14, title, 'middle', 'font-weight="bold"'),
    ...up.ticks.flatMap((value) => [
      line(left, up.at(value), right, up.at(value), '#dddddd'),
      text(left - 6, up.at(value) + 4, short(value), 'end'),
    ]),
    ...across.ticks.flatMap((value) => [
      line(across.at(value), bottom, across.at(value), bottom + 4, '#333333'),
      text(across.at(value), bottom + 18, xText(value), 'middle'),
    ]),
    line(left, bottom, right, bottom, '#333333'),
    line(left, bottom, left, top, '#333333'),
    text((left + right) / 2, HEIGHT - 12, x, 'middle'),
    `<text transform="translate(14,${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    ...series.flatMap(({ name, points }, i) =>
      curve(
        name,
        points.map((point) => [across.at(point[0]), up.at(point[1])] as const),
        i,
        left + 12,
        legendTop + 16 * i,
      ),
    ),
  ].join('\n');
}

function curve(
  name: string,
  points: readonly (readonly [number, number])[],
  i: number,
  legendX: number,
  legendY: number,
): string[] {
  const colour = COLOURS[i % COLOURS.length]!;
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')}"/>`,
    ...points.map(([px, py]) => mark(px, py, i, colour)),
    mark(legendX, legendY - 4, i, colour),
    text(legendX + 10, legendY, name, 'start'),
  ];
}

function mark(x: number, y: number, i: number, colour: string): string {
  const [px, py] = [x.toFixed(1), y.toFixed(1)];
  switch (MARKS[i % MARKS.length]) {
    case 'square':
      return `<rect x="${(x - 3).toFixed(1)}" y="${(y - 3).toFixed(1)}" width="6" height="6" fill="${colour}"/>`;
    case 'diamond':
      return `<path d="M${px},${(y - 4.5).toFixed(1)} l4.5,4.5 l-4.5,4.5 l-4.5,-4.5 z" fill="${colour}"/>`;
    case 'triangle':
      return `<path d="M${px},${(y - 4).toFixed(1)} l4,7 l-8,0 z" fill="${colour}"/>`;
    case 'ring':
      return `<circle cx="${px}" cy="${py}" r="3" fill="#ffffff" stroke="${colour}" stroke-width="1.6"/>`;
    default:
      return `<circle cx="${px}" cy="${py}" r="3.2" fill="${colour}"/>`;
  }
}

interface Axis {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** Logarithmic. With 'tight' each value that occurs is a tick, if there are few; with 'decades' 1, 2 and 5 of each power of ten. */
function axis(values: readonly number[], from: number, to: number, kind: 'tight' | 'decades', above: number): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const steps: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high * above * 10; power *= 10)
    steps.push(power, 2 * power, 5 * power);
  const [first, last] =
    kind === 'tight'
      ? [low, high]
      : [Math.max(...steps.filter((step) => step <= low)), Math.min(...steps.filter((step) => step >= high * above))];
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const all = kind === 'tight' ? distinct : steps.filter((step) => step >= first && step <= last);
  const ticks = all.length > 10 ? all.filter((step) => Number.isInteger(Math.log10(step))) : all;
  const span = Math.log(last / first) || 1;
  return { at: (value) => from + (Math.log(value / first) / span) * (to - from), ticks };
}

export function short(value: number): string {
  // Ticks are products of powers of ten, which are not exact below 1.
  if (value < 1) return value < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(6)));
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 10_000 ? `${value / 1000} k` : String(value);
}

export function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}"/>`;
}

export function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
