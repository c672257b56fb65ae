import { PacketAbortError } from '../errors.js';
import type { ExtractTarget, ParserOp, ParserStateDef, Transition, TransitionKey } from '../json/program.js';
import type { HeaderDef } from '../json/data.js';
import type { Context } from './context.js';
import { compileCalculation } from './calculations.js';
import { readBits } from './bits.js';
import { compileBool, compileData, compileField, lastOf, type DataFn } from './expressions.js';
import { makeValid } from './headers.js';
import type { Packet } from './packet.js';
import { compilePrimitive } from './primitives.js';
import { keepsUnsigned, storeTo } from './stores.js';
import { unsignedBits } from './unsigned-bits.js';
import { MAX_PARSER_STATES } from '../limits.js';

/** @returns the value of a parser error, which can be any number including that of NoError; undefined on success. */
type Failure = number | undefined;
type OpFn = (p: Packet) => Failure;
const OK = undefined;

interface State {
  readonly def: ParserStateDef;
  readonly ops: readonly OpFn[];
  /** @returns index of the next state, -1 for the end, -2 if the packet is too short for the key. */
  readonly next: (p: Packet) => number;
}
const END = -1;
const SHORT = -2;

/**
 * The parser (behavioral-model, src/bm_sim/parser.cpp). On an error it stops where it is: bytes already extracted
 * stay extracted, and the packet continues to ingress with parser_error set. Checksums are verified at the end.
 */
export function compileParser(context: Context): (p: Packet) => void {
  const { program, traced } = context;
  const { parser, errors } = program;
  const states = parser.states.map((def) => compileState(def, context));
  const start = parser.start?.index ?? END;
  const noError = errors.get('NoError')!;
  const tooShort = errors.get('PacketTooShort')!;
  const nameOf = new Map([...errors].map(([name, value]) => [value, name]));
  const setError = context.architecture('standard_metadata.parser_error');
  const setChecksumError = context.architecture('standard_metadata.checksum_error');
  const verify = compileVerify(context);

  return (p) => {
    let failure: Failure = OK;
    p.cursor = p.start;
    let visited = 0;
    for (let at = start; at >= 0;) {
      if (++visited > MAX_PARSER_STATES)
        throw new PacketAbortError(`the parser does not terminate (state ${states[at]!.def.name})`);
      const state = states[at]!;
      if (traced) p.trace!.add({ kind: 'state', state: state.def.name });
      for (const op of state.ops) {
        failure = op(p);
        if (failure !== OK) break;
      }
      if (failure !== OK) break;
      at = state.next(p);
      if (at === SHORT) failure = tooShort;
    }
    const error = failure ?? noError;
    if (traced && failure !== OK) p.trace!.add({ kind: 'parserError', error: nameOf.get(error) ?? String(error) });
    p.start = p.cursor;
    verify(p);
    setError(p, BigInt(error));
    setChecksumError(p, p.checksumError ? 1n : 0n);
  };
}

function compileVerify(context: Context): (p: Packet) => void {
  const checks = context.program.checksums
    .filter((c) => c.verify)
    .map((def) => ({
      def,
      condition: def.condition === undefined ? undefined : compileBool(def.condition, context),
      calculate: compileCalculation(def.calculation, context),
    }));
  return (p) => {
    p.checksumError = false;
    for (const { def, condition, calculate } of checks) {
      if (p.valid[def.target.header.index] === 0 || (condition !== undefined && !condition(p))) continue;
      const value = calculate(p);
      const correct = value === p.fields[def.target.index];
      if (!correct) p.checksumError = true;
      if (context.traced)
        p.trace!.add({ kind: 'checksum', name: def.name, action: correct ? 'verified' : 'failed', value });
    }
  };
}

function compileState(def: ParserStateDef, context: Context): State {
  return { def, ops: def.ops.map((op) => compileOp(op, context)), next: compileTransitions(def, context) };
}

/** Whether the bits are whole bytes. Only handwritten JSON can make them negative, which BMv2 rules out by an assert. */
function isBytes(bits: bigint): boolean {
  return bits >= 0n && (bits & 7n) === 0n;
}

function compileOp(op: ParserOp, context: Context): OpFn {
  const tooShort = context.program.errors.get('PacketTooShort')!;
  switch (op.op) {
    case 'extract':
      return compileExtract(op, context);
    case 'set': {
      const from = compileData(op.from, context);
      const { index } = op.field;
      if (keepsUnsigned(op.field, unsignedBits(op.from))) {
        return (p) => {
          p.fields[index] = from(p);
          return OK;
        };
      }
      const store = storeTo(op.field);
      return (p) => {
        store(p, from(p));
        return OK;
      };
    }
    case 'lookahead': {
      const store = storeTo(op.field);
      const { bitOffset, width } = op;
      // BMv2 requires only as many bytes as the value has, wherever the value begins.
      const bytes = Math.ceil(width / 8);
      return (p) => {
        if (p.end - p.cursor < bytes) return tooShort;
        store(p, readBits(p.buffer, p.cursor * 8 + bitOffset, width));
        return OK;
      };
    }
    case 'verify': {
      const condition = compileBool(op.condition, context);
      const error = compileData(op.error, context);
      return (p) => (condition(p) ? OK : Number(error(p)));
    }
    case 'advance': {
      const bits = compileData(op.bits, context);
      const invalid = context.program.errors.get('ParserInvalidArgument')!;
      return (p) => {
        const count = bits(p);
        if (!isBytes(count)) return invalid;
        const bytes = Number(count >> 3n);
        if (p.end - p.cursor < bytes) return tooShort;
        p.cursor += bytes;
        return OK;
      };
    }
    case 'primitive': {
      const run = compilePrimitive(op.primitive, context);
      return (p) => {
        run(p);
        return OK;
      };
    }
  }
}

function compileExtract(op: Extract<ParserOp, { op: 'extract' }>, context: Context): OpFn {
  const { target } = op;
  const { traced, program } = context;
  const tooShort = program.errors.get('PacketTooShort')!;
  const outOfBounds = program.errors.get('StackOutOfBounds')!;
  const varbits = op.varbits === undefined ? undefined : compileData(op.varbits, context);
  const headerTooShort = program.errors.get('HeaderTooShort')!;
  const invalid = program.errors.get('ParserInvalidArgument')!;

  const extract = (p: Packet, header: HeaderDef): Failure => {
    const fixed = header.fixedBytes;
    if (varbits === undefined || header.varbit === undefined) {
      if (p.end - p.cursor < fixed) return tooShort;
    } else {
      const bits = varbits(p);
      if (!isBytes(bits)) return invalid;
      const bytes = fixed + Number(bits >> 3n);
      if (p.end - p.cursor < bytes) return tooShort;
      if (header.maxBytes !== 0 && header.maxBytes < bytes) return headerTooShort;
      p.varbits[header.index] = Number(bits);
    }
    readHeader(p, header);
    makeValid(p, header);
    if (traced)
      p.trace!.add({
        kind: 'extract',
        header: header.name,
        fields: header.fields.map((f) => ({ name: f.name, value: p.fields[f.index]! })),
      });
    return OK;
  };
  return extractTo(target, extract, outOfBounds);
}

function extractTo(
  target: ExtractTarget,
  extract: (p: Packet, header: HeaderDef) => Failure,
  outOfBounds: number,
): OpFn {
  if (target.kind === 'header') {
    const { header } = target;
    return (p) => extract(p, header);
  }
  const { index } = target.stack;
  const elements =
    target.kind === 'stack' ? target.stack.headers : target.stack.unions.map((union) => union.members[target.member]!);
  return (p) => {
    const next = p.next[index]!;
    if (next >= elements.length) return outOfBounds;
    const failure = extract(p, elements[next]!);
    if (failure === OK) p.next[index] = next + 1;
    return failure;
  };
}

function readHeader(p: Packet, header: HeaderDef): void {
  const { buffer, fields } = p;
  let bit = p.cursor * 8;
  for (const field of header.fields) {
    const width = field.varbit ? p.varbits[header.index]! : field.width;
    const value = readBits(buffer, bit, width);
    fields[field.index] = field.signed ? BigInt.asIntN(width, value) : value;
    bit += width;
  }
  p.cursor = bit >> 3;
}

function compileKey(part: TransitionKey): DataFn {
  switch (part.kind) {
    case 'field': {
      const value = compileField(part.ref);
      const { width } = part;
      return 'field' in part.ref && part.ref.field.signed ? (p) => BigInt.asUintN(width, value(p)) : value;
    }
    case 'stackField': {
      const { stack, offset, width } = part;
      return (p) => BigInt.asUintN(width, p.fields[lastOf(p, stack).fields[offset]!.index]!);
    }
    case 'unionStackField': {
      const { stack, member, offset, width } = part;
      return (p) => {
        const union = stack.unions[p.next[stack.index]! - 1];
        return union === undefined
          ? 0n
          : BigInt.asUintN(width, p.fields[union.members[member]!.fields[offset]!.index]!);
      };
    }
    case 'lookahead': {
      const { bitOffset, width } = part;
      return (p) => readBits(p.buffer, p.cursor * 8 + bitOffset, width);
    }
  }
}

function compileTransitions(def: ParserStateDef, context: Context): (p: Packet) => number {
  const fallback = def.defaultNext?.index ?? END;
  if (def.key.length === 0) return () => fallback;
  const parts = def.key.map(compileKey);
  const widths = def.key.map((part) => BigInt(Math.ceil(part.width / 8) * 8));
  const lookaheadBits = Math.max(
    0,
    ...def.key.map((part) => (part.kind === 'lookahead' ? part.bitOffset + part.width : 0)),
  );
  const first = parts[0]!;
  const key: DataFn =
    parts.length === 1
      ? first
      : (p) => {
          let value = first(p);
          for (let i = 1; i < parts.length; i++) value = (value << widths[i]!) | parts[i]!(p);
          return value;
        };
  const select = compileSelect(def, context, fallback);
  if (lookaheadBits === 0) return (p) => select(key(p));
  return (p) => ((p.end - p.cursor) * 8 < lookaheadBits ? SHORT : select(key(p)));
}

/** The first transition that matches wins; plain values are looked up in one step. */
function compileSelect(def: ParserStateDef, context: Context, fallback: number): (key: bigint) => number {
  const plain = new Map<bigint, number>();
  if (def.transitions.every((t) => t.match.kind === 'value' && t.mask === null)) {
    for (const transition of def.transitions) {
      const { value } = transition.match as { value: bigint };
      if (!plain.has(value)) plain.set(value, transition.next?.index ?? END);
    }
    return (key) => plain.get(key) ?? fallback;
  }
  const tests = def.transitions.map((transition) => ({
    matches: compileMatch(transition, def.key, context),
    next: transition.next?.index ?? END,
  }));
  return (key) => {
    for (const { matches, next } of tests) if (matches(key)) return next;
    return fallback;
  };
}

function compileMatch(
  { match, mask }: Transition,
  key: readonly TransitionKey[],
  context: Context,
): (key: bigint) => boolean {
  if (match.kind === 'value') {
    const { value } = match;
    if (mask === null) return (k) => k === value;
    return (k) => (k & mask) === (value & mask);
  }
  const sets = context.host.state.valueSets;
  const { index } = match.set;
  return (k) =>
    sets[index]!.some((value) => (mask === null ? pad(value, key) === k : ((pad(value, key) ^ k) & mask) === 0n));
}

/** A value set holds fields without padding, a key has each of them padded to whole bytes. */
function pad(value: bigint, key: readonly TransitionKey[]): bigint {
  let padded = 0n;
  let shift = 0n;
  let rest = value;
  for (const { width } of [...key].reverse()) {
    padded |= BigInt.asUintN(width, rest) << shift;
    rest >>= BigInt(width);
    shift += BigInt(Math.ceil(width / 8) * 8);
  }
  return padded;
}
