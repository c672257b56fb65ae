/** Collations, under which different texts are equal: what compares so stays with the master. */
import { walkAll } from './tree.js';

/** Does an expression, or anything of a query, name a collation? */
export function isCollated(value: unknown): boolean {
  let is = false;
  walkAll(value, (part) => {
    is ||= part['class'] === 'COLLATE' || (typeof part['collation'] === 'string' && part['collation'] !== '');
  });
  return is;
}
