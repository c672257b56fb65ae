import { cpus, release } from 'node:os';

/** The machine that a report was measured on: processors and kernel. */
export function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? process.arch}, Linux ${release()}`;
}
