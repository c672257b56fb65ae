/** `verify(condition, error)` of a parser: what fails ends the parser whatever the error is, NoError also. */
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, Switch } from '../../emulator/index.js';
import { bytes, hex, programJson } from './support/programs.js';

type Json = Record<string, unknown>;

/** The program `parsing`, whose start extracts a header and then verifies it, with this value as the error. */
function verifyingWith(error: string): string {
  const json = JSON.parse(programJson('parsing')) as Json;
  const [parser] = json['parsers'] as Json[];
  const states = parser!['parse_states'] as Json[];
  const verifying = states.find((state) => (state['parser_ops'] as Json[]).some(({ op }) => op === 'verify'))!;
  const verify = (verifying['parser_ops'] as Json[]).find(({ op }) => op === 'verify')!;
  (verify['parameters'] as object[])[1] = { type: 'hexstr', value: error };
  return JSON.stringify(json);
}

describe.each(ENGINE_NAMES)('a verify that fails, engine %s', (engine) => {
  // The program reports BadMagic (7) as 9, and what it does not know as 0.
  it.each([
    ['NoError', '0x0', 0],
    ['an error of the program', '0x7', 9],
    ['a value that no error has', '0x63', 0],
    ['a negative value', '-0x1', 0],
  ])('ends the parser with %s', async (_, error, reported) => {
    const target = new Switch({ engine });
    target.load(verifyingWith(error));
    await target.ready();
    const [output] = target.receive(1, bytes('ab01 00011109'));
    // Behind three bytes come the error, the note and which headers are valid, then the rest.
    expect({ error: output!.bytes[3], valid: output!.bytes[5], rest: hex(output!.bytes.subarray(6)) }).toEqual({
      error: reported,
      valid: 0,
      rest: '00011109',
    });
  });

  it('says so in the trace', () => {
    const target = new Switch({ engine });
    target.load(verifyingWith('0x0'));
    expect(target.trace(1, bytes('ab01 00011109')).events).toContainEqual({ kind: 'parserError', error: 'NoError' });
  });
});
