import type { Control } from '../control.js';
import { WORD, type ControlBlock } from './control-block.js';
import type { MainLock } from './lock.js';

/** Operations after which copies may go to other ports. */
const REPLICATING: readonly PropertyKey[] = [
  'setMulticastGroup',
  'deleteMulticastGroup',
  'setCloneSession',
  'deleteCloneSession',
] satisfies (keyof Control)[];

/** A control whose operations, reads as well as writes, each happen between two packets. */
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
