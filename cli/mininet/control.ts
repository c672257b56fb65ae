/** Commands to a running network: `--control` reads it from standard input, one JSON object a line. */
import { createInterface } from 'node:readline';
import { UsageError } from '../errors.js';

const VERBS = ['kill', 'start', 'restart'] as const;
type Verb = (typeof VERBS)[number];

type Target = { readonly worker: number } | { readonly part: string };

export interface ControlCommand {
  readonly verb: Verb;
  /** A worker by rank, or a switch or the controller by name. */
  readonly target: Target;
  /** As received. */
  readonly source: unknown;
}

/** @throws UsageError that shows what a command looks like */
export function parseCommand(line: string): ControlCommand {
  const wrong = new UsageError(
    `"${line}" is not a command: write {"kill":"worker","rank":2}, or {"restart":"s1"} with kill, start or restart and a switch or "controller"`,
  );
  let source: unknown;
  try {
    source = JSON.parse(line);
  } catch {
    throw wrong;
  }
  if (typeof source !== 'object' || source === null) throw wrong;
  const { rank, ...rest } = source as Record<string, unknown>;
  const [[verb, name] = [], ...more] = Object.entries(rest);
  if (more.length > 0 || typeof name !== 'string' || !VERBS.includes(verb as Verb)) throw wrong;
  if (name !== 'worker') return { verb: verb as Verb, target: { part: name }, source };
  // A worker whose process has ended has lost its input: there is nothing to start again.
  if (verb !== 'kill' || typeof rank !== 'number') throw wrong;
  return { verb: 'kill', target: { worker: rank }, source };
}

/** Calls `handle` for each line, one after the other. */
export function readCommands(input: NodeJS.ReadableStream, handle: (line: string) => Promise<void>): { close(): void } {
  let last = Promise.resolve();
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    if (line.trim() !== '') last = last.then(() => handle(line));
  });
  return { close: () => lines.close() };
}
