import { Architecture } from './architecture.js';
import type { FramePlan } from './frame-plan.js';
import { Frames, type Code, type FrameSink } from './frames.js';
import type { FrameMemory } from './memory-view.js';
import { FrameTrafficManager, type FrameHost } from './traffic-manager.js';
import { wasm, type WasmModule } from './wasm.js';

/** Runs a compiled program on packets in linear memory, on any thread. */
export class PacketMachine {
  private readonly manager: FrameTrafficManager;

  /** @param imports what the compiled code calls. */
  constructor(
    plan: FramePlan,
    module: WasmModule,
    memory: FrameMemory,
    host: FrameHost,
    imports: Record<string, unknown>,
  ) {
    const code = new wasm.Instance(module, { env: imports }).exports as unknown as Code;
    const frames = new Frames(plan, memory, code);
    this.manager = new FrameTrafficManager(plan, host, code, frames, new Architecture(plan, memory));
  }

  /**
   * Runs a packet and all its copies to the end; nothing is allocated for it.
   * @param address of the packet; bytes after it are overwritten, as many as the plan's slack
   * @throws PacketAbortError; packets that left before are not withdrawn
   */
  run(port: number, address: number, length: number, sink: FrameSink): void {
    this.manager.run(port, address, length, sink);
  }
}
