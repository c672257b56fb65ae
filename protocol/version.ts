/** The version of this package, which master and workers of a query compare. */
import { readFileSync } from 'node:fs';
import { shippedFile } from './service.js';

export function packageVersion(): string {
  return (JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { version: string }).version;
}
