import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { loadBinaryen } from '../../../emulator/compiler/binaryen.js';
import { CompiledEngine } from '../../../emulator/machine/engine.js';
import type { FrameSink } from '../../../emulator/machine/frames.js';
import { ProgramMemory } from '../../../emulator/machine/memory.js';
import { compileProgram } from '../../../emulator/compiler/module.js';
import { artifactOf } from '../../../emulator/machine/artifact.js';
import { Switch } from '../../../emulator/switch.js';
import { programJson } from '../support/programs.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const PACKETS = 50_000;
/** The smallest object takes 12 bytes. */
const LESS_THAN_AN_OBJECT = 4;
/**
 * The engine's own work, such as optimizing, may fall into some rounds, on a busy machine into many: the first one that
 * is clean ends them. What a packet allocates is in all of them.
 */
const ROUNDS = 20;

/** Bytes of JavaScript's heap that a packet takes. */
async function bytesPerPacket(
  name: string,
  packet: Uint8Array,
  prepare: (target: Switch) => void = () => {},
): Promise<number> {
  const compiler = await loadBinaryen();
  let engine!: CompiledEngine;
  let memory!: ProgramMemory;
  const target = new Switch({
    clock: 0,
    engine: (program, host) => {
      const artifact = artifactOf(compileProgram(compiler, program, 511));
      memory = new ProgramMemory(artifact.layout);
      host.state.moveTo(memory);
      return (engine = new CompiledEngine(artifact, host, memory));
    },
  });
  target.load(programJson(name));
  prepare(target);
  const [address, output] = [memory.allocate(2048), memory.allocate(8192)];
  let left = 0;
  const sink: FrameSink = { reserve: () => output, output: () => void left++ };
  const run = (packets: number): void => {
    for (let i = 0; i < packets; i++) {
      memory.bytes.set(packet, address);
      engine.run(1, address, packet.length, sink);
    }
  };
  run(PACKETS);
  expect(left).toBeGreaterThanOrEqual(PACKETS);
  let least = Infinity;
  for (let i = 0; i < ROUNDS && least >= LESS_THAN_AN_OBJECT; i++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    run(PACKETS);
    const used = process.memoryUsage().heapUsed - before;
    // Less than before: it was collected in between, so something was allocated.
    least = Math.min(least, used < 0 ? Infinity : used / PACKETS);
  }
  return least;
}

const packet = (op: number): Uint8Array => Uint8Array.from({ length: 60 }, (_, i) => (i === 0 ? op : i));

describe('a packet in linear memory allocates nothing', () => {
  it('with hashes', async () => {
    expect(await bytesPerPacket('externs', packet(6))).toBeLessThan(LESS_THAN_AN_OBJECT);
  });

  it('with copies', async () => {
    const replicas = [1, 2, 3].map((egressPort) => ({ egressPort, instance: egressPort }));
    expect(
      await bytesPerPacket('copies', packet(1), ({ control }) => control.setMulticastGroup(5, replicas)),
    ).toBeLessThan(LESS_THAN_AN_OBJECT);
  });

  it('where nothing but a call of the host does, that is seen', async () => {
    // Random numbers are drawn by the interpreter's own code.
    expect(await bytesPerPacket('externs', packet(7))).toBeGreaterThan(LESS_THAN_AN_OBJECT);
  });
});
