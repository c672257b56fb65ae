import { HASH_ALGORITHMS } from '../../../emulator/externs/hash.js';
import { Dice } from '../dice.js';
import { Actions, type Externs } from './actions.js';
import { Expressions, fieldOf } from './expressions.js';
import { field, type Json } from './json.js';
import { randomParser } from './parser.js';
import { Pipelines, sendingAction } from './pipelines.js';
import { Shape } from './shape.js';
import { ALIASES } from './v1model.js';

const ACTIONS = 10;
const REGISTER_WIDTHS = [1, 7, 8, 16, 31, 32, 33, 48, 64, 65, 128, 200, 512];
const LISTS = 3;
const FIELDS_OF_A_LIST = 4;

/** BMv2 JSON of a random program, the same for the same seed. It loads, but does nothing meaningful. */
export function randomProgram(seed: number): string {
  const dice = new Dice(seed);
  const shape = new Shape(dice);
  const externs: Externs = {
    registers: ['r0', 'r1', 'r2'].map((name) => ({
      name,
      size: 1 + dice.below(20),
      width: dice.pick(REGISTER_WIDTHS),
    })),
    counters: [{ name: 'c0', size: 1 + dice.below(20) }],
    meters: ['m0', 'm1'].map((name) => ({ name, size: 1 + dice.below(20) })),
    calculations: HASH_ALGORITHMS.map((algorithm) => `by_${algorithm}`),
    fieldLists: LISTS,
    learnLists: LISTS,
  };
  const expressions = new Expressions(shape, dice, externs.registers);
  const maker = new Actions(shape, dice, expressions, externs);
  const actions = Array.from({ length: ACTIONS }, (_, id) => maker.make(`act${id}`, id));
  const sending = sendingAction(ACTIONS);
  const selectorInput = [field('first', 'kind'), fieldOf(shape.plain[1]!, dice)];
  const pipelines = new Pipelines(shape, dice, expressions, selectorInput);
  const ingress = pipelines.make('ingress', 0, 2 + dice.below(7), actions, sending);
  const egress = pipelines.make(
    'egress',
    1,
    dice.below(4),
    actions.filter(({ primitives }) => !primitives.some(clones)),
    undefined,
  );
  const list = (id: number): Json => ({
    id,
    name: `list${id}`,
    elements: Array.from({ length: 1 + dice.below(FIELDS_OF_A_LIST) }, () =>
      fieldOf(dice.oneIn(2) ? shape.metadata : dice.pick(shape.plain), dice),
    ),
  });
  const ids = Array.from({ length: LISTS }, (_, i) => i + 1);
  return JSON.stringify({
    __meta__: { version: [2, 23], compiler: 'random' },
    ...shape.json(),
    errors: [
      ['NoError', 0],
      ['PacketTooShort', 1],
      ['NoMatch', 2],
      ['StackOutOfBounds', 3],
      ['HeaderTooShort', 4],
      ['ParserTimeout', 5],
      ['ParserInvalidArgument', 6],
      ['Own', 7],
    ],
    parsers: [randomParser(shape, dice, expressions)],
    parse_vsets: [{ name: 'values', id: 0, compressed_bitwidth: 8 }],
    deparsers: [{ name: 'deparser', id: 0, order: shape.packetHeaders.map(({ name }) => name), primitives: [] }],
    register_arrays: externs.registers.map(({ name, size, width }, id) => ({ name, id, size, bitwidth: width })),
    counter_arrays: [
      ...externs.counters.map(({ name, size }) => ({ name, size, is_direct: false })),
      ...pipelines.counters,
    ].map((counter, id) => ({ ...counter, id })),
    meter_arrays: [
      ...externs.meters.map(({ name, size }) => ({
        name,
        size,
        is_direct: false,
        rate_count: 2,
        type: dice.pick(['packets', 'bytes']),
      })),
      ...pipelines.meters,
    ].map((meter, id) => ({ ...meter, id })),
    calculations: HASH_ALGORITHMS.map((algo, id) => ({ name: `by_${algo}`, id, algo, input: inputOf(shape, dice) })),
    checksums: checksums(shape, dice, expressions),
    field_lists: ids.map(list),
    learn_lists: ids.map(list),
    actions: [...actions, sending],
    pipelines: [ingress, egress],
    enums: [],
    force_arith: [],
    extern_instances: [],
    field_aliases: ALIASES,
  });
}

/** In egress each clone would make another one, endlessly. */
function clones(primitive: Json): boolean {
  return 'op' in primitive && String(primitive.op).startsWith('clone_');
}

/** Fields, whole headers and the payload; not always a whole number of bytes. */
function inputOf(shape: Shape, dice: Dice): Json[] {
  return Array.from({ length: 1 + dice.below(4) }, () => {
    switch (dice.below(6)) {
      case 0:
        return { type: 'header', value: dice.pick(shape.plain).name };
      case 1:
        return dice.oneIn(3) ? { type: 'payload', value: null } : fieldOf(shape.metadata, dice);
      case 2:
        return { type: 'hexstr', value: '0xa5c3', bitwidth: 16 };
      default:
        return fieldOf(dice.pick(shape.plain), dice);
    }
  });
}

function checksums(shape: Shape, dice: Dice, expressions: Expressions): Json[] {
  const targets = shape.plain.flatMap(({ name, type }) =>
    type.fields.filter(({ width, signed }) => width <= 64 && !signed).map((target) => [name, target.name]),
  );
  return Array.from({ length: dice.below(3) }, (_, id) => ({
    name: `checksum${id}`,
    id,
    type: 'generic',
    target: dice.pick(targets),
    calculation: `by_${dice.pick(['csum16', 'csum16', 'crc16', 'crc32', 'xor16'])}`,
    verify: dice.oneIn(2),
    update: dice.oneIn(2),
    ...(dice.oneIn(2) ? { if_cond: expressions.condition(1) } : {}),
  }));
}
