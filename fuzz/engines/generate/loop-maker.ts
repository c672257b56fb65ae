import type { Dice } from '../dice.js';
import { asData, call, field, hexstr, operation, type Json } from './json.js';
import { INVARIANTS, TEMPORARIES, type PrimitiveJson, type RegisterShape } from './loop-program.js';

const STATEMENTS = 8;
const MAX_DEPTH = 2;
const CAST_WIDTHS = [1, 7, 8, 16, 31, 32, 32, 33, 40];

/** Primitives of one action, whose jumps are relative until it is complete. */
export class LoopMaker {
  private readonly code: PrimitiveJson[] = [];
  private readonly indices = new Map<RegisterShape, Json>();
  private readonly written = new Set<string>();
  private readonly strange: boolean;

  constructor(
    private readonly dice: Dice,
    private readonly registers: readonly RegisterShape[],
  ) {
    // A few loops do what vector code cannot.
    this.strange = dice.oneIn(4);
  }

  make(): PrimitiveJson[] {
    const { dice, code } = this;
    if (dice.oneIn(2))
      code.push(this.assign('j', this.masked(dice.oneIn(2) ? this.invariant() : hexstr(dice.below(4)), 0x3f)));
    if (dice.oneIn(2)) code.push(this.assign('k', hexstr(dice.below(8))));
    code.push(this.assign('i', hexstr(dice.below(3))));
    const head = code.length;
    // The target is known at the end.
    const test = call(
      '_jump_if_zero',
      asData(operation('<', this.scalar('i'), hexstr(dice.oneIn(8) ? dice.below(6) : 7 + dice.below(14)))),
      hexstr(0),
    ) as PrimitiveJson;
    code.push(test);
    for (const [name] of TEMPORARIES) if (!this.strange || !dice.oneIn(6)) code.push(this.define(name));
    for (let n = 0; n < STATEMENTS; n++) this.statement(MAX_DEPTH);
    const step = this.strange && dice.oneIn(4) ? 1 + dice.below(3) : 1;
    if (!this.strange || !dice.oneIn(4))
      code.push(this.assign('j', this.masked(operation('+', this.scalar('j'), hexstr(1)), 0xffffffff)));
    if (!dice.oneIn(4))
      code.push(this.assign('k', this.masked(operation('+', this.scalar('k'), hexstr(1 + dice.below(3))), 0xffff)));
    code.push(this.assign('i', this.masked(operation('+', this.scalar('i'), hexstr(step)), 0xffffffff)));
    code.push(call('_jump', hexstr(head)) as PrimitiveJson);
    test.parameters[1] = hexstr(code.length);
    return code;
  }

  private statement(depth: number): void {
    const { dice, code } = this;
    switch (dice.below(9)) {
      case 0:
      case 1:
        code.push(this.define(dice.pick(TEMPORARIES)[0]));
        return;
      case 2:
      case 3:
        code.push(this.write());
        return;
      case 4:
        code.push(
          call(
            'count',
            { type: 'counter_array', value: 'counts' },
            this.strange && dice.oneIn(3)
              ? this.temporary()
              : dice.oneIn(2)
                ? this.invariant()
                : hexstr(dice.below(14)),
          ) as PrimitiveJson,
        );
        return;
      case 5:
        code.push(this.reduce());
        return;
      case 6:
        if (this.strange && dice.oneIn(3)) {
          code.push(this.odd());
          return;
        }
        code.push(this.define(dice.pick(TEMPORARIES)[0]));
        return;
      default:
        this.branch(depth);
    }
  }

  /** if (condition) { … } else { … } as p4c writes it. */
  private branch(depth: number): void {
    const { dice, code } = this;
    if (depth === 0) return;
    const test = call('_jump_if_zero', asData(this.condition(2)), hexstr(0)) as PrimitiveJson;
    code.push(test);
    for (let n = 1 + dice.below(3); n > 0; n--) this.statement(depth - 1);
    if (dice.oneIn(2)) {
      test.parameters[1] = hexstr(code.length);
      return;
    }
    const end = call('_jump', hexstr(0)) as PrimitiveJson;
    code.push(end);
    test.parameters[1] = hexstr(code.length);
    for (let n = 1 + dice.below(2); n > 0; n--) this.statement(depth - 1);
    end.parameters[0] = hexstr(code.length);
  }

  private assign(name: string, value: Json): PrimitiveJson {
    return call('assign', this.scalar(name), value) as PrimitiveJson;
  }

  private define(name: string): PrimitiveJson {
    const { dice } = this;
    const value = this.value(2);
    const read = dice.oneIn(3);
    this.written.add(name);
    if (!read) return this.assign(name, value);
    const register = dice.pick(this.registers);
    return call(
      'register_read',
      this.scalar(name),
      { type: 'register_array', value: register.name },
      this.index(register),
    ) as PrimitiveJson;
  }

  private write(): PrimitiveJson {
    const register = this.dice.pick(this.registers);
    return call(
      'register_write',
      { type: 'register_array', value: register.name },
      this.index(register),
      this.value(2),
    ) as PrimitiveJson;
  }

  /** The same for all accesses to a register, unless the loop is a strange one. */
  private index(register: RegisterShape): Json {
    const { dice } = this;
    let index = this.indices.get(register);
    if (index === undefined || (this.strange && dice.oneIn(6))) {
      const counter = this.scalar(dice.pick(['i', 'i', 'j']));
      const base = dice.oneIn(2) ? hexstr(dice.below(8)) : this.masked(this.invariant(), 0x1f);
      index = dice.oneIn(3) ? this.masked(operation('+', counter, base), 0xffffffff) : counter;
      if (this.strange && dice.oneIn(6)) index = this.temporary();
      this.indices.set(register, index);
    }
    return index;
  }

  private reduce(): PrimitiveJson {
    const { dice } = this;
    const name = dice.pick(['sum', 'bits']);
    const place = field('h', name);
    const by = this.masked(this.value(1), 0xffff);
    const value =
      name === 'bits'
        ? operation(dice.pick(['|', '|', '|', '^']), place, by)
        : this.masked(operation('+', place, by), 0xffffffff);
    return call('assign', place, value) as PrimitiveJson;
  }

  /** What keeps a loop as it is. */
  private odd(): PrimitiveJson {
    const { dice } = this;
    switch (dice.below(4)) {
      case 0:
        return this.assign(
          't0',
          operation('/', this.temporary(), operation('|', this.temporary(), hexstr(dice.below(2)))),
        );
      case 1:
        return call('exit') as PrimitiveJson;
      case 2:
        return this.assign('i', this.masked(operation('+', this.scalar('i'), hexstr(1)), 0xffffffff));
      default:
        return this.assign('t3', operation('*', operation('*', this.temporary(), this.temporary()), this.temporary()));
    }
  }

  private scalar(name: string): Json {
    return field('scalars', name);
  }

  /** One that the pass has written already, mostly. */
  private temporary(): Json {
    const { dice } = this;
    const names = TEMPORARIES.map(([name]) => name).filter((name) => this.written.has(name));
    return names.length === 0 || (this.strange && dice.oneIn(20))
      ? this.scalar(dice.pick(['i', 'k']))
      : this.scalar(dice.pick(names));
  }

  private invariant(): Json {
    return field('h', this.dice.pick(INVARIANTS));
  }

  private masked(value: Json, mask: number): Json {
    return operation('&', value, hexstr(mask));
  }

  private leaf(): Json {
    const { dice } = this;
    switch (dice.below(6)) {
      case 0:
        return hexstr(dice.value(dice.pick([4, 8, 32])));
      case 1:
        return this.invariant();
      case 2:
        return this.scalar(dice.pick(['i', 'j', 'k']));
      default:
        return this.temporary();
    }
  }

  private value(depth: number): Json {
    const { dice } = this;
    if (depth === 0 || dice.oneIn(5)) return this.leaf();
    const next = (): Json => this.value(depth - 1);
    const cut = (value: Json): Json =>
      dice.oneIn(3) ? value : this.masked(value, dice.pick([0xffffffff, 0xffffffff, 0xffff, 0xff]));
    const word = (value: Json): Json => this.masked(value, 0xffffffff);
    const varying = (): Json => this.masked(next(), dice.pick([7, 31, 0xff]));
    const distance = (): Json => (dice.oneIn(2) ? hexstr(dice.below(40)) : varying());
    // The rest of a distance to 31, as in code that rounds what a right shift loses.
    const rest = (): Json => this.masked(operation('-', hexstr(31), varying()), 0xff);
    switch (dice.below(12)) {
      case 0:
        return operation('~', null, next());
      case 1:
        return cut(operation('<<', word(next()), dice.oneIn(3) ? rest() : distance()));
      case 2:
      case 3:
        return operation(
          '>>',
          dice.oneIn(2) ? operation('two_comp_mod', next(), hexstr(32)) : word(next()),
          distance(),
        );
      case 4:
        return operation(dice.pick(['two_comp_mod', 'usat_cast', 'sat_cast']), next(), hexstr(dice.pick(CAST_WIDTHS)));
      case 5:
        return asData(this.condition(1));
      case 6:
        return operation('?', next(), next(), this.condition(1));
      case 7: {
        const [x, y] = [operation('two_comp_mod', next(), hexstr(32)), operation('two_comp_mod', next(), hexstr(32))];
        return operation('sat_cast', operation(dice.pick(['+', '-']), x, y), hexstr(32));
      }
      case 8: {
        const place = this.scalar(this.written.has('t5') ? 't5' : 'i');
        const byte = (shift: string, by: number, mask: number): Json =>
          this.masked(operation(shift, place, hexstr(by)), mask);
        return [
          byte('<<', 24, 0xffffffff),
          byte('<<', 8, 0xff0000),
          byte('>>', 8, 0xff00),
          byte('>>', 24, 0xff),
        ].reduce((x, y) => operation('|', x, y));
      }
      default:
        return cut(operation(dice.pick(['+', '+', '-', '*', '&', '|', '^']), next(), next()));
    }
  }

  private condition(depth: number): Json {
    const { dice } = this;
    if (depth > 0 && dice.oneIn(4))
      return operation(dice.pick(['and', 'or']), this.condition(depth - 1), this.condition(depth - 1));
    if (depth > 0 && dice.oneIn(6)) return operation('not', null, this.condition(depth - 1));
    const left = this.value(1);
    switch (dice.below(4)) {
      case 0:
        return operation('!=', this.masked(left, 0x80000000), hexstr(0));
      case 1: {
        const sum = operation(
          '+',
          operation('two_comp_mod', this.value(1), hexstr(32)),
          operation('two_comp_mod', this.temporary(), hexstr(32)),
        );
        return operation('!=', operation('sat_cast', sum, hexstr(32)), operation('two_comp_mod', sum, hexstr(32)));
      }
      default:
        return operation(
          dice.pick(['<', '>', '<=', '>=', '==', '!=']),
          left,
          dice.oneIn(2) ? this.value(1) : hexstr(dice.value(dice.pick([8, 16, 32]))),
        );
    }
  }
}
