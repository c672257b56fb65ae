import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Flag, MAGIC, Opcode, QUERY_BUILDS, SERVICE_UDP_PORT } from '../../../protocol/query/constants.js';
import {
  emptyHeader,
  HEADER_BYTES,
  KEY_BYTES,
  Offset,
  readHeader,
  rowsBytes,
  tuplesOffset,
} from '../../../protocol/query/message.js';

const page = readFileSync(new URL('../../../docs/queries.md', import.meta.url), 'utf8');

describe('docs/queries.md', () => {
  it('has an example that is a message of this protocol', () => {
    const hex = /```hex\n([^`]*)```/.exec(page)![1]!.replace(/\s/g, '');
    const bytes = Buffer.from(hex, 'hex');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const build = QUERY_BUILDS[0];
    expect(bytes).toHaveLength(rowsBytes(build, 1));
    expect(readHeader(view, emptyHeader())).toEqual({
      ...emptyHeader(),
      opcode: Opcode.ROWS,
      worker: 1,
      slot: 5,
      count: 1,
      epoch: 0x1234abcd,
      sequence: 5,
      rows: 129n,
    });
    expect(view.getUint8(HEADER_BYTES)).toBe(0b10);
    const tuple = tuplesOffset(build);
    // A byte of NULL bits, then the INTEGER, as DuckDB has it in memory.
    expect([...bytes.subarray(tuple, tuple + KEY_BYTES)]).toEqual([0, 7, ...Array<number>(22).fill(0)]);
    expect(view.getFloat64(tuple + KEY_BYTES)).toBe(2.5);
  });

  it('has the header as it is', () => {
    const rows = [...page.matchAll(/^\| (\d+) \| \d+ \| (\w+) \|/gm)].map(([, offset, field]) => [
      field,
      Number(offset),
    ]);
    expect(Object.fromEntries(rows)).toEqual(Offset);
    expect(page).toContain(`port ${SERVICE_UDP_PORT} (0x${SERVICE_UDP_PORT.toString(16).toUpperCase()})`);
    expect(page).toContain(`| magic | 0x${MAGIC.toString(16).toUpperCase()} |`);
    expect(page).toContain(
      `${Flag.END}: end of the worker's stream; set by the switch: ${Flag.REPEATED}: repeated, ${Flag.OVERFLOW}: a sum of integers has overflowed`,
    );
    for (const [name, code] of Object.entries(Opcode)) expect(page).toContain(`${code} ${name}`);
  });
});
