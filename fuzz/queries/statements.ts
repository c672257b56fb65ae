/** Random SELECTs over the tables of data.ts. */
import type { Random } from '../../net/random.js';
import { SqlExpressions, type Freedom } from './expressions.js';

export interface FuzzedQuery extends Freedom {
  readonly kind: string;
  readonly sql: string;
  /** Is the place of each row of the answer certain? */
  readonly isOrdered: boolean;
  /** Does a LIMIT choose among tied rows? */
  readonly hasChoice: boolean;
}

type Draft = Pick<FuzzedQuery, 'sql'> & Partial<FuzzedQuery>;

export function randomQuery(dice: Random): FuzzedQuery {
  const kind = dice.pick(Object.keys(KINDS));
  const e = new SqlExpressions(dice);
  const draft = KINDS[kind]!(e);
  return { kind, isOrdered: false, hasChoice: false, ...e.freedom, ...draft };
}

const KINDS: Readonly<Record<string, (e: SqlExpressions) => Draft>> = {
  aggregate,
  distinct,
  top,
  'top over *': topOfStar,
  join: (e) => joined(e),
  'join with LIMIT': (e) => ({
    sql: `${joined(e).sql} ORDER BY ALL LIMIT ${e.dice.below(9)}`,
    isOrdered: false,
  }),
  subquery,
  'set operation': setOperation,
  derived,
  window: windowed,
};

/** Names that also are columns', so that it matters what a name means. */
const NAMES = ['a', 'k', 'n', 'x', 'z', 'id', 'b', 'A'];

function named(e: SqlExpressions, text: string): string {
  return e.dice.oneIn(3) ? `${text} AS ${e.dice.pick(NAMES)}` : text;
}

function list(dice: Random, low: number, high: number, make: () => string): string[] {
  return Array.from({ length: dice.between(low, high) }, make);
}

function aggregate(e: SqlExpressions): Draft {
  const { dice } = e;
  const keys = list(dice, 0, 3, () => e.key());
  const collated = keys.length > 0 && dice.oneIn(12);
  if (collated) {
    keys[0] = `${e.column('g')} COLLATE ${dice.pick(['NOCASE', 'NOACCENT'])}`;
    e.freedom.folds = true;
  }
  const aggregates = list(dice, 1, 3, () => named(e, e.aggregate()));
  const shown = keys.filter(() => !dice.oneIn(6));
  const keyItems = shown.map((key) => named(e, key));
  const items = dice.oneIn(4) ? [...aggregates, ...keyItems] : [...keyItems, ...aggregates];
  const ordinals = shown.length === keys.length && items[0] === keyItems[0] && dice.oneIn(4);
  const groups =
    keys.length === 0
      ? ''
      : ` GROUP BY ${dice.oneIn(4) && shown.length === keys.length ? 'ALL' : ordinals ? keys.map((_, i) => i + 1).join(', ') : keys.join(', ')}`;
  const where = e.where();
  const having = dice.oneIn(3)
    ? ` HAVING ${dice.pick(['sum(n)', 'count(*)', 'min(x)', 'max(d)', 'sum(x)', 'count(n)', 'min(z)', 'max(z)', 'max(f)', 'avg(n)', ...NAMES.slice(1, 5)])} ${dice.pick(['<', '<=', '>', '>='])} ${dice.pick(['0', '3', '100.25', '-1', "'NaN'::DOUBLE", '-0.0'])}`
    : '';
  const order = dice.oneIn(3)
    ? ` ORDER BY ${list(dice, 1, 2, () => `${dice.oneIn(2) ? dice.between(1, items.length) : dice.pick([...keys, ...NAMES.slice(1, 4)])}${e.direction()}`).join(', ')}`
    : '';
  const limit = order !== '' && dice.oneIn(3) ? ` LIMIT ${dice.below(6)}` : '';
  return {
    sql: `SELECT ${items.join(', ')} FROM t${where}${groups}${having}${order}${limit}`,
    hasChoice: limit !== '',
  };
}

function distinct(e: SqlExpressions): Draft {
  const { dice } = e;
  const items = list(dice, 1, 3, () => named(e, e.key()));
  if (dice.oneIn(8)) {
    items[0] = `${e.column('g')} COLLATE NOCASE`;
    e.freedom.folds = true;
  }
  const order = dice.oneIn(3)
    ? ` ORDER BY ${dice.oneIn(2) ? 'ALL' : dice.between(1, items.length)}${e.direction()}`
    : '';
  const limit = order !== '' && dice.oneIn(2) ? ` LIMIT ${dice.below(6)}` : '';
  return { sql: `SELECT DISTINCT ${items.join(', ')} FROM t${e.where()}${order}${limit}`, hasChoice: limit !== '' };
}

function limited(e: SqlExpressions): string {
  return ` LIMIT ${e.dice.below(12)}${e.dice.oneIn(3) ? ` OFFSET ${e.dice.below(8)}` : ''}`;
}

function top(e: SqlExpressions): Draft {
  const { dice } = e;
  const items = list(dice, 1, 3, () => named(e, dice.oneIn(2) ? e.key() : e.number()));
  const orders = list(
    dice,
    1,
    2,
    () =>
      `${dice.oneIn(4) ? e.column('g') + ` COLLATE ${dice.pick(['NOCASE', 'NOACCENT'])}` : dice.oneIn(2) ? dice.pick([...NAMES.slice(1), String(dice.between(1, items.length))]) : e.ordered()}${e.direction()}`,
  );
  const isTotal = dice.oneIn(2);
  return {
    sql: `SELECT ${items.join(', ')} FROM t${e.where()} ORDER BY ${[...orders, ...(isTotal ? ['t.id'] : [])].join(', ')}${limited(e)}`,
    isOrdered: isTotal,
    hasChoice: !isTotal,
  };
}

function star(e: SqlExpressions): string {
  const { dice } = e;
  const column = dice.pick(['k', 'x', 'n', 'z', 'f']);
  switch (dice.below(9)) {
    case 0:
      return `* EXCLUDE (${column})`;
    case 1:
      return `* EXCLUDE (id, ${column})`;
    case 2:
      return `* REPLACE (-${column} AS ${column})`;
    case 3:
      return `* RENAME (${column} AS ${dice.pick(['other', 'q'])})`;
    case 4:
      return `COLUMNS('^[${column}nd]$')`;
    case 5:
      return "COLUMNS('^(id|n|k)$') + 1";
    case 6:
      return `t.* EXCLUDE (${column})`;
    default:
      return '*';
  }
}

function topOfStar(e: SqlExpressions): Draft {
  const { dice } = e;
  e.freedom.hasBothZeros = true;
  const extra = list(dice, 0, 2, () => `${e.dice.pick(['-n', 'k', 'n', '-x', 'x', '-id'])} AS ${dice.pick(NAMES)}`);
  const at = dice.below(extra.length + 1);
  const items = [...extra.slice(0, at), star(e), ...extra.slice(at)];
  const isTotal = dice.oneIn(2);
  const orders = dice.oneIn(8)
    ? `ALL${e.direction()}`
    : [
        ...list(
          dice,
          1,
          2,
          () =>
            `${dice.oneIn(2) ? dice.between(1, 3) : dice.pick([...NAMES.slice(1), 't.n', 't.x', 'n + 1', '-k'])}${e.direction()}`,
        ),
        ...(isTotal ? ['t.id'] : []),
      ].join(', ');
  return {
    sql: `SELECT ${items.join(', ')} FROM t${e.where()} ORDER BY ${orders}${dice.oneIn(6) ? '' : limited(e)}`,
    isOrdered: isTotal && !orders.startsWith('ALL'),
    hasChoice: !isTotal || orders.startsWith('ALL'),
  };
}

function joined(e: SqlExpressions): Draft {
  const { dice } = e;
  const on = dice.pick([
    't.k = o.k',
    't.g = o.g',
    't.y = o.y',
    't.z = o.y',
    't.k = o.k AND o.v > 90',
    't.k = o.k AND t.g = o.g',
    't.k + 1 = o.k',
    't.g = o.g COLLATE NOCASE',
    't.g COLLATE NOACCENT = o.g',
    't.f = o.y',
    't.k = o.v / 10',
  ]);
  const kind = dice.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN']);
  const isHalf = /SEMI|ANTI/.test(kind);
  const inner = new SqlExpressions(dice, 't');
  const where = inner.where();
  const third = !isHalf && dice.oneIn(5);
  const condition = third ? `${where === '' ? ' WHERE' : `${where} AND`} p.v = t.k` : where;
  const items = isHalf
    ? ['t.id', 't.z']
    : dice.pick([
        ['t.id', 'o.id'],
        ['t.id', 't.z AS z', 'o.v'],
        ['o.*', 't.id'],
        ['count(*)', 'sum(t.n)'],
        ['t.k', 'o.k AS k'],
      ]);
  if (items.includes('o.*')) e.freedom.hasBothZeros = true;
  const clause =
    dice.oneIn(6) && !isHalf
      ? `${kind} o USING (${dice.pick(['k', 'g', 'y'])})`
      : dice.oneIn(12) && kind === 'JOIN'
        ? 'NATURAL JOIN (SELECT k, v FROM o) o'
        : `${kind} o ON ${on}`;
  const merged = clause.includes('USING (y)');
  if (merged) e.freedom.hasBothZeros = true;
  return { sql: `SELECT ${items.join(', ')} FROM t ${clause}${third ? ', p' : ''}${condition}` };
}

function subquery(e: SqlExpressions): Draft {
  const { dice } = e;
  const where = e.where();
  const and = where === '' ? ' WHERE' : `${where} AND`;
  const not = dice.oneIn(3) ? 'NOT ' : '';
  const condition = dice.pick([
    `t.k ${not}IN (SELECT k FROM o WHERE o.k IS NOT NULL)`,
    `t.k ${not}IN (SELECT v FROM p WHERE q > 4)`,
    `t.g ${not}IN (SELECT g COLLATE NOCASE FROM o WHERE g IS NOT NULL)`,
    `t.g COLLATE NOCASE ${not}IN (SELECT s FROM p WHERE s IS NOT NULL)`,
    `${not}EXISTS (SELECT 1 FROM o WHERE o.k = t.k)`,
    `${not}EXISTS (SELECT * FROM o WHERE o.g = t.g AND o.v > 40)`,
    `${not}EXISTS (SELECT * FROM p WHERE p.s COLLATE NOACCENT = t.g)`,
    't.x > (SELECT avg(x) FROM t)',
    't.n >= (SELECT max(o.v) FROM o WHERE o.k = t.k)',
    't.z = (SELECT min(o.y) FROM o WHERE o.g = t.g)',
    't.k = ANY (SELECT count(*) FROM o GROUP BY k)',
  ]);
  const items = dice.pick([
    'id',
    'id, z',
    'id, (SELECT max(v) FROM o WHERE o.k = t.k) AS k',
    'id, (SELECT count(*) FROM p WHERE p.v = t.k)',
    'k, count(*)',
    'min(z), max(z), count(*)',
    'DISTINCT k, z',
  ]);
  return { sql: `SELECT ${items} FROM t${and} ${condition}${items.startsWith('k, count') ? ' GROUP BY k' : ''}` };
}

function setOperation(e: SqlExpressions): Draft {
  const { dice } = e;
  const part = (): string =>
    dice.pick([
      `SELECT k FROM t${e.where()}`,
      'SELECT DISTINCT k FROM t',
      'SELECT count(*) FROM t GROUP BY k',
      'SELECT k FROM o',
      'SELECT v FROM p',
      `SELECT sum(k) FROM t${e.where()}`,
      'SELECT max(n) AS k FROM t GROUP BY b',
    ]);
  const floats = (): string =>
    dice.pick([
      'SELECT z FROM t',
      'SELECT DISTINCT -x AS z FROM t',
      'SELECT min(z) FROM t GROUP BY k',
      'SELECT max(x) FROM t GROUP BY g',
    ]);
  const isFloat = dice.oneIn(3);
  const make = isFloat ? floats : part;
  const parts = list(dice, 2, 3, make);
  const operators = ['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL'];
  const sql = parts.slice(1).reduce((text, next) => `${text} ${dice.pick(operators)} ${next}`, parts[0]!);
  const order = dice.oneIn(3) ? ` ORDER BY 1${e.direction()}${dice.oneIn(2) ? ` LIMIT ${dice.below(8)}` : ''}` : '';
  return { sql: `${sql}${order}`, hasChoice: order.includes('LIMIT') };
}

function derived(e: SqlExpressions): Draft {
  const { dice } = e;
  const keys = [`${e.key()} AS a`, `${e.key()} AS c`];
  const inner = dice.pick([
    `SELECT ${keys.join(', ')}, ${e.aggregate()} AS s FROM t${e.where()} GROUP BY ALL`,
    `SELECT DISTINCT ${keys.join(', ')}, 1 AS s FROM t${e.where()}`,
    `SELECT ${keys.join(', ')}, ${e.number()} AS s FROM t${e.where()}`,
    `SELECT k AS a, k AS c, z AS s FROM t ORDER BY id DESC LIMIT ${dice.below(30)}`,
    'SELECT min(z) AS a, k AS c, max(z) AS s FROM t GROUP BY k HAVING count(*) > 3',
  ]);
  const outer = dice.pick([
    'SELECT a, c, s FROM _',
    'SELECT * FROM _',
    'SELECT s, count(*) FROM _ GROUP BY s',
    'SELECT count(*), count(a), count(DISTINCT c) FROM _',
    'SELECT c AS a, a FROM _',
    'SELECT a FROM _ WHERE s IS NOT NULL',
  ]);
  const order = outer.startsWith('SELECT c AS a') && dice.oneIn(2) ? ' ORDER BY a LIMIT 3' : '';
  const isNamed = dice.oneIn(3);
  return {
    sql: isNamed
      ? `WITH q AS (${inner}) ${outer.replace('_', 'q')}${order}`
      : `${outer.replace('_', `(${inner}) q`)}${order}`,
    hasChoice: order !== '',
  };
}

function windowed(e: SqlExpressions): Draft {
  const { dice } = e;
  const f = dice.pick(['row_number()', 'sum(n)', 'rank()', 'min(z)', 'max(x)', 'lag(n)', 'count(*)']);
  const window = `${f} OVER (${dice.oneIn(2) ? `PARTITION BY ${dice.pick(['k', 'b', 'm'])} ` : ''}ORDER BY ${dice.pick(['id', 'x, id', 'z DESC, id', 'n NULLS FIRST, id'])})`;
  const rest = dice.pick(['', ' ORDER BY id LIMIT 7', ' QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) <= 2']);
  return { sql: `SELECT id, ${window} AS ${dice.pick(['a', 'n', 'k'])} FROM t${e.where()}${rest}` };
}
