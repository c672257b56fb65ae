import type { EngineHost } from '../engine.js';
import type { Program } from '../json/program.js';
import type { FieldDef } from '../json/data.js';
import type { Packet } from './packet.js';
import { storeTo, type Store } from './stores.js';

/** What is needed while a program is compiled to closures. */
export class Context {
  private readonly stores: Store[] = [];

  constructor(
    readonly program: Program,
    readonly host: EngineHost,
    /** Whether the closures record what they do; those that do not have no overhead from it. */
    readonly traced: boolean,
  ) {}

  /** Stores to a field that is only known at run time. */
  store(field: FieldDef, p: Packet, value: bigint): void {
    (this.stores[field.index] ??= storeTo(field))(p, value);
  }

  /** A store to a field of the architecture; nothing happens if the program has no such field. */
  architecture(name: string): Store {
    const field = this.program.architecture.get(name);
    return field === undefined ? () => {} : storeTo(field);
  }
}
