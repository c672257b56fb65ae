/** The golden vectors of the reference model, through the P4 program: results, registers and event counts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NumericProfile } from '../../arithmetic/index.js';
import { BUILD_DESCRIPTORS } from '../../protocol/builds.js';
import { stepFor } from '../../protocol/packet-steps.js';
import { contribution, fromWorker, parse, udpFrame } from './support/frames.js';
import { exponentOf, FpisaSwitch, LAYOUT_BUILDS, portOf } from './support/fpisa-switch.js';

interface VectorFile {
  readonly groups: readonly {
    readonly workers: number;
    readonly profile: NumericProfile;
    readonly elements: readonly {
      in: string[];
      states: string[];
      out: string;
      overwrites: number;
      overflows: number;
    }[];
  }[];
}

const FILES = ['fpisa', 'fpisa-paper', 'fpisa-a', 'int32', 'custom'];

function load(name: string): VectorFile {
  return JSON.parse(readFileSync(new URL(`../arithmetic/vectors/${name}.json`, import.meta.url), 'utf8')) as VectorFile;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const builds = [...BUILD_DESCRIPTORS.filter(({ target }) => target === 'bmv2'), ...LAYOUT_BUILDS];

describe.each(builds)('$name', (build) => {
  const n = build.valuesPerPacket;
  it.each(FILES.filter((name) => build.profiles?.includes(name) ?? true))('computes the vectors of %s', (name) => {
    for (const [index, group] of load(name).groups.entries()) {
      const fpisa = new FpisaSwitch(n, {}, build.name);
      const job = index;
      fpisa.addJob({ number: job, workers: group.workers, profile: group.profile });
      // The order of bytes must not matter; groups alternate.
      const bigEndian = index % 2 === 1;
      for (let at = 0, chunk = 0; at < group.elements.length; at += n, chunk++) {
        const elements = group.elements.slice(at, at + n);
        const [slot, set] = [chunk % 4, Math.floor(chunk / 4) % 2];
        for (let rank = 0; rank < group.workers; rank++) {
          const length = build.steps[stepFor(elements.length, build.steps)]!;
          const words = Array.from({ length }, (_, i) => parseInt(elements[i]?.in[rank] ?? '0', 16));
          const header = { job, worker: rank, slot, set, chunk, count: elements.length };
          const message = contribution(header, words, bigEndian);
          const outputs = fpisa.device.receive(portOf(rank), udpFrame(message, fromWorker(rank)));
          const states = elements.map((element, i) => {
            const register = (2 * slot + set) * n + i;
            const exponent = element.states[rank]!.startsWith('-')
              ? '-'
              : hex(exponentOf(build, fpisa.register('fpisa.exponents', register)), 4);
            return `${exponent}:${hex(fpisa.register('fpisa.mantissas', register), 8)}`;
          });
          expect(states).toEqual(elements.map((element) => element.states[rank]));
          expect(outputs.length).toBe(rank === group.workers - 1 ? group.workers : 0);
          for (const output of outputs) {
            expect(
              parse(output.bytes)
                .words.slice(0, elements.length)
                .map((word) => hex(word, 8)),
            ).toEqual(elements.map((element) => element.out));
          }
        }
      }
      const total = (event: 'overwrites' | 'overflows'): number =>
        group.elements.reduce((sum, element) => sum + element[event], 0);
      const events = fpisa.events(job);
      expect(events['OVERWRITE'] ?? 0).toBe(total('overwrites'));
      expect(events['OVERFLOW'] ?? 0).toBe(total('overflows'));
    }
  });
});
