import { CollectingSink } from '../machine/collecting-sink.js';
import { GrowableBuffer } from '../machine/growable-buffer.js';
import type { Output } from '../control.js';
import { EmulatorError } from '../errors.js';
import type { PacketTarget } from '../ports/port-runner.js';
import type { ControlBlock } from './control-block.js';
import type { PacketLock } from './lock.js';
import type { PacketClock } from './packet-clock.js';
import type { PacketMemory, PacketProgram } from './packet-program.js';

/** Buffers for packets in one memory. */
interface Buffers {
  readonly input: GrowableBuffer;
  readonly sink: CollectingSink;
}

/** Runs packets from separate buffers, one by one, with the current program. */
export class PacketTargetOfProgram implements PacketTarget {
  private program: PacketProgram | undefined;
  /** Allocated once in each memory: the interpreter arena is reused. */
  private readonly buffers = new WeakMap<PacketMemory, Buffers>();

  /** @param onPacketIn gets packets that leave through the CPU port. */
  constructor(
    private readonly cpuPort: number,
    private readonly block: ControlBlock,
    private readonly lock: PacketLock,
    private readonly clock: PacketClock,
    private readonly onPacketIn: (bytes: Uint8Array) => void,
  ) {}

  change(program: PacketProgram): void {
    this.program = program;
  }

  /** @returns packets that leave through ports other than the CPU port. @throws EmulatorError */
  receive(port: number, frame: Uint8Array): Output[] {
    const { program, block, lock } = this;
    if (program === undefined) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded yet');
    const { input, sink } = this.buffersIn(program.memory);
    block.count('received');
    const outputs: Output[] = (sink.outputs = []);
    lock.acquire();
    try {
      this.clock.tick();
      const address = input.reserve(frame.length + program.slack);
      program.memory.bytes.set(frame, address);
      program.run(port, address, frame.length, sink);
    } catch (error) {
      if (error instanceof EmulatorError && error.code === 'EMULATOR_PACKET_ABORT') block.count('aborted');
      throw error;
    } finally {
      lock.release();
    }
    block.add('sent', outputs.length);
    const { cpuPort } = this;
    if (!outputs.some((output) => output.port === cpuPort)) return outputs;
    for (const { port: leaves, bytes } of outputs) if (leaves === cpuPort) this.onPacketIn(bytes);
    return outputs.filter((output) => output.port !== cpuPort);
  }

  private buffersIn(memory: PacketMemory): Buffers {
    let buffers = this.buffers.get(memory);
    if (buffers === undefined)
      this.buffers.set(memory, (buffers = { input: new GrowableBuffer(memory), sink: new CollectingSink(memory) }));
    return buffers;
  }
}
