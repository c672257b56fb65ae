import type { Output, Replica } from '../control.js';
import type { TraceRecorder } from '../trace.js';
import type { Context } from './context.js';
import { compileField } from './expressions.js';
import { Packet, PacketShape } from './packet.js';
import type { Run } from './primitives.js';
import { HEADROOM_BYTES, MAX_COPIES } from '../limits.js';

/** standard_metadata.instance_type (behavioral-model, docs/simple_switch.md). */
const INSTANCE = {
  normal: 0n,
  ingressClone: 1n,
  egressClone: 2n,
  recirculated: 4n,
  replication: 5n,
  resubmitted: 6n,
} as const;

export interface Blocks {
  readonly parse: Run;
  readonly ingress: Run;
  readonly egress: Run;
  readonly deparse: Run;
}

interface Queued {
  readonly port: number;
  readonly packet: Packet;
}

/**
 * What simple_switch does around the program's blocks (targets/simple_switch/simple_switch.cpp): the fate of a
 * packet after ingress and egress, in the order in which simple_switch decides it.
 */
export class TrafficManager {
  private readonly shape: PacketShape;
  private readonly set: ReturnType<typeof architectureStores>;
  private readonly get: ReturnType<typeof architectureReads>;

  constructor(
    private readonly context: Context,
    private readonly blocks: Blocks,
  ) {
    this.shape = new PacketShape(context.program);
    this.set = architectureStores(context);
    this.get = architectureReads(context);
  }

  process(port: number, bytes: Uint8Array, trace: TraceRecorder | undefined): Output[] {
    const first = new Packet(this.shape, port, bytes, bytes.length, bytes.length + HEADROOM_BYTES, trace);
    this.set.ingressPort(first, BigInt(port));
    this.set.packetLength(first, BigInt(bytes.length));
    this.set.ingressTime(first, BigInt(this.context.host.clock()));
    trace?.add({ kind: 'ingress', pass: 'received', port, length: bytes.length });

    const outputs: Output[] = [];
    const again: Packet[] = [first];
    const queue: Queued[] = [];
    let passes = 0;
    for (let p = again.shift(); p !== undefined; p = again.shift()) {
      if (++passes > this.context.host.maxPasses) {
        this.drop(p, 'passes', `it went through ingress more than ${this.context.host.maxPasses} times`);
        continue;
      }
      this.ingress(p, again, queue);
      // Egress can queue clones after the waiting packets, and clones of clones without end.
      for (let i = 0; i < queue.length; i++) {
        if (i < MAX_COPIES) this.egress(queue[i]!, again, queue, outputs);
        else this.drop(queue[i]!.packet, 'passes', `it is one of more than ${MAX_COPIES} copies`);
      }
      queue.length = 0;
    }
    return outputs;
  }

  private ingress(p: Packet, again: Packet[], queue: Queued[]): void {
    const { start, end, buffer } = p;
    const arrivedLength = p.length;
    this.blocks.parse(p);
    this.blocks.ingress(p);
    p.exit = false;

    if (p.cloneSession >= 0) {
      const session = p.cloneSession;
      p.cloneSession = -1;
      const parsedStart = p.start;
      p.start = start;
      this.cloneFromIngress(p, session, arrivedLength, queue);
      p.start = parsedStart;
    }
    if (p.digestList > 0) this.digest(p);
    if (p.resubmitList > 0) {
      p.buffer = buffer;
      p.start = start;
      p.end = end;
      again.push(this.resubmitted(p, arrivedLength));
      return;
    }
    const group = Number(this.get.multicastGroup(p));
    if (group !== 0) {
      this.set.instanceType(p, INSTANCE.replication);
      const replicas = this.context.host.state.multicastGroups.get(group) ?? [];
      p.trace?.add({ kind: 'multicast', group, replicas });
      if (replicas.length === 0) this.drop(p, 'ingress', `multicast group ${group} has no members`);
      this.replicate(p, replicas, 0, queue);
      return;
    }
    const port = Number(this.get.egressSpec(p));
    if (port === this.context.host.dropPort) {
      this.drop(p, 'ingress', `egress_spec is the drop port ${port}`);
      return;
    }
    this.set.instanceType(p, INSTANCE.normal);
    this.enqueue(port, p, queue);
  }

  private egress({ port, packet: p }: Queued, again: Packet[], queue: Queued[], outputs: Output[]): void {
    const now = BigInt(this.context.host.clock());
    this.set.egressTime(p, now);
    this.set.dequeued(p, now);
    this.set.egressPort(p, BigInt(port));
    // One more than the drop port, so that a packet whose egress_spec is never set is not dropped.
    this.set.egressSpec(p, BigInt(this.context.host.dropPort + 1));
    this.set.packetLength(p, BigInt(p.length));
    p.trace?.startPass();
    p.trace?.add({ kind: 'egress', port, instance: Number(this.get.replica(p)) });
    this.blocks.egress(p);

    if (p.cloneSession >= 0) {
      const session = p.cloneSession;
      p.cloneSession = -1;
      this.cloneFromEgress(p, session, queue);
    }
    if (Number(this.get.egressSpec(p)) === this.context.host.dropPort) {
      this.drop(p, 'egress', `egress_spec is the drop port ${this.context.host.dropPort}`);
      return;
    }
    this.blocks.deparse(p);
    if (p.recirculateList > 0) {
      again.push(this.recirculated(p));
      return;
    }
    const bytes = p.buffer.subarray(0, Math.min(p.end, p.truncated));
    p.trace?.add({ kind: 'output', port, length: bytes.length });
    outputs.push({ port, bytes });
  }

  /** The clone has the bytes from before ingress, parsed once more, and only the listed metadata. */
  private cloneFromIngress(p: Packet, session: number, length: number, queue: Queued[]): void {
    const config = this.context.host.state.cloneSessions.get(session);
    p.trace?.add({ kind: 'clone', from: 'ingress', session, replicas: config?.replicas ?? [] });
    if (config === undefined) return;
    const clone = p.copyBytes();
    clone.length = length;
    this.set.ingressPort(clone, BigInt(p.ingressPort));
    this.blocks.parse(clone);
    clone.clearMetadata();
    this.copyFieldList(clone, p, p.cloneFieldList);
    this.set.instanceType(clone, INSTANCE.ingressClone);
    this.replicate(clone, config.replicas, config.truncateBytes, queue);
  }

  /** The clone has the headers as egress left them; it passes neither parser nor ingress again. */
  private cloneFromEgress(p: Packet, session: number, queue: Queued[]): void {
    const config = this.context.host.state.cloneSessions.get(session);
    p.trace?.add({ kind: 'clone', from: 'egress', session, replicas: config?.replicas ?? [] });
    if (config === undefined) return;
    const clone = p.copy();
    clone.clearMetadata();
    this.copyFieldList(clone, p, p.cloneFieldList);
    this.set.instanceType(clone, INSTANCE.egressClone);
    this.replicate(clone, config.replicas, config.truncateBytes, queue);
  }

  private resubmitted(p: Packet, length: number): Packet {
    const next = p.copyBytes();
    this.copyFieldList(next, p, p.resubmitList);
    this.set.instanceType(next, INSTANCE.resubmitted);
    next.length = length;
    this.set.packetLength(next, BigInt(length));
    p.trace?.startPass();
    p.trace?.add({ kind: 'ingress', pass: 'resubmitted', port: p.ingressPort, length });
    return next;
  }

  private recirculated(p: Packet): Packet {
    const next = p.copyBytes();
    this.copyFieldList(next, p, p.recirculateList);
    this.set.instanceType(next, INSTANCE.recirculated);
    const length = next.dataSize;
    next.length = length;
    next.ingressLength = length;
    this.set.packetLength(next, BigInt(length));
    p.trace?.startPass();
    p.trace?.add({ kind: 'ingress', pass: 'recirculated', port: p.ingressPort, length });
    return next;
  }

  private replicate(p: Packet, replicas: readonly Replica[], truncateBytes: number, queue: Queued[]): void {
    for (const { egressPort, instance } of replicas) {
      this.set.replica(p, BigInt(instance));
      const copy = p.copy();
      if (truncateBytes > 0) copy.truncated = truncateBytes;
      this.enqueue(egressPort, copy, queue);
    }
  }

  private enqueue(port: number, p: Packet, queue: Queued[]): void {
    const priority = Number(this.get.priority(p));
    if (priority >= this.context.host.queuesPerPort) {
      this.drop(p, 'queue', `priority ${priority} has no queue (the port has ${this.context.host.queuesPerPort})`);
      return;
    }
    this.set.enqueued(p, BigInt(this.context.host.clock()), BigInt(priority));
    queue.push({ port, packet: p });
  }

  private copyFieldList(to: Packet, from: Packet, id: number): void {
    for (const field of this.context.program.fieldLists.get(id)?.fields ?? [])
      to.fields[field.index] = from.fields[field.index]!;
  }

  private digest(p: Packet): void {
    const list = this.context.program.learnLists.get(p.digestList);
    if (list === undefined) return;
    const widths = list.fields.map((ref) => ('field' in ref ? ref.field.width : 1));
    const values = list.fields.map((ref, i) => BigInt.asUintN(widths[i]!, compileField(ref)(p)));
    p.trace?.add({ kind: 'digest', name: list.name, values });
    this.context.host.onDigest({ name: list.name, id: list.id, values, widths });
  }

  private drop(p: Packet, where: 'ingress' | 'egress' | 'queue' | 'passes', why: string): void {
    this.context.host.onDrop(where);
    p.trace?.add({ kind: 'drop', where, why: where === 'queue' || where === 'passes' ? why : p.trace.dropReason(why) });
  }
}

function architectureReads(context: Context) {
  const read = (name: string): ((p: Packet) => bigint) => {
    const field = context.program.architecture.get(name);
    return field === undefined ? () => 0n : compileField({ field });
  };
  return {
    egressSpec: read('standard_metadata.egress_spec'),
    multicastGroup: read('intrinsic_metadata.mcast_grp'),
    replica: read('intrinsic_metadata.egress_rid'),
    priority: read('intrinsic_metadata.priority'),
  };
}

function architectureStores(context: Context) {
  const store = (name: string) => context.architecture(name);
  const enqueueTime = store('queueing_metadata.enq_timestamp');
  const enqueueDepth = store('queueing_metadata.enq_qdepth');
  const timeDelta = store('queueing_metadata.deq_timedelta');
  const dequeueDepth = store('queueing_metadata.deq_qdepth');
  const queueId = store('queueing_metadata.qid');
  const enqueueField = context.program.architecture.get('queueing_metadata.enq_timestamp');
  return {
    ingressPort: store('standard_metadata.ingress_port'),
    packetLength: store('standard_metadata.packet_length'),
    instanceType: store('standard_metadata.instance_type'),
    egressSpec: store('standard_metadata.egress_spec'),
    egressPort: store('standard_metadata.egress_port'),
    ingressTime: store('intrinsic_metadata.ingress_global_timestamp'),
    egressTime: store('intrinsic_metadata.egress_global_timestamp'),
    replica: store('intrinsic_metadata.egress_rid'),
    /** Queues of the emulator are always empty: a packet is finished before the next one arrives. */
    enqueued: (p: Packet, now: bigint, priority: bigint): void => {
      enqueueTime(p, now);
      enqueueDepth(p, 0n);
      queueId(p, priority);
    },
    dequeued: (p: Packet, now: bigint): void => {
      if (enqueueField !== undefined) timeDelta(p, now - p.fields[enqueueField.index]!);
      dequeueDepth(p, 0n);
    },
  };
}
