import { ControlError, type ActionCall, type ActionDescription } from '../control.js';
import { byName, type Aliases } from './names.js';
import { parseValue, type Value } from './values.js';

/** Arguments of an action by the names of its parameters, which may be shortened like other names. */
export type ActionArguments = Readonly<Record<string, Value>>;

/**
 * @param where the table or action profile, for messages.
 * @throws ControlError, listing the valid actions or parameters.
 */
export function parseCall(
  action: string,
  args: ActionArguments,
  actions: readonly ActionDescription[],
  where: string,
  aliases: Aliases,
): ActionCall {
  const found = byName('action', action, actions, where, aliases);
  const owner = `action ${found.name}`;
  const given = new Map(
    Object.entries(args).map(([name, value]) => [byName('parameter', name, found.params, owner).name, value]),
  );
  return {
    action: found.name,
    args: found.params.map(({ name, width }) => {
      const value = given.get(name);
      if (value === undefined) {
        const all = found.params.map((param) => `${param.name}: ${param.width} bit(s)`).join(', ');
        throw new ControlError('INVALID_ARGUMENT', `${owner} needs parameter ${name} (its parameters: ${all})`);
      }
      return parseValue(value, width, `parameter ${name} of ${owner}`);
    }),
  };
}
