import type { Expression, FieldDef, HeaderDef } from '../json/data.js';
import { unsignedRange } from '../machine/value-representation.js';
import type { ParserOp, ParserStateDef } from '../json/program.js';
import type { Ref } from './binaryen.js';
import { aroundVarbit, BitCompiler } from './bits.js';
import { CalculationCompiler } from './calculations.js';
import { HeaderCompiler } from './headers.js';
import { FRAME, type Slot } from '../machine/layout.js';
import { PrimitiveCompiler } from './primitives.js';
import { CompileScope } from './scope.js';
import { SelectCompiler } from './select.js';
import { scalarSource } from './stores.js';
import type { Unit } from './unit.js';
import { MAX_PARSER_STATES } from '../limits.js';

/** Results of the function of a state, other than the number of the next one. */
const END = -1;
const FAILED = -2;

/** Lengths beyond this exceed any packet, so their exact value does not matter. */
const LONGEST_BITS_WIDTH = 41n;
const LONGEST_BITS = 1n << (LONGEST_BITS_WIDTH - 1n);

/** Adds parse(frame): one function for each state, and the loop that goes from state to state. */
export function addParser(unit: Unit): void {
  const { m, b, program } = unit;
  const { parser, errors } = program;
  for (const state of parser.states) new StateCompiler(state, unit).add();

  const scope = new CompileScope(unit, 1, undefined);
  const at = scope.local('i32');
  const visited = scope.local('i32');
  const get = (local: number): Ref => m.local.get(local, b.i32);
  let step = m.unreachable();
  for (const state of [...parser.states].reverse()) {
    const run = m.local.set(at, m.call(stateName(state), [scope.frame], b.i32));
    step = m.if(m.i32.eq(get(at), m.i32.const(state.index)), run, step);
  }
  const count = m.local.tee(visited, m.i32.add(get(visited), m.i32.const(1)), b.i32);
  const body = m.block(
    null,
    [
      scope.setWord(FRAME.parserError, m.i32.const(errors.get('NoError')!)),
      scope.setWord(FRAME.cursor, scope.word(FRAME.start)),
      m.local.set(at, m.i32.const(parser.start?.index ?? END)),
      m.block('end', [
        m.loop(
          'next',
          m.block(null, [
            m.br_if('end', m.i32.lt_s(get(at), m.i32.const(0))),
            m.if(m.i32.gt_u(count, m.i32.const(MAX_PARSER_STATES)), unit.abort('the parser does not terminate')),
            step,
            m.br('next'),
          ]),
        ),
      ]),
      scope.setWord(FRAME.start, scope.word(FRAME.cursor)),
      ...verifyChecksums(scope),
      ...setResult(scope),
    ],
    b.none,
  );
  m.addFunction('parse', b.createType([b.i32]), b.none, scope.vars, body);
  m.addFunctionExport('parse', 'parse');
}

function setResult(scope: CompileScope): Ref[] {
  const { program } = scope.unit;
  const compiler = new PrimitiveCompiler(scope);
  const set = (name: string, word: number): Ref[] => {
    const field = program.architecture.get(name);
    if (field === undefined) return [];
    return [compiler.store(field, scalarSource(scope.word(word), unsignedRange(32), scope, compiler.expressions))];
  };
  return [
    ...set('standard_metadata.parser_error', FRAME.parserError),
    ...set('standard_metadata.checksum_error', FRAME.checksumError),
  ];
}

function verifyChecksums(scope: CompileScope): Ref[] {
  const { m, program } = scope.unit;
  const { expressions } = new PrimitiveCompiler(scope);
  const steps = [scope.setWord(FRAME.checksumError, m.i32.const(0))];
  for (const def of program.checksums.filter((c) => c.verify)) {
    const value = new CalculationCompiler(scope).compute(def.calculation);
    const slot = scope.slot(def.target);
    const wrong = slot.kind === 'wide' ? unequalLimbs(scope, value, slot) : unequal(scope, value, def.target);
    const check = m.if(wrong, scope.setWord(FRAME.checksumError, m.i32.const(1)));
    const guarded = def.condition === undefined ? check : m.if(expressions.bool(def.condition), check);
    steps.push(m.if(scope.isValid(def.target.header), guarded));
    scope.endStatement();
  }
  return steps;
}

/** A hash is unsigned and has at most 64 bits, so a negative value never equals it. */
function unequal(scope: CompileScope, hash: Ref, field: FieldDef): Ref {
  const { m } = scope.unit;
  const different = m.i64.ne(hash, scope.readField(field, 'i64'));
  return field.signed ? m.i32.or(different, m.i64.lt_s(scope.readField(field, 'i64'), m.i64.const(0n))) : different;
}

/** In a value that equals a hash, all limbs above the lowest are zero. */
function unequalLimbs(scope: CompileScope, hash: Ref, { offset, limbs }: Slot): Ref {
  const { m } = scope.unit;
  const limb = (i: number): Ref => m.i64.load(offset + 8 * i, 8, scope.frame);
  let different = m.i64.ne(hash, limb(0));
  for (let i = 1; i < limbs; i++) different = m.i32.or(different, m.i64.ne(limb(i), m.i64.const(0n)));
  return different;
}

function stateName(state: ParserStateDef): string {
  return `state${state.index}`;
}

class StateCompiler {
  private readonly scope: CompileScope;
  private readonly primitives: PrimitiveCompiler;
  private readonly bits: BitCompiler;
  private readonly headers: HeaderCompiler;
  private readonly cursor: number;

  constructor(
    private readonly state: ParserStateDef,
    private readonly unit: Unit,
  ) {
    this.scope = new CompileScope(unit, 1, undefined);
    this.primitives = new PrimitiveCompiler(this.scope);
    this.bits = new BitCompiler(this.scope);
    this.headers = new HeaderCompiler(this.scope);
    this.cursor = this.scope.local('i32');
  }

  add(): void {
    const { m, b } = this.unit;
    const ops = this.state.ops.map((op) => {
      const compiled = this.op(op);
      this.scope.endStatement();
      return compiled;
    });
    const select = new SelectCompiler(
      this.scope,
      this.at,
      (next) => m.i32.const(next?.index ?? END),
      this.fail('PacketTooShort'),
    );
    const body = m.block(null, [this.reload(), ...ops, select.compile(this.state)], b.i32);
    m.addFunction(stateName(this.state), b.createType([b.i32]), b.i32, this.scope.vars, body);
  }

  /** The position of the parser. */
  private readonly at = (): Ref => this.unit.m.local.get(this.cursor, this.unit.b.i32);

  private reload(): Ref {
    return this.unit.m.local.set(this.cursor, this.scope.word(FRAME.cursor));
  }

  private advance(by: Ref): Ref[] {
    const { m } = this.unit;
    return [m.local.set(this.cursor, m.i32.add(this.at(), by)), this.scope.setWord(FRAME.cursor, this.at())];
  }

  private fail(error: string): Ref {
    const { m } = this.unit;
    return m.block(null, [
      this.scope.setWord(FRAME.parserError, m.i32.const(this.unit.program.errors.get(error)!)),
      m.return(m.i32.const(FAILED)),
    ]);
  }

  private left(): Ref {
    return this.unit.m.i32.sub(this.scope.word(FRAME.end), this.at());
  }

  private op(op: ParserOp): Ref {
    const { m, b } = this.unit;
    switch (op.op) {
      case 'extract':
        return this.extract(op);
      case 'set': {
        const stored = this.primitives.setFrom(op.field, op.from);
        if (stored === undefined) throw new Error(`field ${op.field.name} of variable width cannot be set`);
        return stored;
      }
      case 'lookahead':
        return this.lookahead(op);
      case 'verify': {
        const { expressions } = this.primitives;
        // It ends the parser whatever the error is, including NoError.
        return m.if(
          m.i32.eqz(expressions.bool(op.condition)),
          m.block(null, [
            this.scope.setWord(FRAME.parserError, expressions.low(op.error, 'i32')),
            m.return(m.i32.const(FAILED)),
          ]),
        );
      }
      case 'advance': {
        const bits = this.bitCount(op.bits);
        return m.block(
          null,
          [
            bits.set,
            m.if(bits.notBytes(), this.fail('ParserInvalidArgument')),
            m.if(m.i64.lt_s(m.i64.extend_s(this.left()), bits.bytes()), this.fail('PacketTooShort')),
            ...this.advance(m.i32.wrap(bits.bytes())),
          ],
          b.none,
        );
      }
      case 'primitive':
        return this.primitives.compile(op.primitive);
    }
  }

  /**
   * A number of bits as i64, saturated to what can matter, and whether it is no whole number of bytes, which saturation
   * must not hide.
   */
  private bitCount(e: Expression): { set: Ref; get: () => Ref; notBytes: () => Ref; bytes: () => Ref } {
    const { m, b } = this.unit;
    const { expressions } = this.primitives;
    const local = this.scope.local('i64');
    const get = (): Ref => m.local.get(local, b.i64);
    const { min, max } = expressions.range(e);
    const bits: Expression = { op: 'constant', type: 'data', value: LONGEST_BITS_WIDTH };
    const small = min >= -LONGEST_BITS && max < LONGEST_BITS;
    const cut: Expression = small ? e : { op: 'arithmetic', type: 'data', operator: 'sat_cast', left: e, right: bits };
    const notBytes = (): Ref => {
      const odd = m.i64.ne(m.i64.and(small ? get() : expressions.low(e, 'i64'), m.i64.const(7n)), m.i64.const(0n));
      return min < 0n ? m.i32.or(odd, m.i64.lt_s(get(), m.i64.const(0n))) : odd;
    };
    return {
      set: m.local.set(local, expressions.low(cut, 'i64')),
      get,
      notBytes,
      bytes: () => m.i64.shr_s(get(), m.i64.const(3n)),
    };
  }

  private lookahead({ field, bitOffset, width }: Extract<ParserOp, { op: 'lookahead' }>): Ref {
    const { m, b } = this.unit;
    const check = m.if(m.i32.lt_s(this.left(), m.i32.const(Math.ceil(width / 8))), this.fail('PacketTooShort'));
    let source;
    if (width <= 64) {
      source = scalarSource(
        this.bits.read(this.at, bitOffset, width),
        unsignedRange(width),
        this.scope,
        this.primitives.expressions,
      );
    } else {
      const limbs = Math.ceil(width / 64);
      const to = this.scope.scratch(limbs);
      const stores = Array.from({ length: limbs }, (_, i) => {
        const bits = Math.min(64, width - 64 * i);
        const value = this.bits.read(this.at, bitOffset + width - 64 * i - bits, bits);
        return m.i64.store(to + 8 * i, 8, m.i32.const(0), bits <= 32 ? m.i64.extend_u(value) : value);
      });
      const address = m.block(null, [...stores, m.i32.const(to)], b.i32);
      source = {
        range: unsignedRange(width),
        low: (kind: 'i32' | 'i64') => m[kind].load(0, 4, address),
        wide: () => [address, limbs] as const,
      };
    }
    return m.block(null, [check, this.primitives.store(field, source)], b.none);
  }

  private extract({ target, varbits }: Extract<ParserOp, { op: 'extract' }>): Ref {
    const { m, b, layout } = this.unit;
    if (target.kind === 'header') return this.extractTo(target.header, varbits);
    const elements =
      target.kind === 'stack' ? target.stack.headers : target.stack.unions.map((u) => u.members[target.member]!);
    const word = layout.next[target.stack.index]!;
    const next = this.scope.local('i32');
    const get = (): Ref => m.local.get(next, b.i32);
    let choice = m.nop();
    for (const [i, header] of [...elements.entries()].reverse()) {
      choice = m.if(m.i32.eq(get(), m.i32.const(i)), this.extractTo(header, varbits), choice);
    }
    return m.block(
      null,
      [
        m.local.set(next, this.scope.word(word)),
        m.if(m.i32.ge_s(get(), m.i32.const(elements.length)), this.fail('StackOutOfBounds')),
        choice,
        this.scope.setWord(word, m.i32.add(get(), m.i32.const(1))),
      ],
      b.none,
    );
  }

  private extractTo(header: HeaderDef, varbits: Extract<ParserOp, { op: 'extract' }>['varbits']): Ref {
    const { m, b, layout } = this.unit;
    const { before, after } = aroundVarbit(header);
    const fixed = header.fixedBytes;
    if (varbits === undefined || header.varbit === undefined) {
      return m.block(
        null,
        [
          m.if(m.i32.lt_s(this.left(), m.i32.const(fixed)), this.fail('PacketTooShort')),
          ...this.bits.extract(before, this.at, 0),
          ...this.advance(m.i32.const(fixed)),
          ...this.headers.makeValid(header),
        ],
        b.none,
      );
    }
    const bits = this.bitCount(varbits);
    const bytes = (): Ref => m.i64.add(bits.bytes(), m.i64.const(BigInt(fixed)));
    const fixedBits = before.reduce((sum, f) => sum + f.width, 0);
    if (fixedBits % 8 !== 0) throw new Error(`the varbit field of header ${header.name} does not begin at a byte`);
    const slot = this.scope.slot(header.varbit);
    const size = slot.kind === 'i32' ? 4 : slot.limbs * 8;
    const most =
      header.maxBytes === 0
        ? this.tooLong(bytes(), fixed + size)
        : m.if(m.i64.gt_s(bytes(), m.i64.const(BigInt(header.maxBytes))), this.fail('HeaderTooShort'));
    const length = (): Ref => m.i32.wrap(bits.bytes());
    return m.block(
      null,
      [
        bits.set,
        m.if(bits.notBytes(), this.fail('ParserInvalidArgument')),
        m.if(m.i64.lt_s(m.i64.extend_s(this.left()), bytes()), this.fail('PacketTooShort')),
        most,
        this.scope.setWord(layout.varbits[header.index]!, m.i32.wrap(bits.get())),
        ...this.bits.extract(before, this.at, 0),
        ...this.advance(m.i32.const(fixedBits / 8)),
        m.memory.fill(this.scope.offset(slot.offset), m.i32.const(0), m.i32.const(size)),
        m.call('reverse', [this.scope.offset(slot.offset), this.at(), length()], b.none),
        ...this.advance(length()),
        ...this.bits.extract(after, this.at, 0),
        ...this.advance(m.i32.const(fixed - fixedBits / 8)),
        ...this.headers.makeValid(header),
      ],
      b.none,
    );
  }

  /** A varbit field without a maximum length holds as much as its slot. */
  private tooLong(bytes: Ref, most: number): Ref {
    const { m } = this.unit;
    return m.if(
      m.i64.gt_s(bytes, m.i64.const(BigInt(most))),
      this.unit.abort('a header of unlimited length is longer than the emulator can hold'),
    );
  }
}
