import { PacketAbortError } from '../errors.js';
import type { Expression, HeaderDef, RegisterDef } from '../json/data.js';
import type { CalculationDef, CounterDef, MeterDef, Operand, Primitive } from '../json/program.js';
import { compileCalculation } from './calculations.js';
import type { Context } from './context.js';
import { compileBool, compileData, compileHeader, compileUnion, stackOf, type DataFn } from './expressions.js';
import {
  assignHeader,
  assignStack,
  assignUnion,
  assignUnionStack,
  makeInvalid,
  makeValid,
  popFront,
  pushFront,
  zeroFields,
} from './headers.js';
import { formatLog } from './log-message.js';
import { headerBytes, type Packet } from './packet.js';
import { compilePlace } from './places.js';
import { keepsUnsigned, storeTo, type Store } from './stores.js';
import { unsignedBits } from './unsigned-bits.js';
import { MAX_SHIFT } from '../limits.js';

export type Run = (p: Packet) => void;

/** Arguments of one primitive call, typed by its signature, which the loader has checked. */
class Arguments {
  constructor(
    private readonly args: readonly Operand[],
    readonly context: Context,
  ) {}

  expression(i: number): Expression {
    return (this.args[i] as Extract<Operand, { kind: 'expression' }>).expression;
  }
  data(i: number): DataFn {
    return compileData(this.expression(i), this.context);
  }
  place(i: number): Store {
    return compilePlace(this.expression(i), this.context);
  }
  header(i: number): (p: Packet) => HeaderDef {
    return compileHeader(this.expression(i), this.context);
  }
  register(i: number): RegisterDef {
    return (this.args[i] as Extract<Operand, { kind: 'register' }>).register;
  }
  counter(i: number): CounterDef {
    return (this.args[i] as Extract<Operand, { kind: 'counter' }>).counter;
  }
  meter(i: number): MeterDef {
    return (this.args[i] as Extract<Operand, { kind: 'meter' }>).meter;
  }
  calculation(i: number): CalculationDef {
    return (this.args[i] as Extract<Operand, { kind: 'calculation' }>).calculation;
  }
  text(i: number): string {
    return (this.args[i] as Extract<Operand, { kind: 'string' }>).text;
  }
  items(i: number): readonly Expression[] {
    return (this.args[i] as Extract<Operand, { kind: 'vector' }>).items;
  }
}

type Compiler = (a: Arguments, context: Context) => Run;

/** Primitives of BMv2's core and of simple_switch (targets/simple_switch/primitives.cpp); jumps are in actions.ts. */
const COMPILERS: Readonly<Record<string, Compiler>> = {
  assign: compileAssign,
  modify_field: compileAssign,
  assign_VL: compileAssignVarbit,
  assign_header: compileAssignHeader,
  copy_header: compileAssignHeader,
  assign_union: (a, context) => {
    const to = compileUnion(a.expression(0), context);
    const from = compileUnion(a.expression(1), context);
    return (p) => assignUnion(p, to(p), from(p));
  },
  assign_header_stack: (a) => {
    const to = stackOf(a.expression(0));
    const from = stackOf(a.expression(1));
    if (to.kind !== 'headerStack' || from.kind !== 'headerStack')
      throw new Error('assign_header_stack needs header stacks');
    return (p) => assignStack(p, to, from);
  },
  assign_union_stack: (a) => {
    const to = stackOf(a.expression(0));
    const from = stackOf(a.expression(1));
    if (to.kind !== 'unionStack' || from.kind !== 'unionStack')
      throw new Error('assign_union_stack needs union stacks');
    return (p) => assignUnionStack(p, to, from);
  },
  push: (a) => {
    const stack = stackOf(a.expression(0));
    const count = a.data(1);
    return (p) => pushFront(p, stack, Number(count(p)));
  },
  pop: (a) => {
    const stack = stackOf(a.expression(0));
    const count = a.data(1);
    return (p) => popFront(p, stack, Number(count(p)));
  },
  add_header: (a) => {
    const header = a.header(0);
    return (p) => {
      const h = header(p);
      if (p.valid[h.index] !== 0) return;
      zeroFields(p, h);
      makeValid(p, h);
      p.length += headerBytes(p, h);
    };
  },
  add_header_fast: (a) => {
    const header = a.header(0);
    return (p) => makeValid(p, header(p));
  },
  remove_header: (a) => {
    const header = a.header(0);
    return (p) => {
      const h = header(p);
      if (p.valid[h.index] === 0) return;
      p.length -= headerBytes(p, h);
      makeInvalid(p, h);
    };
  },
  no_op: () => () => {},
  exit:
    (_, { traced }) =>
    (p) => {
      p.exit = true;
      if (traced) p.trace!.add({ kind: 'exit', action: p.actionName });
    },
  assert: (a) => compileAssertion('assert', a),
  assume: (a) => compileAssertion('assume', a),
  log_msg: compileLog,
  drop: (_, context) => {
    const setSpec = context.architecture('standard_metadata.egress_spec');
    const setGroup = context.architecture('intrinsic_metadata.mcast_grp');
    return compileDrop(setSpec, setGroup, context);
  },
  mark_to_drop: (a, context) => {
    const header = a.header(0);
    const port = BigInt(context.host.dropPort);
    return (p) => {
      for (const field of header(p).fields) {
        if (field.name === 'egress_spec') context.store(field, p, port);
        else if (field.name === 'mcast_grp') context.store(field, p, 0n);
      }
      if (context.traced) p.trace!.add({ kind: 'markToDrop', action: p.actionName });
    };
  },
  modify_field_rng_uniform: (a, { host }) => {
    const place = a.place(0);
    const low = a.data(1);
    const high = a.data(2);
    // With low above high BMv2 writes nothing at all.
    return (p) => {
      const from = low(p);
      const to = high(p);
      if (from <= to) place(p, host.random.bigintBetween(BigInt.asUintN(64, from), BigInt.asUintN(64, to)));
    };
  },
  modify_field_with_hash_based_offset: (a, context) => {
    const place = a.place(0);
    const base = a.data(1);
    const hash = compileCalculation(a.calculation(2), context);
    const size = a.data(3);
    return (p) => place(p, BigInt.asUintN(64, base(p) + (hash(p) % (size(p) || 1n))));
  },
  add_to_field: (a) => binary(a.place(0), a.data(0), a.data(1), (x, y) => x + y),
  subtract_from_field: (a) => binary(a.place(0), a.data(0), a.data(1), (x, y) => x - y),
  add: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x + y),
  subtract: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x - y),
  bit_and: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x & y),
  bit_or: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x | y),
  bit_xor: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x ^ y),
  shift_left: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => (y > MAX_SHIFT ? 0n : x << y)),
  shift_right: (a) => binary(a.place(0), a.data(1), a.data(2), (x, y) => x >> y),
  clone_ingress_pkt_to_egress: compileClone,
  clone_egress_pkt_to_egress: compileClone,
  resubmit: (a) => {
    const list = a.data(0);
    return (p) => {
      p.resubmitList = Number(BigInt.asUintN(16, list(p)));
    };
  },
  recirculate: (a) => {
    const list = a.data(0);
    return (p) => {
      p.recirculateList = Number(BigInt.asUintN(16, list(p)));
    };
  },
  generate_digest: (a) => {
    const list = a.data(1);
    return (p) => {
      p.digestList = Number(BigInt.asUintN(16, list(p)));
    };
  },
  truncate: (a) => {
    const length = a.data(0);
    return (p) => {
      p.truncated = Math.min(p.truncated, Number(length(p)));
    };
  },
  count: compileCount,
  execute_meter: compileMeter,
  register_read: compileRegisterRead,
  register_write: compileRegisterWrite,
};

export function compilePrimitive(primitive: Primitive, context: Context): Run {
  const compiler = COMPILERS[primitive.op];
  if (compiler === undefined) throw new Error(`no primitive "${primitive.op}"`);
  return compiler(new Arguments(primitive.args, context), context);
}

function compileAssign(a: Arguments): Run {
  const target = a.expression(0);
  const from = a.expression(1);
  if (target.op !== 'field' || !('field' in target.ref)) {
    const place = a.place(0);
    const value = a.data(1);
    return (p) => place(p, value(p));
  }
  const { field } = target.ref;
  const { index } = field;
  if (!keepsUnsigned(field, unsignedBits(from))) {
    const store = storeTo(field);
    const value = a.data(1);
    return (p) => store(p, value(p));
  }
  if (from.op === 'constant') {
    const { value } = from;
    return (p) => {
      p.fields[index] = value;
    };
  }
  if (from.op === 'field' && 'field' in from.ref) {
    const source = from.ref.field.index;
    return (p) => {
      p.fields[index] = p.fields[source]!;
    };
  }
  const value = a.data(1);
  return (p) => {
    p.fields[index] = value(p);
  };
}

function compileAssignVarbit(a: Arguments): Run {
  const target = a.expression(0);
  const from = a.expression(1);
  if (target.op !== 'field' || from.op !== 'field' || !('field' in target.ref) || !('field' in from.ref)) {
    throw new Error('assign_VL copies one varbit field to another');
  }
  const to = target.ref.field;
  const source = from.ref.field;
  return (p) => {
    p.varbits[to.header.index] = p.varbits[source.header.index]!;
    p.fields[to.index] = p.fields[source.index]!;
  };
}

function compileAssignHeader(a: Arguments): Run {
  const to = a.header(0);
  const from = a.header(1);
  return (p) => assignHeader(p, to(p), from(p));
}

function compileAssertion(kind: string, a: Arguments): Run {
  const holds = compileBool(a.expression(0), a.context);
  return (p) => {
    if (!holds(p))
      throw new PacketAbortError(`${kind} failed in ${p.actionName === '' ? 'the program' : p.actionName}`);
  };
}

function compileLog(a: Arguments, { host, traced }: Context): Run {
  const format = a.text(0);
  const values = a.items(1).map((item) => compileData(item, a.context));
  return (p) => {
    const text = formatLog(
      format,
      values.map((value) => value(p)),
    );
    host.onLog(text);
    if (traced) p.trace!.add({ kind: 'log', text });
  };
}

function compileDrop(setSpec: Store, setGroup: Store, { host, traced }: Context): Run {
  const port = BigInt(host.dropPort);
  return (p) => {
    setSpec(p, port);
    setGroup(p, 0n);
    if (traced) p.trace!.add({ kind: 'markToDrop', action: p.actionName });
  };
}

function binary(place: Store, left: DataFn, right: DataFn, operate: (x: bigint, y: bigint) => bigint): Run {
  return (p) => place(p, operate(left(p), right(p)));
}

function compileClone(a: Arguments): Run {
  const session = a.data(0);
  const list = a.data(1);
  return (p) => {
    // Bit 15 is simple_switch's own mark that a clone was requested.
    p.cloneSession = Number(BigInt.asUintN(15, session(p)));
    p.cloneFieldList = Number(BigInt.asUintN(16, list(p)));
  };
}

/** @returns the index if it is within the object; otherwise undefined, which the trace records. */
function within(p: Packet, index: bigint, size: number, object: string): number | undefined {
  if (index >= 0n && index < size) return Number(index);
  p.trace?.add({ kind: 'outOfRange', object, index, size });
  return undefined;
}

function compileCount(a: Arguments, { host, traced }: Context): Run {
  const array = host.state.counters[a.counter(0).index]!;
  const index = a.data(1);
  return (p) => {
    const i = within(p, index(p), array.size, `counter ${array.def.name}`);
    if (i === undefined) return;
    array.packets[i]!++;
    array.bytes[i]! += p.ingressLength;
    if (traced) p.trace!.add({ kind: 'counter', counter: array.def.name, index: i, bytes: p.ingressLength });
  };
}

function compileMeter(a: Arguments, { host, traced }: Context): Run {
  const array = host.state.meters[a.meter(0).index]!;
  const index = a.data(1);
  const place = a.place(2);
  return (p) => {
    const i = within(p, index(p), array.size, `meter ${array.def.name}`);
    if (i === undefined) return;
    const color = array.execute(i, host.clock(), p.ingressLength);
    place(p, BigInt(color));
    if (traced) p.trace!.add({ kind: 'meter', meter: array.def.name, index: i, color });
  };
}

function compileRegisterRead(a: Arguments, { host, traced }: Context): Run {
  const array = host.state.registers[a.register(1).index]!;
  const place = a.place(0);
  const index = a.data(2);
  return (p) => {
    const i = within(p, index(p), array.size, `register ${array.def.name}`);
    if (i === undefined) return;
    const value = array.read(i);
    place(p, value);
    if (traced)
      p.trace!.add({
        kind: 'register',
        access: 'read',
        register: array.def.name,
        index: i,
        before: value,
        after: value,
      });
  };
}

function compileRegisterWrite(a: Arguments, { host, traced }: Context): Run {
  const array = host.state.registers[a.register(0).index]!;
  const index = a.data(1);
  const value = a.data(2);
  return (p) => {
    const i = within(p, index(p), array.size, `register ${array.def.name}`);
    if (i === undefined) return;
    const before = traced ? array.read(i) : 0n;
    array.write(i, value(p));
    if (traced)
      p.trace!.add({
        kind: 'register',
        access: 'write',
        register: array.def.name,
        index: i,
        before,
        after: array.read(i),
      });
  };
}
