import { CollectingSink, Room } from '../machine/collecting-sink.js';
import type { Output } from '../control.js';
import { EmulatorError } from '../errors.js';
import type { PacketTarget } from '../ports/port-runner.js';
import type { ControlBlock } from './control-block.js';
import type { PacketLock } from './lock.js';
import type { PacketClock } from './packet-clock.js';
import type { PacketMemory, PacketProgram } from './packet-program.js';

/** Room for packets in one memory. */
interface Places {
  readonly input: Room;
  readonly sink: CollectingSink;
}

/** Runs packets that are in memory of their own, one by one, by whatever program runs at the time. */
export class PacketTargetOfProgram implements PacketTarget {
  private program: PacketProgram | undefined;
  /** Room in a memory is taken once: the lobby is come back to. */
  private readonly places = new WeakMap<PacketMemory, Places>();

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

  /** @returns what leaves through other ports than the CPU's. @throws EmulatorError */
  receive(port: number, frame: Uint8Array): Output[] {
    const { program, block, lock } = this;
    if (program === undefined) throw new EmulatorError('EMULATOR_NO_PROGRAM', 'no program is loaded yet');
    const { input, sink } = this.placesIn(program.memory);
    block.count('received');
    const outputs: Output[] = (sink.outputs = []);
    lock.acquire();
    try {
      this.clock.tick();
      const address = input.of(frame.length + program.slack);
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

  private placesIn(memory: PacketMemory): Places {
    let places = this.places.get(memory);
    if (places === undefined)
      this.places.set(memory, (places = { input: new Room(memory), sink: new CollectingSink(memory) }));
    return places;
  }
}
