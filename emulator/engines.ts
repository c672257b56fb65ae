import { loadCompiler } from './compiler/cache.js';
import type { EngineChoice } from './switch.js';

/** For option `engine` of the switch. */
export type EngineFactory = EngineChoice;

export const ENGINE_NAMES = ['interpreter', 'compiled'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/**
 * An engine, ready to be used: programs that are loaded with it run on it from their first packet.
 * @throws RangeError for another name
 */
export async function engineNamed(name: EngineName): Promise<EngineFactory> {
  if (!ENGINE_NAMES.includes(name))
    throw new RangeError(`there is no engine "${name}" (valid: ${ENGINE_NAMES.join(', ')})`);
  if (name === 'compiled') await loadCompiler();
  return name;
}
