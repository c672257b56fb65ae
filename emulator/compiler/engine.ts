import type { Output } from '../control.js';
import type { Engine, EngineHost } from '../engine.js';
import { Interpreter } from '../interpreter/interpreter.js';
import type { TraceRecorder } from '../trace.js';
import { Architecture } from './architecture.js';
import { FrameBridge } from './bridge.js';
import { Frames, type Code } from './frames.js';
import { hostFunctions } from './host.js';
import type { ProgramMemory } from './memory.js';
import type { Artifact } from './module.js';
import { TableMemory } from './table-memory.js';
import { FrameTrafficManager } from './traffic-manager.js';
import { wasm } from './wasm.js';

/**
 * Runs a program that was compiled to WebAssembly. Registers and counters are in the memory that the state was
 * made with; entries are mirrored there. A packet whose trace is asked for runs on the interpreter, over the same
 * state.
 */
export class CompiledEngine implements Engine {
  private readonly manager: FrameTrafficManager;
  private interpreter: Interpreter | undefined;

  /** @param memory what `host.state` has its cells in. */
  constructor(
    artifact: Artifact,
    private readonly host: EngineHost,
    memory: ProgramMemory,
  ) {
    const { program, layout, scratchBytes, module } = artifact;
    memory.reserveScratch(scratchBytes);
    const bridge = new FrameBridge(program, layout, memory);
    const tables = host.state.tables.map((table) => new TableMemory(table, layout, memory));
    const { exports } = new wasm.Instance(module, { env: hostFunctions(artifact, host, memory, bridge, tables) });
    const code = exports as unknown as Code;
    const frames = new Frames(layout, memory, code);
    this.manager = new FrameTrafficManager(program, host, layout, code, frames, new Architecture(program, layout, memory), bridge);
  }

  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[] {
    if (trace === undefined) return this.manager.process(port, bytes);
    this.interpreter ??= new Interpreter(this.host.state.program, this.host);
    return this.interpreter.process(port, bytes, trace);
  }
}
