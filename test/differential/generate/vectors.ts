/** The golden vectors of the reference model (test/arithmetic/vectors/) as packets, and what must come of them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { NumericProfile } from '../../../arithmetic/index.js';
import type { BuildDescriptor } from '../../../protocol/builds.js';
import { EVENTS_PER_JOB, Flag, JobEvent } from '../../../protocol/constants.js';
import { parse } from '../../p4/support/frames.js';
import type { Outcome, Packet, Scenario } from '../scenario.js';
import { contributionOf, place } from './frames.js';
import { configurationOf, profileParams, type Job } from './site.js';

const FILES: readonly string[] = ['fpisa', 'fpisa-paper', 'fpisa-a', 'int32', 'custom'];

interface Element {
  readonly in: readonly string[];
  readonly out: string;
  readonly overwrites: number;
  readonly overflows: number;
}

interface VectorFile {
  readonly groups: readonly {
    readonly workers: number;
    readonly profile: NumericProfile;
    readonly elements: readonly Element[];
  }[];
}

export interface VectorScenario {
  readonly scenario: Scenario;
  readonly elements: number;
  /** Fails unless results and events are those of the vectors. */
  readonly check: (outcome: Outcome) => void;
}

/** One scenario a file, one job a group: of the presets that the build computes. */
export function vectorScenarios({
  name: build,
  valuesPerPacket: n,
  profiles = FILES,
}: BuildDescriptor): VectorScenario[] {
  return FILES.filter((name) => profiles.includes(name)).map((name) => {
    const { groups } = JSON.parse(
      readFileSync(new URL(`../../arithmetic/vectors/${name}.json`, import.meta.url), 'utf8'),
    ) as VectorFile;
    const jobs = groups.map(({ workers, profile }, number): Job => ({
      number,
      workers,
      profile: profileParams(profile),
      slotBase: 4 * number,
      slots: 4,
      epoch: 1,
    }));
    const packets: Packet[] = [];
    const results = new Map<number, readonly Element[]>();
    for (const [index, { workers, elements }] of groups.entries()) {
      const job = jobs[index]!;
      // The order of bytes must not matter; groups alternate.
      const flags = index % 2 === 1 ? Flag.NETWORK_ORDER : 0;
      for (let at = 0, chunk = 0; at < elements.length; at += n, chunk++) {
        const part = elements.slice(at, at + n);
        for (let rank = 0; rank < workers; rank++) {
          const words = Array.from({ length: n }, (_, i) => parseInt(part[i]?.in[rank] ?? '0', 16));
          packets.push(contributionOf(job, rank, { ...place(job, chunk), flags }, words));
        }
        results.set(packets.length - 1, part);
      }
    }
    const scenario = {
      name: `vectors of ${name}`,
      build,
      phases: [{ configuration: configurationOf({ jobs, routes: [] }), packets }],
    };
    const check = ({ outputs, counters }: Outcome): void => {
      for (const [index, left] of outputs.entries()) {
        const part = results.get(index);
        if (part === undefined) {
          expect(left).toEqual([]);
          continue;
        }
        expect(left.length).toBeGreaterThan(0);
        for (const { bytes } of left) {
          expect(
            parse(bytes)
              .words.slice(0, part.length)
              .map((word) => word.toString(16).padStart(8, '0')),
          ).toEqual(part.map(({ out }) => out));
        }
      }
      for (const [job, { elements }] of groups.entries()) {
        const event = (kind: number): number => counters['fpisa.events']?.[job * EVENTS_PER_JOB + kind] ?? 0;
        expect(event(JobEvent.OVERWRITE)).toBe(elements.reduce((sum, { overwrites }) => sum + overwrites, 0));
        expect(event(JobEvent.OVERFLOW)).toBe(elements.reduce((sum, { overflows }) => sum + overflows, 0));
      }
    };
    return { scenario, elements: groups.reduce((sum, { elements }) => sum + elements.length, 0), check };
  });
}
