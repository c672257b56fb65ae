/** How many bits the values of an expression need. */
import type { Expression, FieldDef } from '../json/data.js';

/**
 * Bits that certainly hold every value of the expression, all of which are at least 0; Infinity if that is uncertain.
 * Lets a store skip truncating the value to the width of the field.
 */
export function unsignedBits(e: Expression): number {
  switch (e.op) {
    case 'constant':
      return e.value < 0n ? Infinity : e.value === 0n ? 0 : e.value.toString(2).length;
    case 'field':
      return 'field' in e.ref ? plainWidth(e.ref.field) : 1;
    case 'fromBool':
    case 'boolean':
      return 1;
    case 'choose':
      return Math.max(unsignedBits(e.left), unsignedBits(e.right));
    case 'arithmetic':
      if (e.operator === '&') return Math.min(unsignedBits(e.left), unsignedBits(e.right));
      if (e.operator === '|' || e.operator === '^') return Math.max(unsignedBits(e.left), unsignedBits(e.right));
      if (e.operator === '>>') return unsignedBits(e.left);
      return Infinity;
    default:
      return e.type === 'bool' ? 1 : Infinity;
  }
}

function plainWidth(field: FieldDef): number {
  return field.signed || field.varbit ? Infinity : field.width;
}
