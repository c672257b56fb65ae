import type { ParserStateDef, Transition, TransitionKey } from '../json/program.js';
import type { FieldRef, HeaderDef } from '../json/data.js';
import type { Ref } from './binaryen.js';
import { BitCompiler } from './bits.js';
import { FRAME } from '../machine/layout.js';
import type { CompileScope } from './scope.js';

/** One part of the key, in limbs of 64 bits, the lowest first. */
interface Part {
  readonly width: number;
  /** Width padded to whole bytes, as in the values of transitions. */
  readonly padded: number;
  readonly limbs: readonly number[];
}

/** The transitions of a parser state: the first that matches wins. */
export class SelectCompiler {
  private readonly bits: BitCompiler;

  constructor(
    private readonly scope: CompileScope,
    private readonly cursor: () => Ref,
    private readonly result: (next: ParserStateDef | null) => Ref,
    private readonly tooShort: Ref,
  ) {
    this.bits = new BitCompiler(scope);
  }

  /** An i32: the number of the next state. */
  compile(state: ParserStateDef): Ref {
    const { m, b } = this.scope.unit;
    if (state.key.length === 0) return this.result(state.defaultNext);
    const steps: Ref[] = [];
    const ahead = Math.max(
      0,
      ...state.key.map((part) => (part.kind === 'lookahead' ? part.bitOffset + part.width : 0)),
    );
    if (ahead > 0) {
      const left = m.i32.sub(this.scope.word(FRAME.end), this.cursor());
      steps.push(m.if(m.i32.lt_s(left, m.i32.const(Math.ceil(ahead / 8))), this.tooShort));
    }
    const parts = state.key.map((key): Part => {
      const limbs = this.limbs(key).map((value) => {
        const local = this.scope.local('i64');
        steps.push(m.local.set(local, value));
        return local;
      });
      return { width: key.width, padded: Math.ceil(key.width / 8) * 8, limbs };
    });
    let choice = this.result(state.defaultNext);
    for (const transition of [...state.transitions].reverse()) {
      const test = this.test(transition, parts);
      if (test !== undefined) choice = m.if(test, this.result(transition.next), choice);
    }
    this.scope.endStatement();
    return m.block(null, [...steps, choice], b.i32);
  }

  /** Undefined: it never matches. */
  private test({ match, mask }: Transition, parts: readonly Part[]): Ref | undefined {
    const { m, b, fallbacks } = this.scope.unit;
    if (match.kind === 'valueSet') {
      const count = parts.reduce((sum, part) => sum + part.limbs.length, 0);
      const address = this.scope.scratch(count);
      const stores = parts
        .flatMap((part) => part.limbs)
        .map((local, i) => m.i64.store(address + 8 * i, 8, m.i32.const(0), m.local.get(local, b.i64)));
      const number = fallbacks.valueSets.push({ set: match.set.index, mask, widths: parts.map((p) => p.width) }) - 1;
      return m.block(null, [...stores, m.call('valueSet', [m.i32.const(number), m.i32.const(address)], b.i32)], b.i32);
    }
    let shift = 0n;
    let test: Ref | undefined;
    for (const part of [...parts].reverse()) {
      const wantedMask = BigInt.asUintN(part.padded, (mask ?? -1n) >> shift);
      const wanted = BigInt.asUintN(part.padded, match.value >> shift) & wantedMask;
      shift += BigInt(part.padded);
      // The padding of a key is zero.
      if (wanted >> BigInt(part.width) !== 0n) return undefined;
      for (const [i, local] of part.limbs.entries()) {
        const limbMask = BigInt.asUintN(64, BigInt.asUintN(part.width, wantedMask) >> BigInt(64 * i));
        if (limbMask === 0n) continue;
        const all = BigInt.asUintN(64, BigInt.asUintN(part.width, -1n) >> BigInt(64 * i));
        const value = m.local.get(local, b.i64);
        const masked = limbMask === all ? value : m.i64.and(value, m.i64.const(BigInt.asIntN(64, limbMask)));
        const equal = m.i64.eq(masked, m.i64.const(BigInt.asIntN(64, wanted >> BigInt(64 * i))));
        test = test === undefined ? equal : m.i32.and(test, equal);
      }
    }
    return test ?? m.i32.const(1);
  }

  private limbs(key: TransitionKey): Ref[] {
    const { m } = this.scope.unit;
    switch (key.kind) {
      case 'field':
        return this.ofRef(key.ref, key.width);
      case 'lookahead':
        return limbWidths(key.width).map((bits, i) => {
          const value = this.bits.read(this.cursor, key.bitOffset + key.width - 64 * i - bits, bits);
          return bits <= 32 ? m.i64.extend_u(value) : value;
        });
      case 'stackField':
        return this.ofLast(key.stack.index, key.stack.headers, key.offset, key.width);
      case 'unionStackField':
        return this.ofLast(
          key.stack.index,
          key.stack.unions.map((u) => u.members[key.member]!),
          key.offset,
          key.width,
        );
    }
  }

  private ofRef(ref: FieldRef, width: number): Ref[] {
    const { m } = this.scope.unit;
    if ('validOf' in ref) return [m.i64.extend_u(this.scope.isValid(ref.validOf))];
    return limbWidths(width).map((bits, i) => this.bits.piece({ field: ref.field, shift: 64 * i, width: bits }, 'i64'));
  }

  /** A field of the last element in use; zero for an empty stack. */
  private ofLast(stack: number, headers: readonly HeaderDef[], offset: number, width: number): Ref[] {
    const { m, layout } = this.scope.unit;
    return limbWidths(width).map((bits, i) => {
      let value = m.i64.const(0n);
      for (const [n, header] of headers.entries()) {
        const element = this.bits.piece({ field: header.fields[offset]!, shift: 64 * i, width: bits }, 'i64');
        value = m.if(m.i32.eq(this.scope.word(layout.next[stack]!), m.i32.const(n + 1)), element, value);
      }
      return value;
    });
  }
}

function limbWidths(width: number): number[] {
  return Array.from({ length: Math.max(1, Math.ceil(width / 64)) }, (_, i) =>
    Math.max(0, Math.min(64, width - 64 * i)),
  );
}
