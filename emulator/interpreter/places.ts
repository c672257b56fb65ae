/** Where primitives store to. */
import type { Expression } from '../json/data.js';
import type { Context } from './context.js';
import { compileData, compileHeader, lastOf } from './expressions.js';
import { storeTo, type Store } from './stores.js';

/** Compiles an expression that is stored to. */
export function compilePlace(e: Expression, context: Context): Store {
  switch (e.op) {
    case 'field':
      if ('field' in e.ref) return storeTo(e.ref.field);
      break;
    case 'fieldAt': {
      const header = compileHeader(e.header, context);
      const { offset } = e;
      return (p, value) => context.store(header(p).fields[offset]!, p, value);
    }
    case 'lastField': {
      const { stack, offset } = e;
      return (p, value) => context.store(lastOf(p, stack).fields[offset]!, p, value);
    }
    case 'register': {
      const array = context.host.state.registers[e.register.index]!;
      const index = compileData(e.index, context);
      return (p, value) => {
        const i = index(p);
        if (i >= 0n && i < array.size) array.write(Number(i), value);
        else p.trace?.add({ kind: 'outOfRange', object: `register ${array.def.name}`, index: i, size: array.size });
      };
    }
    default:
      break;
  }
  throw new Error(`cannot be stored to: ${e.op}`);
}
