import { ProgramFormatError } from '../errors.js';

/** A place in a JSON document: typed access, and errors that carry the path from the root. */
export class JsonReader {
  constructor(
    readonly value: unknown,
    readonly path: string,
    /** Collects features of the program that the engine lacks, so that one load reports all of them. */
    readonly unsupported: Set<string>,
  ) {}

  fail(problem: string): never {
    throw new ProgramFormatError(this.path, problem);
  }

  /** Records a feature the engine lacks; loading continues so that the others are found too. */
  lacks(feature: string): void {
    this.unsupported.add(`${feature} (at ${this.path})`);
  }

  get missing(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** A member of an object; the reader of a missing member has `missing` set. */
  get(key: string): JsonReader {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      return this.fail(`an object with "${key}" is needed, but this is ${describe(this.value)}`);
    }
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return new JsonReader((this.value as Record<string, unknown>)[key], path, this.unsupported);
  }

  has(key: string): boolean {
    return !this.get(key).missing;
  }

  /** Elements of an array; a missing array counts as empty, and so does `{}`: p4c writes an empty vector so. */
  items(): JsonReader[] {
    if (this.missing || isEmptyObject(this.value)) return [];
    if (!Array.isArray(this.value)) return this.fail(`an array is needed, but this is ${describe(this.value)}`);
    return this.value.map((item, index) => new JsonReader(item, `${this.path}[${index}]`, this.unsupported));
  }

  /** Elements of an array of exactly `count` elements. */
  tuple(count: number): JsonReader[] {
    const items = this.items();
    if (items.length !== count) this.fail(`${count} element(s) are needed, but there are ${items.length}`);
    return items;
  }

  keys(): string[] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      return this.fail(`an object is needed, but this is ${describe(this.value)}`);
    }
    return Object.keys(this.value);
  }

  string(): string {
    if (typeof this.value !== 'string') return this.fail(`a string is needed, but this is ${describe(this.value)}`);
    return this.value;
  }

  stringOrNull(): string | null {
    return this.missing ? null : this.string();
  }

  integer(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value)) {
      return this.fail(`an integer is needed, but this is ${describe(this.value)}`);
    }
    return this.value;
  }

  boolean(fallback?: boolean): boolean {
    if (this.missing && fallback !== undefined) return fallback;
    if (typeof this.value !== 'boolean')
      return this.fail(`true or false is needed, but this is ${describe(this.value)}`);
    return this.value;
  }

  /** A hexstr of the format: hexadecimal digits, optional 0x, optional minus sign in front. */
  hex(): bigint {
    const text = this.string();
    const match = /^(-?)(?:0[xX])?([0-9a-fA-F]+)$/.exec(text);
    if (match === null) return this.fail(`a hexadecimal number is needed, but this is ${describe(text)}`);
    const magnitude = BigInt(`0x${match[2]}`);
    return match[1] === '-' ? -magnitude : magnitude;
  }
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Objects of one kind by name (or id), with errors that list the valid ones. */
export class Registry<T> {
  private readonly byName = new Map<string | number, T>();
  constructor(private readonly kind: string) {}

  add(at: JsonReader, name: string | number, object: T): void {
    if (this.byName.has(name)) at.fail(`there are two objects of kind ${this.kind} called ${JSON.stringify(name)}`);
    this.byName.set(name, object);
  }

  find(name: string | number): T | undefined {
    return this.byName.get(name);
  }

  get(at: JsonReader, name: string | number): T {
    const object = this.byName.get(name);
    if (object === undefined) {
      const names = [...this.byName.keys()];
      const shown = names.slice(0, 8).join(', ') + (names.length > 8 ? ', ...' : '');
      return at.fail(`no ${this.kind} called ${JSON.stringify(name)} (valid: ${shown === '' ? 'none' : shown})`);
    }
    return object;
  }

  values(): T[] {
    return [...this.byName.values()];
  }
}
