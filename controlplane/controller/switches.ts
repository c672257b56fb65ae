/** The switches of a state, as the operator changes them. */
import { checkJobTrees, jobsOn } from './jobs.js';
import type { ControllerState, SwitchConfig } from './state.js';
import { checkSwitchConfig } from './switch-config.js';
import { checkTopology } from './topology.js';

/** Names of the state's switches that have no jobs and are not among `configs`. */
export function unusedBut(state: ControllerState, configs: readonly SwitchConfig[]): string[] {
  const named = configs.map(({ name }) => name);
  return Object.keys(state.switches).filter((name) => !named.includes(name) && jobsOn(state, name).length === 0);
}

/** The state with these switches, in one step: each may be the parent of another. @throws SwitchConfigError */
export function withSwitches(
  state: ControllerState,
  configs: readonly SwitchConfig[],
  forget: readonly string[] = [],
): ControllerState {
  for (const config of configs) checkSwitchConfig(config);
  const kept = Object.entries(state.switches).filter(([name]) => !forget.includes(name));
  const switches = Object.fromEntries([...kept, ...configs.map((config) => [config.name, config] as const)]);
  const changed = { ...state, switches };
  checkTopology(switches);
  checkJobTrees(changed);
  return changed;
}
