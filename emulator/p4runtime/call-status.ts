/** The end of a failed call, as large as the client takes: one that is larger loses it the call, or the connection. */
import type { Metadata } from '@grpc/grpc-js';
import { Code, codeName, packStatus, statusTrailer, type UpdateError } from '../../p4runtime/index.js';
import { BatchError } from './batch.js';
import { toRpcError } from './rpc-error.js';

/** What grpc-js ends a call with. */
export type CallError = Error & { code: number; details: string; metadata?: Metadata };

/** Of a message, percent-encoded; the rest of the budget is for the errors of the batch. */
const MAX_TEXT_BYTES = 1024;
const SHORT_MESSAGE = 60;

/** @param budget bytes of message and details together, as they are sent */
export function toStatus(error: unknown, budget: number): CallError {
  if (!(error instanceof BatchError)) {
    const { status, message } = toRpcError(error);
    const details = fitText(message, Math.min(budget, 4 * MAX_TEXT_BYTES));
    return Object.assign(new Error(details), { code: status, details });
  }
  const { errors, message } = error;
  const code = Code.UNKNOWN as number;
  const textBytes = Math.min(MAX_TEXT_BYTES, Math.floor(budget / 4));
  const end = (details: string, fitted: readonly UpdateError[]): CallError =>
    Object.assign(new Error(details), { code, details, metadata: statusTrailer(code, details, fitted) });
  const whole = fitText(message, textBytes);
  const spent = encodeURI(whole).length;
  const fits = (fitted: readonly UpdateError[], text: string): boolean =>
    base64Length(packStatus(code, text, fitted).length) <= budget - spent - (text === whole ? 0 : textBytes - spent);
  if (fits(errors, whole)) return end(whole, errors);
  for (const length of [SHORT_MESSAGE, 0]) {
    const shortened = errors.map((each) => ({ ...each, message: each.message.slice(0, length) }));
    const text = fitText(`${message} ${CUT_MESSAGES}`, textBytes);
    if (fits(shortened, text)) return end(text, shortened);
  }
  return end(...cutList(error, textBytes, fits));
}

const CUT_MESSAGES = 'The messages of the errors are cut to fit the headers that this client takes.';

/** As many errors as fit, from the first on and without messages; the text says which updates failed. */
function cutList(
  { errors, message }: BatchError,
  textBytes: number,
  fits: (errors: readonly UpdateError[], text: string) => boolean,
): [string, readonly UpdateError[]] {
  const bare = errors.map((each) => ({ ...each, message: '' }));
  const textOf = (count: number): string =>
    fitText(
      `${message} Only the first ${count} of ${errors.length} errors fit the headers that this client takes. Failed: ${failures(errors)}.`,
      textBytes,
    );
  let [some, tooMany] = [0, errors.length];
  while (tooMany - some > 1) {
    const middle = (some + tooMany) >> 1;
    if (fits(bare.slice(0, middle), textOf(middle))) some = middle;
    else tooMany = middle;
  }
  return [textOf(some), bare.slice(0, some)];
}

/** Like `1-3 NOT_FOUND, 7 INVALID_ARGUMENT`. */
function failures(errors: readonly UpdateError[]): string {
  const runs: string[] = [];
  for (let first = 0, next = 0; first < errors.length; first = next) {
    const code = errors[first]!.canonicalCode;
    for (next = first + 1; errors[next]?.canonicalCode === code; next++);
    const range = next - first > 1 ? `${first + 1}-${next}` : `${first + 1}`;
    if (code !== (Code.OK as number)) runs.push(`${range} ${codeName(code)}`);
  }
  return runs.join(', ');
}

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** @param bytes percent-encoded, as gRPC sends it */
export function fitText(text: string, bytes: number): string {
  const fitted: string[] = [];
  let used = 0;
  for (const character of text) {
    // Half of a surrogate pair cannot be encoded.
    const safe = /^[\ud800-\udfff]$/.test(character) ? '?' : character;
    used += encodeURI(safe).length;
    if (used > bytes) return `${fitted.slice(0, -3).join('')}${'.'.repeat(Math.min(3, fitted.length))}`;
    fitted.push(safe);
  }
  return fitted.join('');
}
