import { TIME_FIELDS, type FramePlan } from './frame-plan.js';
import type { FrameMemory } from './memory-view.js';

export type Get = (frame: number) => number;
export type Set = (frame: number, value: number) => void;

/** Reads and writes of the fields of the architecture, as plain numbers. */
export class Architecture {
  /** Whether the program reads when a packet arrived, or anything else that is a time. */
  readonly needsIngressTime: boolean;
  readonly needsEgressTime: boolean;
  readonly ingressPort: Set;
  readonly packetLength: Set;
  readonly instanceType: Set;
  readonly setEgressSpec: Set;
  readonly egressPort: Set;
  readonly ingressTime: Set;
  readonly egressTime: Set;
  readonly setReplica: Set;
  readonly egressSpec: Get;
  readonly multicastGroup: Get;
  readonly replica: Get;
  readonly priority: Get;
  private readonly enqueueTime: Set;
  private readonly readEnqueueTime: Get;
  private readonly enqueueDepth: Set;
  private readonly timeDelta: Set;
  private readonly dequeueDepth: Set;
  private readonly queueId: Set;
  private readonly hasEnqueueTime: boolean;

  constructor(
    private readonly plan: FramePlan,
    private readonly memory: FrameMemory,
  ) {
    this.ingressPort = this.setter('standard_metadata.ingress_port');
    this.packetLength = this.setter('standard_metadata.packet_length');
    this.instanceType = this.setter('standard_metadata.instance_type');
    this.setEgressSpec = this.setter('standard_metadata.egress_spec');
    this.egressPort = this.setter('standard_metadata.egress_port');
    this.ingressTime = this.setter(TIME_FIELDS.ingress);
    this.egressTime = this.setter(TIME_FIELDS.egress);
    this.setReplica = this.setter('intrinsic_metadata.egress_rid');
    this.egressSpec = this.getter('standard_metadata.egress_spec');
    this.multicastGroup = this.getter('intrinsic_metadata.mcast_grp');
    this.replica = this.getter('intrinsic_metadata.egress_rid');
    this.priority = this.getter('intrinsic_metadata.priority');
    this.enqueueTime = this.setter(TIME_FIELDS.enqueued);
    this.readEnqueueTime = this.getter(TIME_FIELDS.enqueued);
    this.enqueueDepth = this.setter('queueing_metadata.enq_qdepth');
    this.timeDelta = this.setter(TIME_FIELDS.queueing);
    this.dequeueDepth = this.setter('queueing_metadata.deq_qdepth');
    this.queueId = this.setter('queueing_metadata.qid');
    this.hasEnqueueTime = plan.architecture.has(TIME_FIELDS.enqueued);
    this.needsIngressTime = plan.architecture.has(TIME_FIELDS.ingress);
    this.needsEgressTime = plan.architecture.has(TIME_FIELDS.egress) || this.hasEnqueueTime;
  }

  /** Queues of the emulator are always empty: a packet is finished before the next one arrives. */
  enqueued(frame: number, now: number, priority: number): void {
    this.enqueueTime(frame, now);
    this.enqueueDepth(frame, 0);
    this.queueId(frame, priority);
  }

  dequeued(frame: number, now: number): void {
    if (this.hasEnqueueTime) this.timeDelta(frame, now - this.readEnqueueTime(frame));
    this.dequeueDepth(frame, 0);
  }

  private getter(name: string): Get {
    const field = this.plan.architecture.get(name);
    if (field === undefined) return () => 0;
    const { offset, kind, limbs, negative } = field;
    const { memory } = this;
    if (kind === 'i32' && !field.signed) return (frame) => memory.i32[(frame + offset) >> 2]! >>> 0;
    if (kind === 'i32') return (frame) => memory.i32[(frame + offset) >> 2]!;
    return (frame) => Number(memory.readLimbs(frame + offset, limbs, negative));
  }

  /** Values are whole numbers below 2^53, cut to the width. A negative one wraps. */
  private setter(name: string): Set {
    const field = this.plan.architecture.get(name);
    if (field === undefined) return () => {};
    const { offset, kind, limbs, width } = field;
    const { memory } = this;
    if (field.signed || field.saturating || kind === 'wide') {
      return (frame, value) => memory.writeLimbs(frame + offset, limbs, BigInt.asUintN(width, BigInt(value)));
    }
    if (kind === 'i32') {
      const mask = width === 32 ? -1 : (1 << width) - 1;
      return (frame, value) => {
        memory.i32[(frame + offset) >> 2] = value & mask;
      };
    }
    const highMask = width === 64 ? -1 : 2 ** (width - 32) - 1;
    return (frame, value) => {
      memory.i32[(frame + offset) >> 2] = value | 0;
      memory.i32[(frame + offset + 4) >> 2] = Math.floor(value / 2 ** 32) & highMask;
    };
  }
}
