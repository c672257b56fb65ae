import type { EngineHost } from '../engine.js';
import { PacketAbortError } from '../errors.js';
import { compileCalculation } from '../interpreter/calculations.js';
import { Context } from '../interpreter/context.js';
import { compileData } from '../interpreter/expressions.js';
import { compilePrimitive } from '../interpreter/primitives.js';
import { MeterState } from '../externs/meter.js';
import type { Artifact } from './artifact.js';
import type { FrameBridge } from './bridge.js';
import { ENTRY, FRAME } from './layout.js';
import type { ProgramMemory } from './memory.js';
import type { TableMemory } from './table-memory.js';
import { wideComparison, wideOperations } from './wide.js';

/** The functions that compiled code calls; see Unit for the signatures. All of them work on the interpreter's state. */
export function hostFunctions(
  artifact: Artifact,
  host: EngineHost,
  memory: ProgramMemory,
  bridge: FrameBridge,
  tables: readonly TableMemory[],
): Record<string, unknown> {
  const { program, layout, fallbacks } = artifact;
  const { state } = host;
  const context = new Context(program, host, false);
  const expressions = fallbacks.expressions.map(({ expression, action }) => ({
    evaluate: compileData(expression, context),
    action,
  }));
  const primitives = fallbacks.primitives.map(({ primitive, action }) => ({
    run: compilePrimitive(primitive, context),
    action,
  }));
  const calculations = program.calculations.map((calculation) => ({
    index: calculation.index,
    compute: compileCalculation(calculation, context),
  }));
  const computeOf = new Map(calculations.map(({ index, compute }) => [index, compute]));
  const ingressLength = (frame: number): number => memory.i32[(frame + FRAME.ingressLength) >> 2]!;
  const calculate = (index: number, frame: number): bigint =>
    BigInt.asIntN(64, computeOf.get(index)!(bridge.load(frame, undefined, 0)));
  /** Hold action and arguments of a member of an action profile, laid out like an entry of the table. */
  const chosen = program.tables.map((def) =>
    def.profile === undefined ? 0 : memory.allocate(layout.tables[def.index]!.entryBytes),
  );
  const meterOrigin = host.clock();

  return {
    memory: memory.memory,
    abort: (message: number): never => {
      throw new PacketAbortError(fallbacks.messages[message]!);
    },
    wide: wideOperations(memory),
    compare: wideComparison(memory),
    expression: (number: number, frame: number, args: number, to: number, limbs: number): void => {
      const { evaluate, action } = expressions[number]!;
      memory.writeLimbs(to, limbs, evaluate(bridge.load(frame, action, args)));
    },
    primitive: (number: number, frame: number, args: number): void => {
      const { run, action } = primitives[number]!;
      run(bridge.load(frame, action, args));
      bridge.save(frame);
    },
    hash: (calculation: number, address: number, length: number): bigint =>
      BigInt.asIntN(64, state.hashes[calculation]!(memory.bytes.subarray(address, address + length))),
    calculate,
    hit: (table: number, id: number, frame: number): number => {
      const { supportsTimeout, directMeter } = program.tables[table]!;
      const entry = tables[table]!.entry(id);
      if (supportsTimeout) entry.lastHit = host.clock();
      if (directMeter?.directTarget === undefined) return 0;
      const meter = (entry.meter ??= new MeterState(meterOrigin));
      return meter.execute(host.clock(), directMeter.unit === 'packets' ? 1 : ingressLength(frame));
    },
    choose: (table: number, id: number, frame: number): number => {
      const { profile } = program.tables[table]!;
      const { reference } = tables[table]!.entry(id);
      if (reference === undefined) return 0;
      const { selector } = profile!;
      const hash = (): bigint =>
        selector === undefined ? 0n : computeOf.get(selector.index)!(bridge.load(frame, undefined, 0));
      const member = state.profiles[profile!.index]!.choose(reference, hash);
      if (member === undefined) return 0;
      const record = chosen[table]!;
      memory.i32[(record + ENTRY.action) >> 2] = member.action.index;
      tables[table]!.writeArguments(record + layout.tables[table]!.args, member.action, member.args);
      return record;
    },
    lookup: (table: number, key: number): number => {
      const entry = state.tables[table]!.lookup(memory.readLimbs(key, layout.tables[table]!.keyLimbs, false));
      return entry === undefined ? 0 : tables[table]!.addressOf(entry);
    },
    meter: (meter: number, index: number, frame: number): number =>
      state.meters[meter]!.execute(index, host.clock(), ingressLength(frame)),
    valueSet: (number: number, address: number): number => {
      const { set, mask, widths } = fallbacks.valueSets[number]!;
      let key = 0n;
      let at = address;
      for (const width of widths) {
        const limbs = Math.max(1, Math.ceil(width / 64));
        key = (key << padded(width)) | memory.readLimbs(at, limbs, false);
        at += 8 * limbs;
      }
      return state.valueSets[set]!.some((value) => ((pad(value, widths) ^ key) & (mask ?? -1n)) === 0n) ? 1 : 0;
    },
  };
}

function padded(width: number): bigint {
  return BigInt(Math.ceil(width / 8) * 8);
}

/** A value set holds fields without padding, a key has each of them padded to whole bytes. */
function pad(value: bigint, widths: readonly number[]): bigint {
  let result = 0n;
  let shift = 0n;
  let rest = value;
  for (const width of [...widths].reverse()) {
    result |= BigInt.asUintN(width, rest) << shift;
    rest >>= BigInt(width);
    shift += padded(width);
  }
  return result;
}
