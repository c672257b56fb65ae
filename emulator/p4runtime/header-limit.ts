/** How many bytes of trailers a client takes: RFC 9113, section 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE. */
import { connectionOf } from './connection.js';

/** C-core and Java take no more by default, whatever they announce: C-core drops at random above half of its 16 KiB. */
const COMMON_LIMIT = 8192;
/** For clients that announce nothing; HTTP/2 libraries take 64 KiB by default. */
const LARGEST = 56 * 1024;
/** RFC 9113 counts a field with its name and 32 bytes. These are all fields but the message and the details. */
const OTHER_FIELDS = 512;
const UNLIMITED = 2 ** 32 - 1;

/**
 * What the message and the details of a status may take together.
 * @param call of a handler of grpc-js
 */
export function trailerBudget(call: object): number {
  const settings = connectionOf(call)?.remoteSettings;
  // Without a connection to ask, only what every client takes is safe.
  return budgetOf(settings === undefined ? COMMON_LIMIT : (settings.maxHeaderListSize ?? UNLIMITED));
}

/** @param announced bytes of a header list */
export function budgetOf(announced: number): number {
  if (announced >= UNLIMITED) return LARGEST - OTHER_FIELDS;
  const taken = Math.min(announced, Math.max(COMMON_LIMIT, Math.floor(announced / 2)), LARGEST);
  return Math.max(0, taken - OTHER_FIELDS);
}
