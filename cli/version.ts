import { readFileSync } from 'node:fs';
import { shippedFile } from '../protocol/service.js';

export function packageVersion(): string {
  return (JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { version: string }).version;
}
