import { isNativeError } from 'node:util/types';
import { expect, it } from 'vitest';
import * as errors from '../../../host/errors.js';
import { carry, uncarry } from '../../../host/thread/carried-error.js';
import { NotAControllerError } from '../../../protocol/errors.js';

const report = { operation: 3, outstandingSlots: [1], missingRanks: undefined } as unknown as errors.StallReport;
const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 14 });
const ALL = [
  new errors.ArgumentError('a'),
  new errors.JoinError('b', ['train'], { cause }),
  new errors.ControllerUnreachableError('c'),
  new NotAControllerError('1.2.3.4:5', { cause }),
  new errors.SwitchUnreachableError('d', report),
  new errors.StalledError('e', report),
  new errors.ShapeMismatchError('f', [1, 2], undefined, 'differs'),
  new errors.AbortedError('g'),
  new errors.MembershipError('h'),
  new errors.MembersLostError('i', [1, 2]),
  new errors.ClosedError('j'),
  new errors.TransportError('k', { cause }),
  new errors.ThreadError('l'),
  new errors.NotFiniteError('m'),
  new TypeError('of no class of ours'),
];

it.each(ALL.map((error) => [error.name, error] as const))('%s is the same on the other side', (_, error) => {
  const other = uncarry(structuredClone(carry(error)));
  expect(Object.getPrototypeOf(other) === Object.getPrototypeOf(error) || !('code' in error)).toBe(true);
  expect(isNativeError(other)).toBe(true);
  expect({ ...other }).toEqual({ ...error });
  expect([other.name, other.message, other.stack]).toEqual([error.name, error.message, error.stack]);
  expect((other.cause as Error | undefined)?.message).toBe((error.cause as Error | undefined)?.message);
});

it('every class of errors.ts is in the list', () => {
  const classes = Object.values(errors).filter((value) => value !== errors.WorkerError);
  for (const one of classes)
    expect(
      ALL.some((error) => error.constructor === one),
      one.name,
    ).toBe(true);
});

it('what cannot be cloned stays behind', () => {
  const error = Object.assign(new errors.ClosedError('x'), { socket: new Map([[1, () => 1]]), call: () => 1 });
  expect({ ...uncarry(structuredClone(carry(error))) }).toEqual({ code: 'FPISA_CLOSED' });
  expect(uncarry(structuredClone(carry('only a string'))).message).toBe('only a string');
});
