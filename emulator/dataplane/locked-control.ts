import type { Control } from '../control.js';
import { WORD, type ControlBlock } from './control-block.js';
import type { MainLock } from './lock.js';

/** Those after which copies may go elsewhere. */
const REPLICATING: readonly PropertyKey[] = [
  'setMulticastGroup',
  'deleteMulticastGroup',
  'setCloneSession',
  'deleteCloneSession',
] satisfies (keyof Control)[];

/** A control of which each operation, reading or writing, happens between two packets. */
export function lockedControl(control: Control, lock: MainLock, block: ControlBlock): Control {
  return new Proxy(control, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown =>
        lock.hold(() => {
          const result: unknown = Reflect.apply(member, target, args);
          if (REPLICATING.includes(name)) Atomics.add(block.words, WORD.replication, 1);
          return result;
        });
    },
  });
}
