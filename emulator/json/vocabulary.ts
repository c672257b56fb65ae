import { HASH_ALGORITHMS } from '../externs/hash.js';
import { OPERANDS, OPERATORS } from './expression.js';
import { ARCHITECTURE_FIELDS, CALCULATION_INPUTS } from './externs.js';
import { EXTRACT_TARGETS, PARSER_OPS, TRANSITION_KEYS, TRANSITIONS } from './parsers.js';
import { SECTIONS } from './load.js';
import { MATCH_KINDS, TABLE_TYPES } from './pipelines.js';
import { PRIMITIVES } from './primitives.js';

/** Every word of BMv2's JSON that this loader knows, by category. A program that uses any other does not load. */
export const VOCABULARY = {
  sections: SECTIONS,
  primitives: PRIMITIVES,
  operators: OPERATORS,
  operands: OPERANDS,
  parserOperations: PARSER_OPS,
  extractTargets: EXTRACT_TARGETS,
  transitionKeys: TRANSITION_KEYS,
  transitions: TRANSITIONS,
  matchKinds: MATCH_KINDS,
  tableTypes: TABLE_TYPES,
  hashAlgorithms: HASH_ALGORITHMS,
  calculationInputs: CALCULATION_INPUTS,
  architectureFields: ARCHITECTURE_FIELDS,
} as const satisfies Readonly<Record<string, readonly string[]>>;
