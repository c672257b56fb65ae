/** The part of Python's literal syntax that headers of .npy files use. */

/** None is null; tuples and lists are arrays; numbers are whole. */
export type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

const TOKEN = /\s*(?:('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(-?\d+)L?|(True|False|None)\b|([{}()[\],:]))/uy;
const WORDS: Readonly<Record<string, boolean | null>> = { True: true, False: false, None: null };

/** @throws SyntaxError for anything else */
export function parseLiteral(text: string): Literal {
  const tokens = tokenize(text);
  let at = 0;

  function next(): string {
    const token = tokens[at++];
    if (token === undefined) throw new SyntaxError('it ends too early');
    return token;
  }

  function sequence(close: string): Literal[] {
    const items: Literal[] = [];
    while (tokens[at] !== close) {
      items.push(value());
      if (tokens[at] === ',') at++;
      else if (tokens[at] !== close) throw new SyntaxError(`',' or '${close}' is missing`);
    }
    at++;
    return items;
  }

  function dictionary(): Map<string, Literal> {
    const map = new Map<string, Literal>();
    while (tokens[at] !== '}') {
      const key = value();
      if (typeof key !== 'string' || next() !== ':') throw new SyntaxError("a key and ':' are missing");
      map.set(key, value());
      if (tokens[at] === ',') at++;
      else if (tokens[at] !== '}') throw new SyntaxError("',' or '}' is missing");
    }
    at++;
    return map;
  }

  function value(): Literal {
    const token = next();
    if (token === '{') return dictionary();
    if (token === '(') return sequence(')');
    if (token === '[') return sequence(']');
    if (token[0] === "'" || token[0] === '"') return token.slice(1, -1).replace(/\\(.)/gu, '$1');
    if (token in WORDS) return WORDS[token]!;
    if (/^-?\d/.test(token)) return Number(token);
    throw new SyntaxError(`'${token}' was not expected`);
  }

  const result = value();
  if (at < tokens.length) throw new SyntaxError(`'${tokens[at]!}' follows its end`);
  return result;
}

function tokenize(text: string): string[] {
  const trimmed = text.trimEnd();
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) throw new SyntaxError(`character ${from} cannot be read`);
    tokens.push((match[1] ?? match[2] ?? match[3] ?? match[4])!);
  }
  return tokens;
}
