/** A worker's membership alone: the test plays the controller and the switch. */
import { Member } from '../../../host/allreduce/member.js';
import type { MemberConfig } from '../../../host/allreduce/member-config.js';
import { Operation, type OperationResult } from '../../../host/allreduce/operation.js';
import { TensorBatch } from '../../../host/allreduce/tensors.js';
import type { WorkerError } from '../../../host/errors.js';
import type { Failed, Path, Progress, Submitted } from '../../../host/session/messages.js';
import { DEFAULT_RTO } from '../../../host/transport/rto.js';
import { Opcode } from '../../../protocol/constants.js';
import { Offset } from '../../../protocol/message.js';

export const CONFIG: MemberConfig = {
  job: 1,
  workers: 2,
  rank: 0,
  slots: 4,
  slotBase: 0,
  valuesPerPacket: 4,
  burst: 32,
  rto: DEFAULT_RTO,
  patience: { timeoutMs: 1000, membershipTimeoutMs: 5000 },
  switchAddress: '192.0.2.1:61786',
};

interface Call {
  operation: Operation;
  tensor: Float32Array;
  stats?: OperationResult;
  error?: WorkerError;
}

/** A member that the test plays the controller and the switch for. */
export class Rig {
  now = 0;
  readonly sent: Uint8Array[] = [];
  readonly progress: Progress[] = [];
  readonly failed: Failed[] = [];
  readonly submitted: Submitted[] = [];
  readonly paths: Path[] = [];
  readonly waiting: string[] = [];
  readonly member = new Member(
    CONFIG,
    {
      transmit: (memory, at, length) => this.sent.push(memory.slice(at, at + length)),
      progress: (message) => this.progress.push(message),
      failed: (message) => this.failed.push(message),
      submitted: (message) => this.submitted.push(message),
      path: (message) => this.paths.push(message),
      waiting: ({ message }) => this.waiting.push(message),
    },
    0,
  );

  call(length = 8): Call {
    const tensor = new Float32Array(length).fill(1);
    const call: Call = {
      tensor,
      operation: new Operation(new TensorBatch(tensor, 'sum', 'fp32'), this.now, {
        resolve: (stats) => (call.stats = stats),
        reject: (error) => (call.error = error),
      }),
    };
    this.member.submit(call.operation, this.now);
    this.member.advance(this.now);
    return call;
  }

  epoch(epoch: number, ranks: number[] = [0, 1]): Progress {
    this.member.membership({ epoch, ranks, reason: '' }, this.now);
    return this.progress.at(-1)!;
  }

  resume(epoch: number, completed: number): void {
    this.member.resume({ epoch, completed }, this.now);
    this.member.advance(this.now);
  }

  /** Answers the packets sent since the last time, as if they completed their rounds. */
  answer(count = Infinity): void {
    while (count-- > 0 && this.sent.length > 0) {
      const packet = this.sent.shift()!;
      packet[Offset.opcode] = Opcode.RESULT;
      this.member.receive(packet, this.now);
      this.member.advance(this.now);
    }
  }
}

/** A rig in epoch 1 with one call of two data chunks whose results are there; the commit's is not. */
export function committed(): { rig: Rig; call: Call } {
  const rig = new Rig();
  rig.epoch(1);
  rig.resume(1, 0);
  const call = rig.call();
  rig.answer(2);
  return { rig, call };
}
