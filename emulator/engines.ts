import { Interpreter } from './interpreter/interpreter.js';
import type { SwitchOptions } from './switch.js';

export type EngineFactory = NonNullable<SwitchOptions['engine']>;

/** Each engine by its name; what an engine needs is loaded only when it is asked for. */
const ENGINES: Readonly<Record<string, () => Promise<EngineFactory>>> = {
  interpreter: () => Promise.resolve((program, host) => new Interpreter(program, host)),
};

export const ENGINE_NAMES: readonly string[] = Object.keys(ENGINES);

/** @param name one of {@link ENGINE_NAMES}. @throws RangeError for another */
export function engineNamed(name: string): Promise<EngineFactory> {
  const load = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
  if (load === undefined) throw new RangeError(`there is no engine "${name}" (there is: ${ENGINE_NAMES.join(', ')})`);
  return load();
}
