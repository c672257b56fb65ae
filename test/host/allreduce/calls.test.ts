/** The numbers of a worker's calls: alone, and in a member that is told numbers that cannot be. */
import { describe, expect, it } from 'vitest';
import { Calls } from '../../../host/allreduce/calls.js';
import type { AllreduceEngine } from '../../../host/allreduce/engine.js';
import { Operation } from '../../../host/allreduce/operation.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import { AbortedError, type WorkerError } from '../../../host/errors.js';
import type { Failed } from '../../../host/session/messages.js';
import { Rig } from '../support/member-rig.js';

const failure = (operation: number): Failed => ({ operation, code: 'X', message: 'a lie', shape: '' });

function call(): { readonly operation: Operation; readonly errors: WorkerError[] } {
  const errors: WorkerError[] = [];
  const reject = (error: WorkerError): void => void errors.push(error);
  const batch = new TensorBatch(new Float32Array(8), 'sum', 'fp32');
  return { operation: new Operation(batch, 0, { resolve: () => undefined, reject }), errors };
}

/** Calls that stand behind operation `completed`, and this many of them. */
function numbered(completed: number, count: number) {
  const calls = new Calls(3);
  calls.adopt(completed);
  const made = Array.from({ length: count }, call);
  for (const { operation } of made) calls.add(operation);
  return { calls, made };
}

const unexpected = (): never => expect.unreachable();

describe('the calls of a worker', () => {
  it('have no number before the first Resume, and those behind the job’s position then', () => {
    const calls = new Calls(0);
    const [first, second] = [call(), call()];
    for (const { operation } of [first, second]) expect(calls.add(operation)).toBe(true);
    expect([calls.numbered, first.operation.number]).toEqual([false, undefined]);
    // An announcement that no number of this worker can match yet.
    expect(calls.aborted(failure(1))).toBe(false);
    calls.adopt(41);
    expect([first.operation.number, second.operation.number]).toEqual([42, 43]);
    expect(calls.position).toEqual({ completed: 41, received: 41 });
    expect(calls.find(43)).toBe(second.operation);
  });

  it('are passed in their order', () => {
    const { calls, made } = numbered(0, 2);
    calls.received(1);
    expect(calls.position).toEqual({ completed: 0, received: 1 });
    expect(calls.pass()).toBe(made[0]!.operation);
    expect(calls.position).toEqual({ completed: 1, received: 1 });
    expect(calls.first).toBe(made[1]!.operation);
    calls.received(2);
    calls.forgetReceived();
    expect(calls.position).toEqual({ completed: 1, received: 1 });
  });

  it('catch up: what is all here is complete, what was missed fails, the rest waits', () => {
    const { calls, made } = numbered(0, 3);
    calls.received(1);
    const succeeded: Operation[] = [];
    calls.catchUp(2, (operation) => succeeded.push(operation));
    expect(succeeded).toEqual([made[0]!.operation]);
    expect(made[1]!.errors).toMatchObject([{ code: 'FPISA_MEMBERSHIP' }]);
    expect(calls.first).toBe(made[2]!.operation);
    expect(calls.position).toEqual({ completed: 2, received: 2 });
    // An older position changes nothing.
    calls.catchUp(1, unexpected);
    expect(calls.position).toEqual({ completed: 2, received: 2 });
  });

  it('that come too late for their number fail at once, with the reason that others gave', () => {
    const { calls } = numbered(0, 0);
    expect(calls.aborted(failure(1))).toBe(true);
    calls.catchUp(2, unexpected);
    const [aborted, missed, next] = [call(), call(), call()];
    expect([aborted, missed, next].map(({ operation }) => calls.add(operation))).toEqual([false, false, true]);
    expect(aborted.errors).toMatchObject([{ code: 'FPISA_ABORTED' }]);
    expect(missed.errors).toMatchObject([{ code: 'FPISA_MEMBERSHIP' }]);
    expect(next.operation.number).toBe(3);
  });

  it('that others gave up are rejected and keep their place until the number is used up', () => {
    const { calls, made } = numbered(0, 2);
    expect(calls.aborted(failure(2))).toBe(true);
    calls.rejectAborted();
    expect(made.map(({ errors }) => errors.length)).toEqual([0, 1]);
    expect([calls.pending, calls.firstUnanswered]).toEqual([1, made[0]!.operation]);
    expect(calls.has(made[1]!.operation)).toBe(true);
    expect(calls.abortOf(made[1]!.operation)).toMatchObject({ operation: 2 });
    calls.clearAborted();
    expect(calls.abortOf(made[1]!.operation)).toBeUndefined();
  });

  it('begin one by one, the second once the first is nothing but its commit', () => {
    const { calls, made } = numbered(0, 2);
    const [first, second] = made.map(({ operation }) => operation);
    const engine = (canFollow: boolean): AllreduceEngine => ({ canFollow: () => canFollow }) as never;
    const begin = (operation: Operation): void =>
      operation.begin({ epoch: 1, ranks: [3], jobWorkers: 1, missing: [], packetValues: 4 }, 0);
    expect(calls.startable(1, engine(true))).toBe(first);
    begin(first!);
    expect(calls.startable(1, engine(false))).toBeUndefined();
    expect(calls.startable(1, engine(true))).toBe(second);
    expect(calls.sending(1)).toBe(first);
    begin(second!);
    expect(calls.startable(1, engine(true))).toBeUndefined();
    expect(calls.sending(1)).toBe(second);
    // All begin again in another epoch.
    expect(calls.startable(2, engine(true))).toBe(first);
  });

  it('all fail at the end', () => {
    const { calls, made } = numbered(0, 2);
    calls.failAll(new AbortedError('enough'));
    for (const { errors } of made) expect(errors).toMatchObject([{ code: 'FPISA_ABORTED' }]);
    expect([calls.first, calls.pending]).toEqual([undefined, 0]);
  });
});

describe('numbers that cannot be', () => {
  it('a failure of an operation that nobody can have reached has no effect, now or later', () => {
    const rig = new Rig();
    rig.epoch(1);
    rig.resume(1, 0);
    for (const operation of [0, 3, 100_000_000, 2 ** 32 - 1]) rig.member.aborted(failure(operation), rig.now);
    for (let number = 1; number <= 3; number++) {
      const call = rig.call();
      rig.answer();
      expect(call.stats).toMatchObject({ operation: number });
    }
  });

  it('the failure of the next operation is void once an epoch has begun without it', () => {
    const rig = new Rig();
    rig.epoch(1);
    rig.resume(1, 0);
    rig.member.aborted(failure(2), rig.now);
    rig.epoch(2);
    rig.resume(2, 0);
    for (let number = 1; number <= 2; number++) {
      const call = rig.call();
      rig.answer();
      expect(call.stats).toMatchObject({ operation: number });
    }
  });

  it('the last number there is: no time is lost on those before, and calls say that none is left', () => {
    const rig = new Rig();
    rig.epoch(1);
    rig.resume(1, 0);
    const call = rig.call();
    rig.epoch(2);
    rig.resume(2, 2 ** 32 - 1);
    expect(call.error).toMatchObject({ code: 'FPISA_MEMBERSHIP' });
    expect(rig.member.completed).toBe(2 ** 32 - 1);
    const late = new Rig();
    late.epoch(1);
    late.resume(1, 2 ** 32 - 1);
    expect(late.call().error?.message).toBe('the job has used up its 4294967295 operations: create it again');
  });
});
