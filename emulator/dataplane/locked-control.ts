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
  const locked = new Map<PropertyKey, unknown>();
  const lockedMember = (name: PropertyKey, member: (...args: unknown[]) => unknown): unknown => {
    const isReplicating = REPLICATING.includes(name);
    return (...args: unknown[]): unknown =>
      lock.hold(() => {
        const result: unknown = Reflect.apply(member, control, args);
        if (isReplicating) Atomics.add(block.words, WORD.replication, 1);
        return result;
      });
  };
  return new Proxy(control, {
    get(target, name) {
      const known = locked.get(name);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const made = lockedMember(name, member as (...args: unknown[]) => unknown);
      locked.set(name, made);
      return made;
    },
  });
}
