import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  Code,
  codeName,
  fromUint128,
  statusOf,
  statusTrailer,
  toUint128,
  updateErrors,
} from '../../p4runtime/index.js';
import { fixture } from './fixtures.js';

function failure(trailer: Uint8Array | undefined): Error {
  const metadata = new Metadata();
  if (trailer) metadata.set('grpc-status-details-bin', Buffer.from(trailer));
  return Object.assign(new Error('Write failure.'), { code: Code.UNKNOWN, metadata });
}

describe('error details', () => {
  it('come out of a trailer that Google protobuf wrote', () => {
    expect(
      updateErrors(failure(fixture('status'))).map((each) => [codeName(each.canonicalCode), each.message]),
    ).toEqual([
      ['RESOURCE_EXHAUSTED', 'full'],
      ['OK', ''],
      ['INVALID_ARGUMENT', 'bad'],
    ]);
  });

  it('go into a trailer and come out again', () => {
    const errors = [
      { canonicalCode: 5, message: 'gone', space: '', code: 0 },
      { canonicalCode: 0, message: '', space: '', code: 0 },
    ];
    const error = Object.assign(new Error('x'), { metadata: statusTrailer(Code.UNKNOWN, 'two', errors) });
    expect(statusOf(error)).toMatchObject({ code: Code.UNKNOWN, message: 'two' });
    expect(updateErrors(error)).toEqual(errors);
  });

  it('are none where there is no trailer, or another one', () => {
    expect(updateErrors(failure(undefined))).toEqual([]);
    expect(updateErrors(failure(Uint8Array.of(0xff, 0xff)))).toEqual([]);
    expect(updateErrors(new Error('no gRPC at all'))).toEqual([]);
    expect(updateErrors(null)).toEqual([]);
  });
});

describe('election ids', () => {
  it('are two halves of 128 bits', () => {
    expect(toUint128((5n << 64n) | 7n)).toEqual({ high: 5n, low: 7n });
    expect(fromUint128({ high: 2n ** 64n - 1n, low: 2n ** 64n - 1n })).toBe(2n ** 128n - 1n);
    expect(() => toUint128(2n ** 128n)).toThrow(RangeError);
    expect(() => toUint128(-1n)).toThrow(RangeError);
  });
});
