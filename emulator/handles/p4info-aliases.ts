import type { ProgramDescription } from '../control.js';
import { EmulatorError } from '../errors.js';
import { indexP4Info, P4InfoIndex, type P4Info } from '../../p4runtime/index.js';
import { NO_ALIASES, type Aliases } from './names.js';

/** The P4Info belongs to another program. */
export class P4InfoMismatchError extends EmulatorError {
  override readonly name = 'P4InfoMismatchError';
  constructor(problem: string) {
    super('EMULATOR_P4INFO_MISMATCH', `the P4Info does not belong to this program: ${problem}`);
  }
}

const KINDS = ['tables', 'counters', 'registers', 'meters', 'actionProfiles'] as const;
type Kind = (typeof KINDS)[number];

/** Full names by the aliases of a P4Info. */
export type P4InfoAliases = Readonly<Record<Kind | 'actions', Aliases>>;

export const NO_P4INFO_ALIASES: P4InfoAliases = {
  tables: NO_ALIASES,
  counters: NO_ALIASES,
  registers: NO_ALIASES,
  meters: NO_ALIASES,
  actionProfiles: NO_ALIASES,
  actions: NO_ALIASES,
};

/**
 * @param p4info text or JSON form, or the message.
 * @throws P4InfoMismatchError if it names objects that the program does not have; P4InfoSyntaxError, P4InfoLookupError.
 */
export function aliasesOf(p4info: string | P4Info, program: ProgramDescription): P4InfoAliases {
  const index = typeof p4info === 'string' ? indexP4Info(p4info) : new P4InfoIndex(p4info);
  for (const kind of KINDS) {
    const names = program[kind].map(({ name }) => name);
    const stranger = index[kind].items.find(({ name }) => !names.includes(name));
    if (stranger !== undefined)
      throw new P4InfoMismatchError(
        `${stranger.name} is not among the program's ${kind} (${names.join(', ') || 'none'})`,
      );
  }
  const aliases = (items: readonly { readonly name: string; readonly alias: string }[]): Aliases =>
    new Map(items.map(({ name, alias }) => [alias, name]));
  return {
    tables: aliases(index.tables.items),
    counters: aliases(index.counters.items),
    registers: aliases(index.registers.items),
    meters: aliases(index.meters.items),
    actionProfiles: aliases(index.actionProfiles.items),
    actions: aliases(index.actions.items),
  };
}
