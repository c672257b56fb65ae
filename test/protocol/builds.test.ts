import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../arithmetic/index.js';
import { BUILD_DESCRIPTORS, buildNamed, generalBuild, wantedBuild } from '../../protocol/builds.js';
import { BUILDS } from '../../protocol/constants.js';
import { packetSteps } from '../../protocol/packet-steps.js';

describe('builds', () => {
  it('have names of their own, presets that exist, and artifacts', () => {
    expect(new Set(BUILD_DESCRIPTORS.map(({ name }) => name)).size).toBe(BUILD_DESCRIPTORS.length);
    for (const { name, profiles = [] } of BUILD_DESCRIPTORS) {
      expect(PRESETS).toEqual(expect.arrayContaining([...profiles]));
      for (const ending of ['.json', '.p4info.txtpb'])
        expect(existsSync(new URL(`../../p4/build/${name}${ending}`, import.meta.url)), name + ending).toBe(true);
    }
  });

  it.each([...BUILDS])('without a name it is the general one of %i values', (n) => {
    expect(wantedBuild({ valuesPerPacket: n })).toEqual({
      name: `fpisa-n${n}`,
      target: 'bmv2',
      valuesPerPacket: n,
      steps: packetSteps(n),
    });
    expect(generalBuild(n)).toBe(buildNamed(`fpisa-n${n}`));
  });

  it('by name, also where there is none', () => {
    expect(wantedBuild({ build: 'fpisa-a-n16', valuesPerPacket: 16 })?.profiles).toEqual(['fpisa-a', 'int32']);
    expect(wantedBuild({ build: 'fpisa-n17', valuesPerPacket: 17 })).toBeUndefined();
    expect(wantedBuild({ valuesPerPacket: 17 })).toBeUndefined();
  });

  it("a Tofino's computes what its pipeline can, whatever its layout", () => {
    expect(wantedBuild({ target: 'tofino2', valuesPerPacket: 12 })).toMatchObject({
      target: 'tofino2',
      valuesPerPacket: 12,
      profiles: ['fpisa-a', 'int32'],
    });
  });
});
