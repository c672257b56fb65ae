/** Which networks can be built on this machine; the others are skipped, with the reason. */
import { existsSync } from 'node:fs';
import { checkRequirements, SWITCHES, type SwitchKind } from '../../../cli/mininet/requirements.js';

export interface Target {
  readonly kind: SwitchKind;
  /** Undefined: it can. */
  readonly missing: string | undefined;
}

export const TARGETS: readonly Target[] = SWITCHES.map((kind) => ({ kind, missing: missing(kind) }));

/** Whether links can delay packets here. */
export const NO_NETEM = missing('emulator', true);

function missing(kind: SwitchKind, delay = false): string | undefined {
  if (!existsSync('/proc/self/ns/net')) return 'no network namespaces';
  try {
    checkRequirements(kind, delay);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
