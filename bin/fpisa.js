#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(entry)) {
  console.error('fpisa is not built: run "npm ci" or "npm run build" in its folder first');
  process.exit(2);
}
const { main } = await import(entry.href);
await main(process.argv);
