/** A part of a JSON file from another program: every value must have the requested type, or the file is rejected. */
import type { ArtifactError } from '../errors.js';

export class JsonPart {
  private readonly fields: Readonly<Record<string, unknown>>;

  /**
   * @param path of the part within the file, for messages; empty for the whole
   * @param wrong completes "the file ..."
   * @throws ArtifactError when it is not an object
   */
  constructor(
    value: unknown,
    private readonly path: string,
    readonly wrong: (what: string) => ArtifactError,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(path === '' ? 'is not an object' : `has no object at ${path}`);
    this.fields = value as Readonly<Record<string, unknown>>;
  }

  get(name: string): unknown {
    return this.fields[name];
  }

  /** Undefined if it is missing. @throws ArtifactError */
  text(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'string') throw this.wrong(`has no string at ${this.at(name)}`);
    return value;
  }

  /** Empty if it is missing. @throws ArtifactError when it is not a list of objects */
  list(name: string): JsonPart[] {
    return this.items(name).map((item, i) => new JsonPart(item, `${this.at(name)}[${i}]`, this.wrong));
  }

  /** Empty if it is missing. @throws ArtifactError when it is not a list of whole numbers */
  numbers(name: string): number[] {
    return this.items(name).map((item, i) => {
      if (!Number.isInteger(item)) throw this.wrong(`has no whole number at ${this.at(name)}[${i}]`);
      return item as number;
    });
  }

  private items(name: string): unknown[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value)) throw this.wrong(`has no list at ${this.at(name)}`);
    return value;
  }

  private at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}
