import type { ActionCall, KeyDescription, MatchKey, TableDescription } from '../control.js';
import { StfError, type StfAction, type StfMatch } from './parse.js';

/** The one object whose name is, or else ends in, the given one; p4c's harness matches names this way. */
export function bySuffix<T extends { readonly name: string }>(
  line: number,
  kind: string,
  name: string,
  objects: readonly T[],
): T {
  const exact = objects.find((object) => object.name === name);
  if (exact !== undefined) return exact;
  const dotted = objects.filter((object) => object.name.endsWith(`.${name}`));
  const found = dotted.length > 0 ? dotted : objects.filter((object) => object.name.endsWith(name));
  if (found.length === 1) return found[0]!;
  const names = (found.length === 0 ? objects : found).map((object) => object.name).join(', ');
  throw new StfError(
    line,
    found.length === 0 ? `no ${kind} "${name}" (valid: ${names || 'none'})` : `${kind} "${name}" could be: ${names}`,
  );
}

/** Finds a key by the spellings STF files use: `x$0.f` for x[0].f, a suffix, or `valid` for a validity key. */
function findKey(line: number, written: string, table: TableDescription): number {
  const name = written.replace(/^(.*)\$([0-9]+)(.*)$/, '$1[$2]$3');
  const names = table.keys.map((key) => key.name);
  const spellings = [name, `${name}$`, `${name}.$valid$`, name.replace(/\.valid$/, '.$valid$')];
  for (const spelling of spellings) {
    const at = names.indexOf(spelling);
    if (at >= 0) return at;
  }
  const at = names.findIndex(
    (key) => key.endsWith(`.${name}`) || key.endsWith(`.${name}$`) || (name === 'valid' && key.endsWith('$valid$')),
  );
  if (at >= 0) return at;
  throw new StfError(line, `table ${table.name} has no key "${written}" (it has: ${names.join(', ')})`);
}

/** All keys of an entry; those that are not given become wildcards (zero for an exact one). */
export function matchKeys(line: number, table: TableDescription, matches: readonly StfMatch[]): MatchKey[] {
  const keys = table.keys.map((key): MatchKey => {
    switch (key.kind) {
      case 'exact':
        return { kind: 'exact', value: 0n };
      case 'lpm':
        return { kind: 'lpm', value: 0n, prefixLength: 0 };
      case 'ternary':
        return { kind: 'ternary', value: 0n, mask: 0n };
      case 'range':
        return { kind: 'range', low: 0n, high: (1n << BigInt(key.width)) - 1n };
    }
  });
  for (const match of matches) {
    const at = findKey(line, match.key, table);
    keys[at] = matchKey(line, table.keys[at]!, match);
  }
  return keys;
}

const BITS_PER_DIGIT: Readonly<Record<string, bigint>> = { '0x': 4n, '0b': 1n, '0o': 3n };

/** A number whose digits may be `*`: the value with zeros there, and the mask of the digits that are given. */
function masked(line: number, text: string): { value: bigint; mask: bigint; digits: number; bits: bigint } {
  const prefix = text.slice(0, 2).toLowerCase();
  const bits = BITS_PER_DIGIT[prefix];
  if (bits === undefined)
    throw new StfError(line, `"${text}" has no base: a value with don't-care digits starts with 0x, 0b or 0o`);
  const digits = text.slice(2);
  let mask = 0n;
  for (const digit of digits) mask = (mask << bits) | (digit === '*' ? 0n : (1n << bits) - 1n);
  return {
    value: number(line, prefix + digits.replaceAll('*', '0')),
    mask,
    digits: digits.length - (digits.match(/\*/g)?.length ?? 0),
    bits,
  };
}

function matchKey(line: number, key: KeyDescription, { value, prefixLength }: StfMatch): MatchKey {
  const all = (1n << BigInt(key.width)) - 1n;
  switch (key.kind) {
    case 'exact':
      return { kind: 'exact', value: number(line, value) };
    case 'ternary': {
      const parts = masked(line, value);
      return { kind: 'ternary', value: parts.value & all, mask: parts.mask & all };
    }
    case 'lpm': {
      if (prefixLength !== undefined) return { kind: 'lpm', value: number(line, value), prefixLength };
      if (/^\d+$/.test(value) && !value.startsWith('0x'))
        return { kind: 'lpm', value: number(line, value), prefixLength: key.width };
      const parts = masked(line, value);
      return { kind: 'lpm', value: parts.value, prefixLength: Math.min(key.width, parts.digits * Number(parts.bits)) };
    }
    case 'range':
      return { kind: 'range', low: number(line, value), high: number(line, value) };
  }
}

export function number(line: number, text: string): bigint {
  try {
    return BigInt(text.toLowerCase());
  } catch {
    throw new StfError(line, `"${text}" is not a number`);
  }
}

/** The call with its arguments in the order of the parameters. */
export function actionCall(line: number, table: TableDescription, action: StfAction): ActionCall {
  const found = bySuffix(line, `action of table ${table.name}`, action.name, table.actions);
  const names = found.params.map((param) => param.name);
  for (const name of action.args.keys()) {
    if (!names.includes(name))
      throw new StfError(
        line,
        `action ${found.name} has no parameter "${name}" (it has: ${names.join(', ') || 'none'})`,
      );
  }
  return {
    action: found.name,
    args: names.map((name) => {
      const value = action.args.get(name);
      if (value === undefined) throw new StfError(line, `action ${found.name} needs parameter "${name}"`);
      return number(line, value);
    }),
  };
}
