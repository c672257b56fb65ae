import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyHeader,
  HEADER_BYTES,
  MessageFormatError,
  messageBytes,
  Opcode,
  operationSignature,
  readHeader,
  writeHeader,
  type Header,
} from '../../protocol/index.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const header: fc.Arbitrary<Header> = fc.record({
  opcode: fc.integer({ min: 0, max: 255 }),
  flags: u16,
  job: u16,
  worker: u16,
  slot: u16,
  epoch: u32,
  operation: u32,
  chunk: u32,
  signature: u32,
  count: u16,
  set: fc.integer({ min: 0, max: 255 }),
});

describe('message header', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(header, (written) => {
        const view = new DataView(new ArrayBuffer(HEADER_BYTES));
        writeHeader(view, written);
        expect(readHeader(view)).toEqual(written);
      }),
    );
  });

  it('refuses a short message, a foreign magic and another version', () => {
    const view = new DataView(new ArrayBuffer(HEADER_BYTES));
    writeHeader(view, emptyHeader(1));
    expect(() => readHeader(new DataView(view.buffer, 0, HEADER_BYTES - 1))).toThrow(MessageFormatError);
    view.setUint8(2, 9);
    expect(() => readHeader(view)).toThrow(/version is 9/);
    view.setUint8(0, 0);
    expect(() => readHeader(view)).toThrow(/magic is 0x5a/);
  });
});

describe('docs/protocol.md', () => {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

  it('shows a packet that is what it says', () => {
    const block = /<!-- example: contribution -->\n```\n([^`]+)```/.exec(page)![1]!;
    const bytes = Buffer.from(block.replace(/\s/g, ''), 'hex');
    expect(bytes.length).toBe(messageBytes(16));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    expect(readHeader(view)).toEqual({
      opcode: Opcode.CONTRIBUTE,
      flags: 0,
      job: 3,
      worker: 1,
      slot: 0,
      epoch: 1,
      operation: 1,
      chunk: 0,
      signature: operationSignature('sum', 'fp32', [{ shape: [2] }]),
      count: 2,
      set: 0,
    });
    const values = Array.from({ length: 16 }, (_, i) => view.getFloat32(HEADER_BYTES + 4 * i, true));
    expect(values).toEqual([1, -2.5, ...new Array<number>(14).fill(0)]);
  });

  it('has every field of the header at its offset', async () => {
    const { Offset } = await import('../../protocol/message.js');
    for (const [field, offset] of Object.entries(Offset)) {
      expect(page).toMatch(new RegExp(`^\\| ${offset} \\| \\d \\| ${field} \\|`, 'm'));
    }
  });

  it('has every opcode, drop reason and event with its number', async () => {
    const { DropReason, JobEvent } = await import('../../protocol/constants.js');
    for (const table of [Opcode, DropReason, JobEvent]) {
      for (const [name, number] of Object.entries(table)) {
        if (name !== 'NONE') expect(page).toMatch(new RegExp(`^\\| ${number} \\| ${name} \\|`, 'm'));
      }
    }
  });
});
