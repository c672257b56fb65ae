/** Random expressions over the tables of data.ts, and what is free in an answer that shows them. */
import type { Random } from '../../net/random.js';

/** What two right answers may differ in. */
export interface Freedom {
  /** Sums of floating-point values that are rounded: the order of rows is free. */
  isRounded: boolean;
  /** Zeros of both signs are one value: which of them an answer shows. */
  hasBothZeros: boolean;
  /** Texts that a collation makes equal are one value. */
  folds: boolean;
}

export class SqlExpressions {
  readonly freedom: Freedom = { isRounded: false, hasBothZeros: false, folds: false };

  constructor(
    readonly dice: Random,
    /** Of t's columns; also in capitals, which mean the same. */
    private readonly qualifier = '',
  ) {}

  column(...names: string[]): string {
    const name = this.dice.pick(names);
    if (name === 'y') this.freedom.hasBothZeros = true;
    if (name === 'r') this.freedom.isRounded = true;
    const written = this.dice.oneIn(12) ? name.toUpperCase() : name;
    return this.qualifier !== '' || this.dice.oneIn(10) ? `${this.qualifier || 't'}.${written}` : written;
  }

  /** Something to group or to order by. */
  key(): string {
    const { dice } = this;
    switch (dice.below(9)) {
      case 0:
        return `${this.column('k', 'id')} % 3`;
      case 1:
        return `${this.column('x', 'n', 'r')} IS NULL`;
      case 2:
        return `upper(${this.column('g')})`;
      case 3:
        return `-${this.column('z', 'k', 'x')}`;
      default:
        return this.column('k', 'g', 'y', 'z', 'z', 'f', 'b', 'm', 'd', 'dt', 'x', 'w', 'u', 'ts');
    }
  }

  number(): string {
    const { dice } = this;
    switch (dice.below(7)) {
      case 0:
        return `${this.column('n', 'x', 'd')} * 2`;
      case 1:
        return `${this.column('n')} + ${this.column('k', 'n')}`;
      case 2:
        return `CASE WHEN ${this.condition()} THEN ${this.column('n', 'k')} END`;
      default:
        return this.column('n', 'x', 'y', 'z', 'f', 'r', 'd', 'k', 'w', 'id');
    }
  }

  aggregate(): string {
    const { dice } = this;
    const filter = dice.oneIn(10) ? ` FILTER (WHERE ${this.condition()})` : '';
    switch (dice.below(10)) {
      case 0:
      case 1:
      case 2:
        return `sum(${this.number()})${filter}`;
      case 3:
        return `avg(${this.number()})${filter}`;
      case 4:
      case 5:
      case 6:
        return `${dice.pick(['min', 'max'])}(${this.ordered()})${filter}`;
      case 7:
        return `count(${dice.oneIn(5) ? 'DISTINCT ' : ''}${this.column('x', 'g', 'n', 'z', 'm')})${filter}`;
      case 8:
        return dice.oneIn(4)
          ? dice.pick([`bool_or(${this.column('b')})`, `median(${this.column('n', 'k')})`, 'count(DISTINCT k)'])
          : `count(*)${filter}`;
      default:
        return `sum(${this.column('n', 'x', 'k')}) ${dice.pick(['+', '-'])} count(*)`;
    }
  }

  ordered(): string {
    return this.dice.oneIn(4)
      ? this.column('dt', 'ts', 'b', 'u', 'g', 'm', 'w')
      : this.column('x', 'y', 'z', 'z', 'f', 'r', 'n', 'd', 'k', 'id');
  }

  condition(): string {
    const { dice } = this;
    const collation = dice.pick(['NOCASE', 'NOACCENT', 'NOCASE.NOACCENT']);
    switch (dice.below(12)) {
      case 0:
        return `${this.column('k', 'n', 'id')} ${dice.pick(['<', '>=', '<>', '='])} ${dice.between(-2, 6)}`;
      case 1:
        return `${this.column('x', 'y', 'z', 'f')} ${dice.pick(['<', '>', '<=', '=', '<>', '>='])} ${dice.pick(['0', '-0.0', '1.5', "'NaN'::DOUBLE", "'-Infinity'::DOUBLE", '-1.5e0'])}`;
      case 2:
        return `${this.column('g')} LIKE '${dice.pick(['a%', '%b', '%A%'])}'`;
      case 3:
        return `${this.column('g')} COLLATE ${collation} ${dice.pick(['=', '<', '>='])} '${dice.pick(['AB', 'á', 'x'])}'`;
      case 4:
        return `${this.column('g', 'x', 'k')} IS ${dice.oneIn(2) ? 'NOT ' : ''}NULL`;
      case 5:
        return `${dice.oneIn(2) ? 'NOT ' : ''}${this.column('b')}`;
      case 6:
        return `${this.column('k')} IN (1, 2, ${dice.between(3, 9)})`;
      case 7:
        return `(${this.column('d')} > 5 OR ${this.column('k')} = 1)`;
      case 8:
        return `${this.column('m')} = '${dice.pick(['ok', 'sad'])}'`;
      case 9:
        return `${this.column('dt')} >= DATE '1970-01-01'`;
      case 10:
        return `${this.column('z')} IS DISTINCT FROM ${this.column('y', 'z')}`;
      default:
        return `${this.column('x')} BETWEEN -3 AND ${dice.between(0, 20)}`;
    }
  }

  where(): string {
    const { dice } = this;
    if (dice.oneIn(2)) return '';
    const freedom = { ...this.freedom };
    const text = ` WHERE ${this.condition()}${dice.oneIn(3) ? ` AND ${this.condition()}` : ''}`;
    // A condition shows nothing.
    Object.assign(this.freedom, freedom);
    return text;
  }

  direction(): string {
    return this.dice.pick(['', '', ' DESC', ' ASC NULLS FIRST', ' DESC NULLS FIRST']);
  }
}
