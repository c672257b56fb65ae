import type { Output } from '../control.js';
import type { Engine, EngineHost } from '../engine.js';
import { Interpreter } from '../interpreter/interpreter.js';
import type { TraceRecorder } from '../trace.js';
import { FrameBridge } from './bridge.js';
import { CollectingSink } from './collecting-sink.js';
import { GrowableBuffer } from './growable-buffer.js';
import { digestOf } from './digest.js';
import { framePlan } from './frame-plan.js';
import type { FrameSink } from './frames.js';
import { hostFunctions } from './host.js';
import type { ProgramMemory } from './memory.js';
import type { Artifact } from './artifact.js';
import { PacketMachine } from './packet-machine.js';
import { ReplicationMemory } from './replication.js';
import { TableMemory } from './table-memory.js';

/**
 * Runs a program that was compiled to WebAssembly. Registers and counters are in the memory that the state was created
 * with; entries are mirrored there. A packet that is traced runs on the interpreter, with the same state.
 */
export class CompiledEngine implements Engine {
  private readonly machine: PacketMachine;
  private readonly slack: number;
  private readonly input: GrowableBuffer;
  private readonly sink: CollectingSink;
  private interpreter: Interpreter | undefined;

  /** @param memory where `host.state` keeps its cells. */
  constructor(
    artifact: Artifact,
    private readonly host: EngineHost,
    private readonly memory: ProgramMemory,
  ) {
    const { program, layout, scratchBytes, module } = artifact;
    memory.reserveScratch(scratchBytes);
    const bridge = new FrameBridge(program, layout, memory);
    const tables = host.state.tables.map((table) => new TableMemory(table, layout, memory));
    const replication = new ReplicationMemory(host.state, memory);
    const plan = framePlan(program, layout, host);
    this.slack = plan.slack;
    this.input = new GrowableBuffer(memory);
    this.sink = new CollectingSink(memory);
    this.machine = new PacketMachine(
      plan,
      module,
      memory,
      {
        clock: host.clock,
        multicastGroup: (group) => replication.multicastGroup(group),
        cloneSession: (session) => replication.cloneSession(session),
        digest: (frame) => digestOf(frame, artifact, memory, bridge, host.onDigest),
        onDrop: host.onDrop,
      },
      hostFunctions(artifact, host, memory, bridge, tables),
    );
  }

  process(port: number, bytes: Uint8Array, trace?: TraceRecorder): Output[] {
    if (trace !== undefined) {
      this.interpreter ??= new Interpreter(this.host.state.program, this.host);
      return this.interpreter.process(port, bytes, trace);
    }
    const address = this.input.reserve(bytes.length + this.slack);
    this.memory.bytes.set(bytes, address);
    const outputs = (this.sink.outputs = []);
    this.machine.run(port, address, bytes.length, this.sink);
    return outputs;
  }

  /**
   * Runs a packet that lies in linear memory; nothing is allocated for it.
   * @param address of the packet; bytes after it are overwritten, as many as the plan's slack
   * @throws PacketAbortError
   */
  run(port: number, address: number, length: number, sink: FrameSink): void {
    this.machine.run(port, address, length, sink);
  }
}
