/** Tokens of protobuf text format. */

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'sign' | 'end';
  /** Empty at the end of the text. */
  readonly text: string;
  /** Of a string, with its escapes resolved. */
  readonly bytes?: Uint8Array;
  readonly line: number;
}

const SPACE = /(?:[ \t\r\n\f\v]+|#[^\n]*)*/y;
const TOKEN =
  /(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>-?\s*[0-9][0-9A-Za-z.]*)|(?<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?<sign>[^\s])/y;

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

function unquote(quoted: string): Uint8Array {
  const parts: Buffer[] = [];
  const pieces = /\\([0-7]{1,3})|\\[xX]([0-9A-Fa-f]{1,2})|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)|[^\\]+/gu;
  for (const [piece, octal, hex, short, long, escaped] of quoted.slice(1, -1).matchAll(pieces)) {
    const unicode = short ?? long;
    if (octal) parts.push(Buffer.of(parseInt(octal, 8) & 0xff));
    else if (hex) parts.push(Buffer.of(parseInt(hex, 16)));
    else if (unicode) parts.push(Buffer.from(String.fromCodePoint(parseInt(unicode, 16))));
    else if (escaped) parts.push(Buffer.from(SIMPLE_ESCAPES[escaped] ? Buffer.of(SIMPLE_ESCAPES[escaped]) : escaped));
    else parts.push(Buffer.from(piece));
  }
  return Buffer.concat(parts);
}

export class TextScanner {
  private at = 0;
  private line = 1;
  private ahead: Token | undefined;

  constructor(
    private readonly text: string,
    private readonly makeError: (message: string) => Error,
  ) {}

  peek(): Token {
    return (this.ahead ??= this.scan());
  }

  next(): Token {
    const token = this.peek();
    this.ahead = undefined;
    return token;
  }

  /** Takes the next token if it is this sign; '' takes the end. */
  accept(sign: string): boolean {
    const { kind, text } = this.peek();
    const matches = sign === '' ? kind === 'end' : kind === 'sign' && text === sign;
    if (matches) this.next();
    return matches;
  }

  expect(sign: string): Token {
    const token = this.next();
    if (token.text !== sign) throw this.error(token, `expected ${sign}, not ${token.text || 'the end'}`);
    return token;
  }

  error(token: Token, message: string): Error {
    return this.makeError(`Line ${token.line}: ${message}.`);
  }

  private scan(): Token {
    SPACE.lastIndex = this.at;
    this.advance(SPACE.exec(this.text)?.[0] ?? '');
    TOKEN.lastIndex = this.at;
    const match = TOKEN.exec(this.text);
    const line = this.line;
    if (!match) return { kind: 'end', text: '', line };
    const text = match[0];
    this.advance(text);
    const { word, number, string } = match.groups!;
    if (word !== undefined) return { kind: 'word', text, line };
    if (number !== undefined) return { kind: 'number', text: text.replace(/\s/g, ''), line };
    if (string !== undefined) return { kind: 'string', text, bytes: unquote(text), line };
    return { kind: 'sign', text, line };
  }

  private advance(text: string): void {
    this.at += text.length;
    for (const character of text) if (character === '\n') this.line++;
  }
}
