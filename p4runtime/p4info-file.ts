/** P4Info as p4c writes it, in text or JSON form. */
import { codec } from './codec.js';
import { P4InfoSyntaxError } from './errors.js';
import { P4InfoIndex } from './p4info.js';
import { parseJson } from './p4info-json.js';
import type { P4Info } from './p4info-messages.js';
import { parseText } from './p4info-text.js';

const TYPE = 'p4.config.v1.P4Info';

export const p4infoCodec = codec<P4Info>(TYPE);

/**
 * A P4Info from the text or JSON form; JSON starts with a brace, which text format never does.
 * @throws P4InfoSyntaxError
 */
export function parseP4Info(text: string): P4Info {
  if (text.trim() === '') throw new P4InfoSyntaxError('The P4Info is empty.');
  return text.trimStart().startsWith('{') ? parseJson(TYPE, text) : parseText(TYPE, text);
}

/** @throws P4InfoSyntaxError and P4InfoLookupError */
export function indexP4Info(text: string): P4InfoIndex {
  return new P4InfoIndex(parseP4Info(text));
}
