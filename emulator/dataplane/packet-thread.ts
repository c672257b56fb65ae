/** The thread that runs the packets: ports on one side, the program's memory on the other (see ThreadedSwitch). */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EmulatorError } from '../errors.js';
import { FaultInjector } from '../faults.js';
import { LibcMissing, loadLibc, type Libc } from '../../net/linux/libc.js';
import { PortError, type PortErrorCode } from '../ports/port.js';
import { PortRunner, type PortRunnerStatistics } from '../ports/port-runner.js';
import { portOf, type PortSpec } from '../ports/port-spec.js';
import { Caller } from './calls.js';
import { ControlBlock, COUNTS } from './control-block.js';
import { PacketLock } from './lock.js';
import type { PacketThreadData, ToMain, ToPackets } from './messages.js';
import { PacketClock } from './packet-clock.js';
import { PacketLoop } from './packet-loop.js';
import {
  CompiledPacketProgram,
  InterpretedPacketProgram,
  InterpreterArena,
  type PacketProgram,
} from './packet-program.js';
import { PacketTargetOfProgram } from './packet-target.js';

const EFD_CLOEXEC_NONBLOCK = 0o2004000;

const main = parentPort!;
const data = workerData as PacketThreadData;
const block = new ControlBlock(data.control);
const lock = new PacketLock(block);
const clock = new PacketClock(data.clockStart);
const arena = new InterpreterArena(data.arena);
const caller = new Caller(block, () => tell({ kind: 'call' }));

function tell(message: ToMain): void {
  main.postMessage(message);
}

/** Handles the main thread's messages, for either way of running packets. */
interface Receiver {
  change(program: PacketProgram): void;
  packetOut(bytes: Uint8Array): void;
  close(): void;
}

function open(message: ToPackets, receiver: Receiver): void {
  switch (message.kind) {
    case 'program': {
      const { number, code } = message;
      receiver.change(
        code === undefined
          ? new InterpretedPacketProgram(number, arena, caller)
          : new CompiledPacketProgram(number, code, caller, block, clock.read),
      );
      tell({ kind: 'running', number, compiled: code !== undefined });
      break;
    }
    case 'packetOut':
      receiver.packetOut(message.bytes);
      break;
    case 'close':
      receiver.close();
      break;
  }
}

/** @throws errors that the packet did not cause: they end the thread */
function gaveUp(error: unknown, port: number): void {
  if (!(error instanceof EmulatorError) || error.code === 'EMULATOR_DATA_PLANE') throw error;
  tell({ kind: 'gaveUp', port, code: error.code, message: error.message });
}

function packetIn(bytes: Uint8Array): void {
  tell({ kind: 'packetIn', bytes });
}

/** Ports with injected faults, and UDP ports where the C library cannot be called. */
async function startEventLoop(): Promise<void> {
  const target = new PacketTargetOfProgram(data.cpuPort, block, lock, clock, packetIn);
  const runner = new PortRunner(target, {
    onError: gaveUp,
    statistics: sharedStatistics(),
    ...(data.faults !== undefined && { faults: new FaultInjector(data.faults) }),
  });
  const receiver: Receiver = {
    change: (program) => target.change(program),
    packetOut: (bytes) => {
      try {
        for (const output of target.receive(data.cpuPort, bytes)) runner.emit(output);
      } catch (error) {
        gaveUp(error, data.cpuPort);
      }
    },
    close: () => void runner.close().then(() => main.close()),
  };
  const places = new Map<number, string>();
  try {
    for (const spec of data.ports) {
      const { port, place } = portOf(spec);
      await runner.attach(port);
      places.set(spec.number, place());
    }
  } catch (error) {
    await runner.close();
    throw error;
  }
  main.on('message', (message: ToPackets) => open(message, receiver));
  tell({ kind: 'open', places, wakeUpFd: undefined });
}

/** This thread does nothing but run packets, and reads its mailbox between them. */
function startPacketLoop(libc: Libc, ports: readonly PortSpec[]): void {
  const wakeUpFd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
  const loop = new PacketLoop(libc, ports, arena, wakeUpFd, block, lock, clock, {
    cpuPort: data.cpuPort,
    onPacketIn: packetIn,
    onError: gaveUp,
    onMessages: () => {
      for (let next = receiveMessageOnPort(main); next !== undefined; next = receiveMessageOnPort(main))
        open(next.message as ToPackets, receiver);
    },
  });
  const receiver: Receiver = {
    change: (program) => loop.change(program),
    packetOut: (bytes) => loop.inject(data.cpuPort, bytes),
    close: () => loop.close(),
  };
  tell({ kind: 'open', places: loop.placesOfPorts, wakeUpFd });
  loop.run();
  main.close();
}

/** For the packet loop; undefined if the ports need an event loop, whose ports also say what an interface lacks. */
async function libcFor({ ports, faults, portable }: PacketThreadData): Promise<Libc | undefined> {
  // Delayed frames need timers. Without ports there is nothing to wait for but messages.
  if (faults !== undefined || ports.length === 0 || portable === true) return undefined;
  const libc = await loadLibc();
  return libc instanceof LibcMissing ? undefined : libc;
}

/** Counts of the port runner, in memory shared with the main thread. */
function sharedStatistics(): PortRunnerStatistics {
  const statistics = {} as PortRunnerStatistics;
  for (const name of ['queueDrops', 'noPort', 'errors'] as const) {
    const at = COUNTS.indexOf(name);
    Object.defineProperty(statistics, name, {
      get: () => block.counts[at]!,
      set: (value: number) => (block.counts[at] = value),
    });
  }
  return statistics;
}

process.on('uncaughtExceptionMonitor', () => lock.end());
process.on('exit', () => lock.end());
try {
  const libc = await libcFor(data);
  if (libc === undefined) await startEventLoop();
  else startPacketLoop(libc, data.ports);
} catch (error) {
  if (!(error instanceof PortError)) throw error;
  tell({
    kind: 'refused',
    code: error.code as PortErrorCode,
    port: error.port,
    message: error.message.slice(`port ${error.port}: `.length),
  });
  main.close();
}
