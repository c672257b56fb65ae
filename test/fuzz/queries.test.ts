/** The fuzzer of queries, for a short while: the answers through the switch are DuckDB's own. */
import { describe, expect, it } from 'vitest';
import { fuzzQueries, summary } from '../../fuzz/queries.js';
import { HEADER_BYTES, emptyHeader, readHeader } from '../../protocol/query/message.js';
import { Opcode } from '../../protocol/query/constants.js';

const TIMEOUT_MS = 1_800_000;
/** Of a frame, before the query's message: Ethernet, IPv4, UDP. */
const PAYLOAD = 14 + 20 + 8;
/** Of a group, before its lanes: key and number of rows. */
const LANES = 24 + 8;

describe('random queries', () => {
  it('have the answers of DuckDB alone', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzQueries({ queries: 200, seed: 1, sites: 2 });
    expect(report.differences, summary(report)).toEqual([]);
    expect(report.queries).toBe(200);
    // The switch has a part in many of them, of each kind but windows.
    expect(report.withSwitch).toBeGreaterThan(70);
    expect(report.absorbing).toBeGreaterThan(60);
    expect(report.refused).toBeLessThan(20);
    expect(report.undecided).toBeLessThan(5);
    for (const [kind, { withSwitch }] of report.kinds)
      if (kind !== 'window') expect(withSwitch, kind).toBeGreaterThan(0);
  });

  it('show a switch that is wrong in the last bit of a sum', { timeout: TIMEOUT_MS }, async () => {
    let changed = 0;
    const tamper = (frame: Uint8Array): Uint8Array => {
      const message = frame.subarray(PAYLOAD);
      if (message.length < HEADER_BYTES + LANES + 8) return frame;
      const header = emptyHeader();
      readHeader(new DataView(message.buffer, message.byteOffset, message.byteLength), header);
      if (header.opcode !== Opcode.GROUPS || header.count === 0) return frame;
      const copy = frame.slice();
      copy[PAYLOAD + HEADER_BYTES + LANES + 7]! ^= 1;
      changed++;
      return copy;
    };
    const report = await fuzzQueries({ queries: 30, seed: 3, only: 'aggregate', tamper });
    expect(changed).toBeGreaterThan(0);
    expect(report.differences.join()).toMatch(/instead of|is not in DuckDB's answer/);
  });
});
