/** The rules of docs/workers.md for single situations; no-wrong-sum.test.ts has them all at once. */
import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../../host/errors.js';
import type { Failed } from '../../../host/session/messages.js';
import { Opcode } from '../../../protocol/constants.js';
import { Offset } from '../../../protocol/message.js';
import { committed, CONFIG, Rig } from '../support/member-rig.js';

const abort = (operation: number): Failed => ({ operation, code: 'X', message: 'because', shape: '' });

describe('a member', () => {
  it('completes an operation whose commit was lost, if another worker completed it', () => {
    const { rig, call } = committed();
    expect(rig.epoch(2)).toEqual({ epoch: 2, completed: 0, received: 1 });
    rig.resume(2, 1);
    expect(call.stats).toMatchObject({ operation: 1, epoch: 1, workers: 2, restarts: 0 });
  });

  it('sends the next call’s chunks behind the commit, and has received nothing of it before the commit’s result', () => {
    const { rig, call } = committed();
    const next = rig.call(4);
    expect(rig.sent).toHaveLength(2);
    const [commit] = rig.sent.splice(0, 1);
    rig.answer();
    expect(call.stats).toBeUndefined();
    expect(rig.epoch(1)).toEqual({ epoch: 1, completed: 0, received: 1 });
    rig.sent.push(commit!);
    rig.resume(1, 0);
    rig.answer(1);
    expect(call.stats).toMatchObject({ operation: 1, chunks: 3 });
    expect(rig.member.farewell()).toEqual({ epoch: 1, completed: 1, received: 2 });
    rig.answer();
    expect(next.stats).toMatchObject({ operation: 2, restarts: 0 });
  });

  it('gives up a call behind the commit, and completes the one before all the same', () => {
    const { rig, call } = committed();
    const next = rig.call(4);
    const [commit, chunk] = rig.sent.splice(0, 2);
    rig.member.cancel(next.operation, new AbortedError('enough'), rig.now);
    expect([...next.tensor]).toEqual([1, 1, 1, 1]);
    rig.sent.push(chunk!, commit!);
    rig.answer();
    expect(call.stats).toMatchObject({ operation: 1 });
    expect(next.error).toMatchObject({ code: 'FPISA_ABORTED' });
    expect(rig.failed).toMatchObject([{ operation: 2 }]);
  });

  it('begins it again, from its input, if none has', () => {
    const { rig, call } = committed();
    rig.epoch(2, [0]);
    rig.resume(2, 0);
    expect(call.stats).toBeUndefined();
    rig.sent.shift();
    rig.answer();
    expect(call.stats).toMatchObject({ operation: 1, epoch: 2, workers: 1, restarts: 1 });
    expect([...call.tensor]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('claims to have received nothing when epochs may have passed without it', () => {
    const { rig, call } = committed();
    rig.member.disconnected(0);
    rig.member.connected(CONFIG, 0);
    expect(rig.epoch(3)).toEqual({ epoch: 3, completed: 0, received: 0 });
    rig.resume(3, 1);
    expect(call.error).toMatchObject({ code: 'FPISA_MEMBERSHIP' });
  });

  it('answers a repeated Membership of the running epoch without stopping', () => {
    const { rig, call } = committed();
    rig.epoch(1);
    rig.resume(1, 0);
    rig.answer();
    expect(call.stats).toMatchObject({ restarts: 0 });
  });

  it('takes no result between Membership and Resume, since it has said where it stands', () => {
    const { rig, call } = committed();
    const commit = rig.sent[0]!;
    rig.epoch(2);
    commit[Offset.opcode] = Opcode.RESULT;
    expect(rig.member.receive(commit, 0)).toBe('stray');
    expect(call.stats).toBeUndefined();
  });

  it('ignores the Resume of an epoch that was overtaken', () => {
    const { rig } = committed();
    rig.epoch(2);
    rig.epoch(3);
    rig.sent.length = 0;
    rig.resume(2, 0);
    expect(rig.sent).toEqual([]);
    rig.resume(3, 0);
    expect(rig.sent).toHaveLength(2);
  });

  it('rejects the numbers that it missed, also those of calls to come', () => {
    const { rig, call } = committed();
    const second = rig.call();
    rig.epoch(2);
    rig.resume(2, 4);
    const third = rig.call();
    const fourth = rig.call();
    const fifth = rig.call();
    rig.answer();
    expect(call.stats).toBeDefined();
    for (const missed of [second, third, fourth]) expect(missed.error).toMatchObject({ code: 'FPISA_MEMBERSHIP' });
    expect(fifth.stats).toMatchObject({ operation: 5 });
  });

  it("a new process takes the job's numbering", () => {
    const rig = new Rig();
    const call = rig.call();
    expect(rig.epoch(9)).toEqual({ epoch: 9, completed: 0, received: 0 });
    rig.resume(9, 41);
    rig.answer();
    expect(call.stats).toMatchObject({ operation: 42 });
    expect(rig.member.completed).toBe(42);
  });

  it('rejects what another worker gave up, now or when it is called, with the reason', () => {
    const { rig, call } = committed();
    rig.member.aborted(abort(1), 0);
    expect(call.error!.message).toMatch(/operation 1 was aborted by another worker: because/);
    expect([...call.tensor]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    rig.epoch(2);
    rig.member.aborted(abort(2), 0);
    rig.resume(2, 2);
    expect(rig.call().error!.message).toMatch(/operation 2 .*because/);
    const next = rig.call();
    rig.answer();
    expect(next.stats).toMatchObject({ operation: 3 });
  });

  it('ignores an abort of what it has completed', () => {
    const { rig, call } = committed();
    rig.answer();
    rig.member.aborted(abort(1), 0);
    expect(call.stats).toBeDefined();
    const next = rig.call();
    rig.answer();
    expect(next.stats).toBeDefined();
  });

  it('tells of its failure once the number has its turn, stops, and tells a controller that returns again', () => {
    const { rig, call } = committed();
    const second = rig.call();
    rig.member.cancel(second.operation, new AbortedError('enough'), 0);
    expect(second.error).toBeDefined();
    expect(rig.failed).toEqual([]);
    rig.answer();
    expect(call.stats).toBeDefined();
    expect(rig.failed).toMatchObject([{ operation: 2, code: 'FPISA_ABORTED', message: 'enough' }]);
    const third = rig.call();
    expect(rig.sent).toEqual([]);
    rig.member.connected(CONFIG, 0);
    expect(rig.failed).toHaveLength(2);
    expect(rig.epoch(2)).toEqual({ epoch: 2, completed: 2, received: 2 });
    rig.resume(2, 2);
    rig.answer();
    expect(third.stats).toMatchObject({ operation: 3 });
  });

  it('does not change what it said when a call is cancelled between Membership and Resume', () => {
    const { rig, call } = committed();
    rig.epoch(2);
    rig.member.cancel(call.operation, new AbortedError('enough'), 0);
    expect(rig.failed).toEqual([]);
    expect(rig.epoch(2)).toEqual({ epoch: 2, completed: 0, received: 1 });
    rig.resume(2, 0);
    expect(rig.failed).toMatchObject([{ operation: 1 }]);
  });

  it('begins again on a switch with other sizes', () => {
    const { rig, call } = committed();
    rig.member.connected({ ...CONFIG, valuesPerPacket: 8 }, 0);
    expect(rig.epoch(2)).toMatchObject({ received: 0 });
    rig.sent.length = 0;
    rig.resume(2, 0);
    expect(rig.sent[0]).toHaveLength(32 + 8 * 4);
    rig.answer();
    expect(call.stats).toMatchObject({ chunks: 2, restarts: 1 });
  });

  it('says after two seconds whom it waits for, and again only when that changes', () => {
    const rig = new Rig();
    const wait = (until: number) => {
      for (; rig.now < until; rig.now += 100) rig.member.advance(rig.now);
    };
    rig.member.attendance({ ranks: [0, 1], expected: [2, 3] });
    rig.call();
    wait(2000);
    expect(rig.waiting).toEqual([]);
    wait(4500);
    expect(rig.waiting).toEqual(['waiting for ranks 2 and 3 of 4 to join']);
    rig.member.attendance({ ranks: [0, 1, 2], expected: [3] });
    rig.member.advance(rig.now);
    expect(rig.waiting.slice(1)).toEqual(['waiting for rank 3 of 4 to join']);
    rig.epoch(1, [0, 1, 2, 3]);
    wait(7000);
    expect(rig.waiting.slice(2)).toEqual(['waiting for the controller to begin epoch 1']);
  });

  it('names those who have not joined in its error', () => {
    const rig = new Rig();
    rig.member.attendance({ ranks: [0], expected: [1, 2] });
    const call = rig.call();
    rig.member.advance(5000);
    expect(call.error).toMatchObject({
      code: 'FPISA_MEMBERSHIP',
      message: expect.stringContaining('waiting for ranks 1 and 2 of 3 to join') as string,
    });
  });

  it('gives up after its patience: never heard, stalled, without a controller, without members', () => {
    const patience = (prepare: (rig: Rig) => void, until: number) => {
      const rig = new Rig();
      prepare(rig);
      const call = rig.call();
      for (rig.now = 0; rig.now < until; rig.now += 10) rig.member.advance(rig.now);
      const before = call.error;
      rig.member.advance(until);
      return [before?.code, call.error?.code, call.error?.message];
    };
    const run = (rig: Rig) => {
      rig.epoch(1);
      rig.resume(1, 0);
    };
    expect(patience(run, 1000)).toEqual([
      undefined,
      'FPISA_SWITCH_UNREACHABLE',
      expect.stringMatching(/0 of 3 chunks .*|sent to 192\.0\.2\.1:61786/),
    ]);
    const heard = (rig: Rig) => {
      run(rig);
      rig.call(0);
      rig.answer();
    };
    expect(patience(heard, 1000)).toEqual([
      undefined,
      'FPISA_STALLED',
      expect.stringMatching(/slots 1, 2 are outstanding, .* a probe of the first of them was not answered/),
    ]);
    const lost = (rig: Rig) => {
      run(rig);
      rig.member.disconnected(0);
    };
    expect(patience(lost, 1000)[1]).toBe('FPISA_CONTROLLER_UNREACHABLE');
    expect(patience((rig) => rig.member.disconnected(0), 1000)[1]).toBe('FPISA_CONTROLLER_UNREACHABLE');
    expect(patience((rig) => void rig.epoch(1, [0, 2]), 5000)).toEqual([
      undefined,
      'FPISA_MEMBERSHIP',
      expect.stringContaining('ranks 0, 2'),
    ]);
  });
});

describe('members are missing', () => {
  it('an operation waits for them as long as the controller does, and its own time begins then', () => {
    const rig = new Rig();
    rig.epoch(1);
    rig.resume(1, 0);
    const call = rig.call();
    rig.member.missing({ ranks: [{ rank: 1, left: false }], waitMs: 3000 }, rig.now);
    // In small steps: time in which the process did not run would not count.
    const until = (time: number): void => {
      for (; rig.now < time; rig.now += 50) rig.member.advance(rig.now);
    };
    until(3900);
    expect(call.error).toBeUndefined();
    until(4200);
    expect(call.error).toMatchObject({ code: 'FPISA_SWITCH_UNREACHABLE' });
  });

  it('in vain: what all others have received is complete, and nothing after it', () => {
    const rig = new Rig();
    rig.epoch(1);
    rig.resume(1, 0);
    const [first, second] = [rig.call(4), rig.call()];
    // All but the commit's.
    rig.answer(1);
    rig.member.advance(rig.now);
    expect(rig.epoch(2, [0])).toMatchObject({ completed: 0, received: 1 });
    rig.member.membersLost({ completed: 1, ranks: [{ rank: 1, left: false }], waitedMs: 1000 }, rig.now);
    expect(first.stats).toMatchObject({ operation: 1, workers: 2, jobWorkers: 2 });
    expect(second.stats).toBeUndefined();
  });
});
