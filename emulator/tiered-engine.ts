import type { Output } from './control.js';
import type { Engine, EngineHost } from './engine.js';
import { Interpreter } from './interpreter/interpreter.js';
import { identityOf } from './json/identity.js';
import type { TraceRecorder } from './trace.js';
import { compileAside, compileNow } from './compiler/cache.js';
import { CompiledEngine } from './machine/engine.js';
import { ProgramMemory } from './machine/memory.js';
import type { Artifact } from './machine/artifact.js';

/** A program that gets fewer packets is not worth the seconds that its compilation takes. */
const PACKETS_UNTIL_COMPILED = 300;

/**
 * The compiled engine, with the interpreter in its place until the program is compiled. Both work on the same state,
 * so the change between two packets cannot be seen from outside.
 */
export class TieredEngine implements Engine {
  private interpreter: Interpreter | undefined;
  private compiled: CompiledEngine | undefined;
  private compiling: Promise<void> | undefined;
  private packets = 0;

  /** @param atOnce whether to compile now; otherwise when packets come, or {@link ready} is called. */
  constructor(
    private readonly host: EngineHost,
    atOnce: boolean,
  ) {
    if (atOnce) this.start();
  }

  /** Resolves when packets run compiled; rejects if the program cannot be compiled, and then stays interpreted. */
  ready(): Promise<void> {
    return this.start();
  }

  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[] {
    if (this.compiled !== undefined) return this.compiled.process(port, bytes, trace);
    if (this.compiling === undefined && ++this.packets >= PACKETS_UNTIL_COMPILED) this.start();
    this.interpreter ??= new Interpreter(this.host.state.program, this.host);
    return this.interpreter.process(port, bytes, trace);
  }

  private start(): Promise<void> {
    if (this.compiling === undefined) {
      this.compiling = this.compile();
      // No caller has to await it; one that does gets the error.
      this.compiling.catch(() => {});
    }
    return this.compiling;
  }

  private async compile(): Promise<void> {
    const { program } = this.host.state;
    const key = identityOf(program);
    // Up to the first await this runs synchronously: a program that can be compiled now is.
    const known = compileNow(program, key, this.host.dropPort);
    this.use(known ?? (await compileAside(program, key, this.host.dropPort)));
  }

  private use(artifact: Artifact): void {
    const memory = new ProgramMemory(artifact.layout);
    this.host.state.moveTo(memory);
    this.compiled = new CompiledEngine(artifact, this.host, memory);
  }
}
