import { describe, expect, test } from 'vitest';
import { status as Code } from '@grpc/grpc-js';
import { Election, type Candidate, type Role } from '../../controlplane/p4runtime/election.js';
import { ElectionIds } from '../../controlplane/controller/election-ids.js';
import { toUint128 } from '../../p4runtime/uint128.js';

const MAX = (1n << 128n) - 1n;
const STORE = 77;
const own = (count: bigint): bigint => (count << 32n) | BigInt(STORE);

describe('the ids of a controller', () => {
  test('are above what the switch has seen, and carry the id of the store', () => {
    const ids = new ElectionIds(STORE);
    expect(ids.bid(0n, false)).toBe(own(1n));
    expect(ids.bid(5n, false)).toBe(own(1n));
    expect(ids.bid(own(1n), true)).toBe(own(2n));
    expect(ids.bid(BigInt(Date.now()) << 32n, false)! >> 32n).toBeGreaterThan(1_000_000_000n);
  });

  test.each([
    [MAX, false, MAX],
    [MAX - 1n, false, MAX - 1n],
    [MAX - 1n, true, MAX],
    [MAX, true, undefined],
  ])('at the end of the numbers: %d, held: %s', (highest, isHeld, id) =>
    expect(new ElectionIds(STORE).bid(highest, isHeld)).toBe(id),
  );

  test('tell a predecessor on the same store from a second controller on a copy of it', () => {
    const ids = new ElectionIds(STORE);
    expect(ids.isOwn(own(9n))).toBe(true);
    expect(ids.isOwn((9n << 32n) | 78n)).toBe(false);
    expect(ids.isOwn(BigInt(STORE))).toBe(false);
    ids.bid(own(9n), true);
    expect(ids.isOwn(own(10n))).toBe(true);
    expect(ids.isOwn(own(4n))).toBe(true);
    expect(ids.isOwn(own(11n))).toBe(false);
    ids.bid(MAX, false);
    expect(ids.isOwn(MAX)).toBe(true);
  });
});

describe('a candidate', () => {
  function candidate(): Candidate {
    return {
      bid: (highest, isHeld) => (highest === MAX && isHeld ? undefined : highest + 1n),
      isOwn: (id) => id === 3n,
    };
  }

  function begin(stand: bigint | Candidate = candidate()) {
    const sent: (bigint | undefined)[] = [];
    const roles: Role[] = [];
    const election = new Election(
      stand,
      { arbitrate: (id) => sent.push(id), role: (role) => roles.push(role) },
      () => 0,
    );
    election.start();
    return {
      sent,
      roles,
      stop: () => election.stop(),
      answer: (code: Code, id?: bigint) =>
        election.answer({
          deviceId: 1n,
          role: undefined,
          electionId: id === undefined ? undefined : toUint128(id),
          status: { code, message: '', details: [] },
        }),
    };
  }

  test('joins without an id, and bids when nobody is primary', () => {
    const { sent, roles, answer } = begin();
    expect(sent).toEqual([undefined]);
    answer(Code.NOT_FOUND, 8n);
    expect(sent).toEqual([undefined, 9n]);
    expect(roles).toEqual([]);
    answer(Code.OK, 9n);
    expect(roles).toEqual([{ primary: true, primaryId: 9n, highestId: 9n }]);
  });

  test('does not take the answer of a switch for which no id is 0 for more than it is', () => {
    const { sent, roles, answer } = begin();
    answer(Code.OK, 0n);
    expect(sent).toEqual([undefined, 1n]);
    expect(roles).toEqual([]);
  });

  test('stays below a living primary', () => {
    const { sent, roles, answer } = begin();
    answer(Code.ALREADY_EXISTS, 50n);
    expect(sent).toEqual([undefined, 49n]);
    answer(Code.ALREADY_EXISTS, 50n);
    expect(sent).toHaveLength(2);
    expect(roles.every(({ primary, primaryId }) => !primary && primaryId === 50n)).toBe(true);
  });

  test('and below 1 there is no id', () => {
    const { sent, answer } = begin();
    answer(Code.ALREADY_EXISTS, 1n);
    expect(sent).toEqual([undefined]);
  });

  test('outbids its own dead connection', () => {
    const { sent, answer } = begin();
    answer(Code.ALREADY_EXISTS, 3n);
    expect(sent).toEqual([undefined, 4n]);
  });

  test('that is told of a vacancy bids after a pause, unless another one is quicker', async () => {
    const { sent, roles, answer, stop } = begin();
    answer(Code.ALREADY_EXISTS, 50n);
    answer(Code.NOT_FOUND, 50n);
    expect(roles.at(-1)).toEqual({ primary: false, primaryId: 0n, highestId: 50n });
    expect(sent).toHaveLength(2);
    answer(Code.ALREADY_EXISTS, 60n);
    answer(Code.NOT_FOUND, 60n);
    await expect.poll(() => sent).toEqual([undefined, 49n, 61n]);
    stop();
  });

  test('that is outbid stays backup', () => {
    const { sent, roles, answer } = begin();
    answer(Code.NOT_FOUND, 0n);
    answer(Code.OK, 1n);
    answer(Code.ALREADY_EXISTS, MAX);
    expect(sent).toEqual([undefined, 1n]);
    expect(roles.at(-1)).toEqual({ primary: false, primaryId: MAX, highestId: MAX });
  });

  test('a plain number is its only bid', () => {
    const { sent, roles, answer } = begin(5n);
    answer(Code.NOT_FOUND, 9n);
    answer(Code.ALREADY_EXISTS, 12n);
    answer(Code.OK, 5n);
    expect(sent).toEqual([5n]);
    expect(roles).toEqual([
      { primary: false, primaryId: 0n, highestId: 9n },
      { primary: false, primaryId: 12n, highestId: 12n },
      { primary: true, primaryId: 5n, highestId: 5n },
    ]);
  });
});
