/** Calls from the packet thread to the main thread: the arguments are numbers, and so is the result. */
import { PacketAbortError } from '../errors.js';
import { CALL, WORD, type ControlBlock } from './control-block.js';
import { DataPlaneError } from './data-plane-error.js';

/** Functions by number. The last ones are imports of the compiled code, under the same names. */
export const FUNCTIONS = [
  'interpret',
  'more',
  'allocate',
  'release',
  'multicastGroup',
  'cloneSession',
  'digest',
  'expression',
  'primitive',
  'hash',
  'calculate',
  'hit',
  'choose',
  'lookup',
  'meter',
  'valueSet',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];
/** Those that return 64 bits. */
const WIDE: readonly FunctionName[] = ['hash', 'calculate'];
const MAX_ARGUMENTS = 6;

export type Callee = (...args: number[]) => number | bigint | void;

/** The packet thread's side. */
export class Caller {
  /** @param wake makes the main thread answer, if it is not waiting for the lock. */
  constructor(
    private readonly block: ControlBlock,
    private readonly wake: () => void,
  ) {}

  /** @throws PacketAbortError if the function throws it; DataPlaneError for any other error */
  call(program: number, name: FunctionName, a = 0, b = 0, c = 0, d = 0, e = 0): number {
    const { words } = this.block;
    words[WORD.program] = program;
    words[WORD.function] = FUNCTIONS.indexOf(name);
    words[WORD.args] = a;
    words[WORD.args + 1] = b;
    words[WORD.args + 2] = c;
    words[WORD.args + 3] = d;
    words[WORD.args + 4] = e;
    Atomics.store(words, WORD.call, CALL.asked);
    // A main thread that waits for the lock is woken by the doorbell alone; see MainLock.
    if (Atomics.load(words, WORD.mainWaits) === 1) {
      Atomics.add(words, WORD.doorbell, 1);
      Atomics.notify(words, WORD.doorbell);
    } else {
      this.wake();
    }
    while (Atomics.load(words, WORD.call) === CALL.asked) Atomics.wait(words, WORD.call, CALL.asked);
    const outcome = Atomics.exchange(words, WORD.call, CALL.none);
    if (outcome === CALL.aborted) throw new PacketAbortError(this.block.getError());
    if (outcome === CALL.failed) throw new DataPlaneError(this.block.getError());
    return words[WORD.result]!;
  }

  wide(program: number, name: FunctionName, a = 0, b = 0, c = 0): bigint {
    this.call(program, name, a, b, c);
    return this.block.wide[0]!;
  }

  /** Stubs for the imports of compiled code that only the main thread can execute. */
  imports(program: number): Record<string, unknown> {
    const imports: Record<string, unknown> = {};
    for (const name of FUNCTIONS) {
      imports[name] = WIDE.includes(name)
        ? (a: number, b: number, c: number) => this.wide(program, name, a, b, c)
        : (a: number, b: number, c: number, d: number, e: number) => this.call(program, name, a, b, c, d, e);
    }
    return imports;
  }
}

/** The main thread's side: executes the pending call, if there is one. */
export function answer(block: ControlBlock, calleeOf: (program: number, name: FunctionName) => Callee): void {
  const { words } = block;
  if (Atomics.load(words, WORD.call) !== CALL.asked) return;
  let outcome: number = CALL.answered;
  try {
    const args = Array.from(words.subarray(WORD.args, WORD.args + MAX_ARGUMENTS));
    const result = calleeOf(words[WORD.program]!, FUNCTIONS[words[WORD.function]!]!)(...args);
    if (typeof result === 'bigint') block.wide[0] = result;
    else words[WORD.result] = result ?? 0;
  } catch (error) {
    outcome = error instanceof PacketAbortError ? CALL.aborted : CALL.failed;
    block.setError(error instanceof PacketAbortError ? error.message : String((error as Error).stack ?? error));
  }
  Atomics.store(words, WORD.call, outcome);
  Atomics.notify(words, WORD.call);
}
