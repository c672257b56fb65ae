import type { EngineHost } from '../engine.js';
import type { Architecture } from './architecture.js';
import type { FramePlan } from './frame-plan.js';
import type { Code, Frames, FrameSink } from './frames.js';
import { FRAME } from './layout.js';
import { REPLICATION } from './replication.js';
import { MAX_COPIES } from '../limits.js';

/** standard_metadata.instance_type (behavioral-model, docs/simple_switch.md). */
const INSTANCE = {
  normal: 0,
  ingressClone: 1,
  egressClone: 2,
  recirculated: 4,
  replication: 5,
  resubmitted: 6,
} as const;

/** What packets need in addition to their program's code, expressed in numbers alone: it may be on another thread. */
export interface FrameHost {
  readonly clock: () => number;
  /** The address of a list of copies (see {@link REPLICATION}), or 0 if there is nothing to copy to. */
  multicastGroup(group: number): number;
  /** The address of a list of copies, or 0 if there is no such session. */
  cloneSession(session: number): number;
  /** The packet of this frame has requested that its digest be published. */
  digest(frame: number): void;
  readonly onDrop: EngineHost['onDrop'];
}

/**
 * The counterpart of the interpreter's traffic manager for packets that are frames in linear memory. Both must make the
 * same decisions; the fuzzer compares them. Nothing is allocated for a packet: lists only grow.
 */
export class FrameTrafficManager {
  /** Packets that still go through ingress, and how many there are; likewise those that wait for egress. */
  private readonly again: number[] = [];
  private passes = 0;
  private readonly queue: number[] = [];
  private readonly queuePorts: number[] = [];
  private queued = 0;

  constructor(
    private readonly plan: FramePlan,
    private readonly host: FrameHost,
    private readonly code: Code,
    private readonly frames: Frames,
    private readonly architecture: Architecture,
  ) {}

  /**
   * Runs a packet and all its copies to the end.
   * @param address of the packet in linear memory; bytes after it are overwritten, as many as the plan's slack
   * @throws PacketAbortError; packets that left before are not withdrawn
   */
  run(port: number, address: number, length: number, sink: FrameSink): void {
    try {
      this.toTheEnd(port, address, length, sink);
    } finally {
      this.frames.reset();
      this.passes = this.queued = 0;
    }
  }

  private toTheEnd(port: number, address: number, length: number, sink: FrameSink): void {
    const { again, frames, architecture, host } = this;
    const first = frames.receive(port, address, length);
    architecture.ingressPort(first, port);
    architecture.packetLength(first, length);
    if (architecture.needsIngressTime) architecture.ingressTime(first, host.clock());
    again[this.passes++] = first;
    for (let next = 0; next < this.passes; next++) {
      if (next >= this.plan.maxPasses) {
        host.onDrop('passes');
        continue;
      }
      this.ingress(again[next]!);
      for (let i = 0; i < this.queued; i++) {
        if (i < MAX_COPIES) this.egress(this.queue[i]!, this.queuePorts[i]!, sink);
        else host.onDrop('passes');
      }
      this.queued = 0;
    }
  }

  private ingress(p: number): void {
    const { frames, code, architecture, host } = this;
    const start = frames.get(p, FRAME.start);
    const arrivedLength = frames.get(p, FRAME.length);
    code.parse(p);
    code.ingress(p);
    frames.set(p, FRAME.exit, 0);

    const session = frames.get(p, FRAME.cloneSession);
    if (session >= 0) {
      frames.set(p, FRAME.cloneSession, -1);
      const parsedStart = frames.get(p, FRAME.start);
      frames.set(p, FRAME.start, start);
      this.cloneFromIngress(p, session, arrivedLength);
      frames.set(p, FRAME.start, parsedStart);
    }
    if (frames.get(p, FRAME.digestList) > 0) host.digest(p);
    if (frames.get(p, FRAME.resubmitList) > 0) {
      frames.set(p, FRAME.start, start);
      this.again[this.passes++] = this.resubmitted(p, arrivedLength);
      return;
    }
    const group = architecture.multicastGroup(p);
    if (group !== 0) {
      architecture.instanceType(p, INSTANCE.replication);
      const copies = host.multicastGroup(group);
      if (copies === 0) host.onDrop('ingress');
      else this.replicate(p, copies);
      return;
    }
    const port = architecture.egressSpec(p);
    if (port === this.plan.dropPort) {
      host.onDrop('ingress');
      return;
    }
    architecture.instanceType(p, INSTANCE.normal);
    this.enqueue(port, p);
  }

  private egress(p: number, port: number, sink: FrameSink): void {
    const { frames, code, architecture, host, plan } = this;
    const now = architecture.needsEgressTime ? host.clock() : 0;
    architecture.egressTime(p, now);
    architecture.dequeued(p, now);
    architecture.egressPort(p, port);
    // One more than the drop port, so that a packet whose egress_spec the program does not set is not dropped.
    architecture.setEgressSpec(p, plan.dropPort + 1);
    architecture.packetLength(p, frames.get(p, FRAME.length));
    code.egress(p);

    const session = frames.get(p, FRAME.cloneSession);
    if (session >= 0) {
      frames.set(p, FRAME.cloneSession, -1);
      this.cloneFromEgress(p, session);
    }
    if (architecture.egressSpec(p) === plan.dropPort) {
      host.onDrop('egress');
      return;
    }
    if (frames.get(p, FRAME.recirculateList) > 0) {
      frames.deparseAgain(p);
      this.again[this.passes++] = this.recirculated(p);
      return;
    }
    const address = frames.deparse(p, sink);
    sink.output(port, address, frames.dataSize(p));
  }

  private cloneFromIngress(p: number, session: number, length: number): void {
    const { frames, code, architecture, host } = this;
    const copies = host.cloneSession(session);
    if (copies === 0) return;
    const clone = frames.copyBytes(p);
    frames.set(clone, FRAME.length, length);
    architecture.ingressPort(clone, frames.get(p, FRAME.ingressPort));
    code.parse(clone);
    code.clearMetadata(clone);
    this.copyFieldList(clone, p, frames.get(p, FRAME.cloneFieldList));
    architecture.instanceType(clone, INSTANCE.ingressClone);
    this.replicate(clone, copies);
  }

  private cloneFromEgress(p: number, session: number): void {
    const { frames, code, architecture, host } = this;
    const copies = host.cloneSession(session);
    if (copies === 0) return;
    const clone = frames.copy(p);
    code.clearMetadata(clone);
    this.copyFieldList(clone, p, frames.get(p, FRAME.cloneFieldList));
    architecture.instanceType(clone, INSTANCE.egressClone);
    this.replicate(clone, copies);
  }

  private resubmitted(p: number, length: number): number {
    const { frames, architecture } = this;
    const next = frames.copyBytes(p);
    this.copyFieldList(next, p, frames.get(p, FRAME.resubmitList));
    architecture.instanceType(next, INSTANCE.resubmitted);
    frames.set(next, FRAME.length, length);
    architecture.packetLength(next, length);
    return next;
  }

  private recirculated(p: number): number {
    const { frames, architecture } = this;
    const next = frames.copyBytes(p);
    this.copyFieldList(next, p, frames.get(p, FRAME.recirculateList));
    architecture.instanceType(next, INSTANCE.recirculated);
    const length = frames.dataSize(next);
    frames.set(next, FRAME.length, length);
    frames.set(next, FRAME.ingressLength, length);
    architecture.packetLength(next, length);
    return next;
  }

  /** @param p is used up: it becomes the last copy. */
  private replicate(p: number, copies: number): void {
    const { frames, architecture } = this;
    const { i32 } = frames.memory;
    const count = i32[(copies + REPLICATION.count) >> 2]!;
    const truncateBytes = i32[(copies + REPLICATION.truncateBytes) >> 2]!;
    for (let i = 0; i < count; i++) {
      const replica = (copies + REPLICATION.replicas + i * REPLICATION.replicaBytes) >> 2;
      architecture.setReplica(p, i32[replica + 1]!);
      let copy = p;
      if (i < count - 1) copy = frames.copy(p);
      else frames.forget(p);
      if (truncateBytes > 0) frames.set(copy, FRAME.truncated, truncateBytes);
      this.enqueue(i32[replica]!, copy);
    }
  }

  private enqueue(port: number, p: number): void {
    const { architecture, host } = this;
    const priority = architecture.priority(p);
    if (priority >= this.plan.queuesPerPort) {
      host.onDrop('queue');
      return;
    }
    architecture.enqueued(p, architecture.needsEgressTime ? host.clock() : 0, priority);
    this.queue[this.queued] = p;
    this.queuePorts[this.queued++] = port;
  }

  private copyFieldList(to: number, from: number, id: number): void {
    const { bytes } = this.frames.memory;
    const list = this.plan.fieldLists.get(id);
    if (list === undefined) return;
    for (const field of list)
      bytes.copyWithin(to + field.offset, from + field.offset, from + field.offset + field.bytes);
  }
}
