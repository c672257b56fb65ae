import { EmulatorError } from '../errors.js';

/** A test that cannot be read, or that uses something the runner or the program does not have. */
export class StfError extends EmulatorError {
  override readonly name = 'StfError';
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super('EMULATOR_STF', `line ${line}: ${problem}`);
  }
}

/** A value of a table key as written: a number, a number with don't-care digits, or value/prefix. */
export interface StfMatch {
  readonly key: string;
  readonly value: string;
  readonly prefixLength: number | undefined;
}

export interface StfAction {
  readonly name: string;
  readonly args: ReadonlyMap<string, string>;
}

/** One statement of an STF file (p4c, tools/stf/stf_parser.py and backends/bmv2/bmv2stf.py). */
export type StfCommand = { readonly line: number } & (
  | { readonly command: 'packet'; readonly port: number; readonly data: string }
  /** `data` undefined: any packet. It may have `*` for any digit and end in `$` for an exact length. */
  | { readonly command: 'expect'; readonly port: number; readonly data: string | undefined }
  | {
      readonly command: 'add';
      readonly table: string;
      readonly priority: number | undefined;
      readonly matches: readonly StfMatch[];
      readonly action: StfAction;
      /** Name given with `= name`. */ readonly name: string | undefined;
    }
  | { readonly command: 'setdefault'; readonly table: string; readonly action: StfAction }
  | { readonly command: 'remove_all' }
  | { readonly command: 'no_packet' }
  | { readonly command: 'wait' }
  | {
      readonly command: 'check_counter';
      readonly counter: string;
      readonly index: string;
      readonly check:
        { readonly unit: 'packets' | 'bytes'; readonly operator: string; readonly value: number } | undefined;
    }
  /** Commands of simple_switch's own command line: mirroring_add, mc_mgrp_create, register_write, ... */
  | { readonly command: 'switch'; readonly verb: string; readonly args: readonly string[] }
);

const SWITCH_VERBS = [
  'mirroring_add',
  'mirroring_add_mc',
  'mirroring_delete',
  'mirroring_get',
  'mc_mgrp_create',
  'mc_node_create',
  'mc_node_update',
  'mc_node_associate',
  'counter_read',
  'counter_write',
  'register_read',
  'register_write',
  'register_reset',
  'meter_get_rates',
  'meter_set_rates',
  'meter_array_set_rates',
];

/**
 * Reads an STF file.
 * @throws StfError with the number of the line.
 */
export function parseStf(text: string): StfCommand[] {
  const commands: StfCommand[] = [];
  text.split('\n').forEach((raw, index) => {
    const statement = raw.replace(/#.*/, '').trim();
    if (statement !== '') commands.push(parseStatement(statement, index + 1));
  });
  return commands;
}

function parseStatement(statement: string, line: number): StfCommand {
  const [word = ''] = statement.split(/\s/, 1);
  const rest = statement.slice(word.length).trim();
  const command = word.toLowerCase();
  switch (command) {
    case 'packet':
    case 'expect': {
      const [, port, data] = /^(\d+)(.*)$/.exec(rest) ?? fail(line, `${command} needs a port number`);
      const digits = data!.replace(/\s/g, '');
      if (command === 'packet') {
        if (!/^([0-9a-fA-F]{2})*$/.test(digits))
          fail(line, `"${digits}" is not a whole number of bytes in hexadecimal`);
        return { line, command, port: Number(port), data: digits };
      }
      if (!/^[0-9a-fA-F*]*\$?$/.test(digits))
        fail(line, `"${digits}" is not hexadecimal digits, with * for any digit and an optional $ at the end`);
      return { line, command, port: Number(port), data: digits === '' ? undefined : digits };
    }
    case 'add':
      return parseAdd(rest, line);
    case 'setdefault': {
      const [, table, call] =
        /^("[^"]+"|\S+)\s+(.*)$/.exec(rest) ?? fail(line, 'setdefault needs a table and an action');
      return { line, command, table: unquote(table!), action: parseAction(call!, line) };
    }
    case 'remove':
      if (rest.toLowerCase() !== 'all') fail(line, 'only "remove all" is supported');
      return { line, command: 'remove_all' };
    case 'no_packet':
    case 'wait':
      return { line, command };
    case 'check_counter':
      return parseCheckCounter(rest, line);
    default:
      if (SWITCH_VERBS.includes(command))
        return { line, command: 'switch', verb: command, args: rest.split(/\s+/).filter((arg) => arg !== '') };
      return fail(
        line,
        `no command "${word}" (valid: packet, expect, add, setdefault, remove, no_packet, wait, check_counter, ${SWITCH_VERBS.join(', ')})`,
      );
  }
}

/** `table [priority] key:value ... action(arg:value, ...) [= name]` */
function parseAdd(rest: string, line: number): StfCommand {
  const parts = /^("[^"]+"|\S+)\s+(?:(\d+)\s+)?(.*?)\s*((?:"[^"]+"|[\w.$[\]]+)\s*\([^()]*\))\s*(?:=\s*(\S+))?$/.exec(
    rest,
  );
  if (parts === null) return fail(line, 'an entry is: table [priority] key:value ... action(argument:value, ...)');
  const [, table, priority, keys, call, name] = parts;
  const matches = [...keys!.matchAll(/("[^"]+"|[^\s:]+)\s*:\s*([^\s/]+)(?:\s*\/\s*(\d+))?/g)].map(
    ([, key, value, prefix]): StfMatch => ({
      key: unquote(key!),
      value: value!,
      prefixLength: prefix === undefined ? undefined : Number(prefix),
    }),
  );
  return {
    line,
    command: 'add',
    table: unquote(table!),
    priority: priority === undefined ? undefined : Number(priority),
    matches,
    action: parseAction(call!, line),
    name,
  };
}

function parseAction(text: string, line: number): StfAction {
  const [, name, list] =
    /^("[^"]+"|[\w.$[\]]+)\s*\(([^()]*)\)/.exec(text) ?? fail(line, `"${text}" is not an action with its arguments`);
  const args = new Map<string, string>();
  for (const arg of list!
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const [, key, value] = /^("[^"]+"|[^:\s]+)\s*:\s*(\S+)$/.exec(arg) ?? fail(line, `"${arg}" is not argument:value`);
    args.set(unquote(key!), value!);
  }
  return { name: unquote(name!), args };
}

function parseCheckCounter(rest: string, line: number): StfCommand {
  const parts = /^("[^"]+"|[^\s(]+)\s*\(\s*([^)\s]+)\s*\)\s*(?:(packets|bytes)\s*(==|!=|<=|>=|<|>)\s*(\S+))?$/i.exec(
    rest,
  );
  if (parts === null) return fail(line, 'a counter check is: counter(index) packets == number');
  const [, counter, index, unit, operator, value] = parts;
  return {
    line,
    command: 'check_counter',
    counter: unquote(counter!),
    index: index!,
    check:
      unit === undefined
        ? undefined
        : { unit: unit.toLowerCase() as 'packets' | 'bytes', operator: operator!, value: Number(value) },
  };
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function fail(line: number, problem: string): never {
  throw new StfError(line, problem);
}
