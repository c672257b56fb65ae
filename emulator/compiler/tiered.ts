import type { Output } from '../control.js';
import type { Engine, EngineHost } from '../engine.js';
import { Interpreter } from '../interpreter/interpreter.js';
import type { TraceRecorder } from '../trace.js';
import { compileNow, loadCompiler } from './cache.js';
import { CompiledEngine } from './engine.js';
import type { ProgramMemory } from './memory.js';

/**
 * The compiled engine, with the interpreter in its place until the compiler is loaded. Both work on the same state,
 * so the change between two packets cannot be seen from outside.
 */
export class TieredEngine implements Engine {
  /** Resolves when packets run compiled; rejects if the program cannot be compiled, and then stays interpreted. */
  readonly ready: Promise<void>;
  private current: Engine | undefined;

  constructor(
    private readonly host: EngineHost,
    private readonly memory: ProgramMemory,
    private readonly key: string,
  ) {
    this.ready = this.start();
    // Nobody has to wait for it; whoever does sees the error.
    this.ready.catch(() => {});
  }

  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[] {
    this.current ??= new Interpreter(this.host.state.program, this.host);
    return this.current.process(port, bytes, trace);
  }

  private async start(): Promise<void> {
    // Up to the first await this runs at once: a program that can be compiled now is.
    if (this.tryCompile()) return;
    await loadCompiler();
    this.tryCompile();
  }

  private tryCompile(): boolean {
    const artifact = compileNow(this.host.state.program, this.key, this.host.dropPort);
    if (artifact === undefined) return false;
    this.current = new CompiledEngine(artifact, this.host, this.memory);
    return true;
  }
}
