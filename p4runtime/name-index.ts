/** Named objects with ids, found by full name, alias or suffix. */
import { P4InfoLookupError } from './errors.js';

export interface Item {
  readonly id: number;
  readonly name: string;
  readonly alias: string;
}

/** Ids are 32 bits with a meaning in the first byte, so hexadecimal reads better; those of fields count from 1. */
function idText(id: number): string {
  return id > 0xffff ? `0x${id.toString(16).padStart(8, '0')}` : String(id);
}

export class NameIndex<T extends Item> {
  private readonly itemsById = new Map<number, T>();
  private readonly itemsByName = new Map<string, T>();

  /**
   * @param what the kind of object, for messages
   * @param items in their original order, which `items` keeps
   * @param where the object to which they belong, for messages
   * @throws P4InfoLookupError if two have the same id or name
   */
  constructor(
    readonly what: string,
    readonly items: readonly T[],
    private readonly where?: string,
  ) {
    for (const item of items) {
      // p4c gives the fields of a value set no names.
      if (this.itemsById.has(item.id) || (item.name !== '' && this.itemsByName.has(item.name))) {
        throw new P4InfoLookupError(
          `The P4Info has two objects (${what}) with id ${idText(item.id)} or name ${item.name}.`,
        );
      }
      this.itemsById.set(item.id, item);
      this.itemsByName.set(item.name, item);
    }
  }

  get names(): string[] {
    return this.items.map(({ name }) => name);
  }

  has(id: number): boolean {
    return this.itemsById.has(id);
  }

  /** @throws P4InfoLookupError that lists the valid ids with their names */
  byId(id: number): T {
    const item = this.itemsById.get(id);
    if (item) return item;
    throw new P4InfoLookupError(
      `There is no ${this.what} with id ${idText(id)}${this.place()}; ${this.valid((each) => `${idText(each.id)} ${each.name}`)}.`,
    );
  }

  /**
   * The object with this full name or alias, or the only one whose name has this suffix.
   * @throws P4InfoLookupError that lists the candidates
   */
  find(name: string): T {
    const found =
      this.itemsByName.get(name) ??
      this.only(
        name,
        this.items.filter(({ alias }) => alias === name),
      );
    const item =
      found ??
      this.only(
        name,
        this.items.filter((each) => each.name.endsWith(`.${name}`)),
      );
    if (item) return item;
    throw new P4InfoLookupError(
      `There is no ${this.what} named ${name}${this.place()}; ${this.valid((each) => each.name)}.`,
    );
  }

  private only(name: string, matches: readonly T[]): T | undefined {
    if (matches.length < 2) return matches[0];
    throw new P4InfoLookupError(
      `The name ${name} matches more than one ${this.what}${this.place()}: ${matches.map((each) => each.name).join(', ')}.`,
    );
  }

  private place(): string {
    return this.where ? ` in ${this.where}` : '';
  }

  private valid(text: (item: T) => string): string {
    return this.items.length === 0 ? `there are none` : `valid: ${this.items.map(text).join(', ')}`;
  }
}
