/** What Stratum gets, compared with its published message. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBfPipelineConfig } from '../../../controlplane/tofino/bf-pipeline-config.js';
import { unpackBfPipelineConfig } from './wire.helpers.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('BfPipelineConfig', () => {
  // protoc 3.21.12 made these bytes with --encode=stratum.hal.barefoot.BfPipelineConfig from the same message in
  // text format, with stratum/hal/lib/barefoot/bf.proto of Stratum at commit f8f71301cb60.
  test('is encoded as protoc encodes it by the published definition', () => {
    const bytes = encodeBfPipelineConfig({
      p4Name: 'fpisa',
      bfruntimeInfo: utf8('{"tables":[]}'),
      profiles: [
        {
          profileName: 'pipe_a',
          context: utf8('{"stage":1}'),
          binary: Uint8Array.of(0, 0xff, 1, 0x80),
          pipeScope: [0, 2],
        },
        { profileName: 'pipe_b', context: utf8('{}'), binary: Uint8Array.of(10), pipeScope: [1, 300] },
      ],
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0a056670697361120d7b227461626c6573223a5b5d7d1a1f0a06706970655f61120b7b227374616765223a317d1a0400ff0180220200021a140a06706970655f6212027b7d1a010a220301ac02',
    );
  });

  test('holds whatever names and files there are', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const profile = fc.record({
      profileName: text,
      context: text.map(utf8),
      binary: bytes,
      pipeScope: fc.array(fc.nat(0xffff_ffff), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(
        fc.record({ p4Name: text, bfruntimeInfo: text.map(utf8), profiles: fc.array(profile, { maxLength: 4 }) }),
        (config) => {
          const decoder = new TextDecoder();
          expect(unpackBfPipelineConfig(encodeBfPipelineConfig(config))).toEqual({
            p4Name: config.p4Name,
            bfruntimeInfo: decoder.decode(config.bfruntimeInfo),
            profiles: config.profiles.map(({ profileName, context, binary, pipeScope }) => ({
              name: profileName,
              context: decoder.decode(context),
              binary: [...binary],
              scope: pipeScope,
            })),
          });
        },
      ),
      { numRuns: 40 },
    );
  });
});
