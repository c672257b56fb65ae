import type { Output, Replica } from '../control.js';
import type { EngineHost } from '../engine.js';
import type { Program } from '../json/program.js';
import type { Architecture } from './architecture.js';
import type { FrameBridge } from './bridge.js';
import type { Code, Frames } from './frames.js';
import { FRAME, type Layout } from './layout.js';

/** standard_metadata.instance_type (behavioral-model, docs/simple_switch.md). */
const INSTANCE = { normal: 0, ingressClone: 1, egressClone: 2, recirculated: 4, replication: 5, resubmitted: 6 } as const;
/** As in the interpreter. */
const HEADROOM_BYTES = 512;
const MOST_COPIES = 65_536;

/**
 * The interpreter's traffic manager once more, for packets that are frames in linear memory. Both must decide alike;
 * the fuzzer compares them.
 */
export class FrameTrafficManager {
  private readonly again: number[] = [];
  private readonly queue: number[] = [];
  private readonly queuePorts: number[] = [];

  constructor(
    private readonly program: Program,
    private readonly host: EngineHost,
    private readonly layout: Layout,
    private readonly code: Code,
    private readonly frames: Frames,
    private readonly architecture: Architecture,
    private readonly bridge: FrameBridge,
  ) {}

  process(port: number, bytes: Uint8Array): Output[] {
    try {
      return this.run(port, bytes);
    } finally {
      this.frames.reset();
      this.again.length = this.queue.length = this.queuePorts.length = 0;
    }
  }

  private run(port: number, bytes: Uint8Array): Output[] {
    const { again, queue, queuePorts, frames, architecture, host } = this;
    const first = frames.receive(port, bytes, bytes.length + HEADROOM_BYTES);
    architecture.ingressPort(first, port);
    architecture.packetLength(first, bytes.length);
    architecture.ingressTime(first, host.clock());
    const outputs: Output[] = [];
    again.push(first);
    let passes = 0;
    for (let next = 0; next < again.length; next++) {
      if (++passes > host.maxPasses) {
        host.onDrop('passes');
        continue;
      }
      this.ingress(again[next]!);
      for (let i = 0; i < queue.length; i++) {
        if (i < MOST_COPIES) this.egress(queue[i]!, queuePorts[i]!, outputs);
        else host.onDrop('passes');
      }
      queue.length = queuePorts.length = 0;
    }
    return outputs;
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
    if (frames.get(p, FRAME.digestList) > 0) this.digest(p);
    if (frames.get(p, FRAME.resubmitList) > 0) {
      frames.set(p, FRAME.start, start);
      this.again.push(this.resubmitted(p, arrivedLength));
      return;
    }
    const group = architecture.multicastGroup(p);
    if (group !== 0) {
      architecture.instanceType(p, INSTANCE.replication);
      const replicas = host.state.multicastGroups.get(group);
      if (replicas === undefined || replicas.length === 0) host.onDrop('ingress');
      else this.replicate(p, replicas, 0);
      return;
    }
    const port = architecture.egressSpec(p);
    if (port === host.dropPort) {
      host.onDrop('ingress');
      return;
    }
    architecture.instanceType(p, INSTANCE.normal);
    this.enqueue(port, p);
  }

  private egress(p: number, port: number, outputs: Output[]): void {
    const { frames, code, architecture, host } = this;
    const now = host.clock();
    architecture.egressTime(p, now);
    architecture.dequeued(p, now);
    architecture.egressPort(p, port);
    // One more than the drop port, so that a packet whose egress_spec nobody sets is not dropped.
    architecture.setEgressSpec(p, host.dropPort + 1);
    architecture.packetLength(p, frames.get(p, FRAME.length));
    code.egress(p);

    const session = frames.get(p, FRAME.cloneSession);
    if (session >= 0) {
      frames.set(p, FRAME.cloneSession, -1);
      this.cloneFromEgress(p, session);
    }
    if (architecture.egressSpec(p) === host.dropPort) {
      host.onDrop('egress');
      return;
    }
    const recirculates = frames.get(p, FRAME.recirculateList) > 0;
    frames.deparse(p, recirculates);
    if (recirculates) {
      this.again.push(this.recirculated(p));
      return;
    }
    outputs.push({ port, bytes: frames.bytes(p) });
  }

  private cloneFromIngress(p: number, session: number, length: number): void {
    const { frames, code, architecture, host } = this;
    const config = host.state.cloneSessions.get(session);
    if (config === undefined) return;
    const clone = frames.copyBytes(p);
    frames.set(clone, FRAME.length, length);
    architecture.ingressPort(clone, frames.get(p, FRAME.ingressPort));
    code.parse(clone);
    code.clearMetadata(clone);
    this.copyFieldList(clone, p, frames.get(p, FRAME.cloneFieldList));
    architecture.instanceType(clone, INSTANCE.ingressClone);
    this.replicate(clone, config.replicas, config.truncateBytes);
  }

  private cloneFromEgress(p: number, session: number): void {
    const { frames, code, architecture, host } = this;
    const config = host.state.cloneSessions.get(session);
    if (config === undefined) return;
    const clone = frames.copy(p);
    code.clearMetadata(clone);
    this.copyFieldList(clone, p, frames.get(p, FRAME.cloneFieldList));
    architecture.instanceType(clone, INSTANCE.egressClone);
    this.replicate(clone, config.replicas, config.truncateBytes);
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

  private replicate(p: number, replicas: readonly Replica[], truncateBytes: number): void {
    const { frames, architecture } = this;
    for (const { egressPort, instance } of replicas) {
      architecture.setReplica(p, instance);
      const copy = frames.copy(p);
      if (truncateBytes > 0) frames.set(copy, FRAME.truncated, truncateBytes);
      this.enqueue(egressPort, copy);
    }
  }

  private enqueue(port: number, p: number): void {
    const { architecture, host } = this;
    const priority = architecture.priority(p);
    if (priority >= host.queuesPerPort) {
      host.onDrop('queue');
      return;
    }
    architecture.enqueued(p, host.clock(), priority);
    this.queue.push(p);
    this.queuePorts.push(port);
  }

  private copyFieldList(to: number, from: number, id: number): void {
    const { bytes } = this.frames.memory;
    for (const field of this.program.fieldLists.get(id)?.fields ?? []) {
      const { offset, kind, limbs } = this.layout.fields[field.index]!;
      bytes.copyWithin(to + offset, from + offset, from + offset + (kind === 'i32' ? 4 : 8 * limbs));
    }
  }

  private digest(p: number): void {
    const list = this.program.learnLists.get(this.frames.get(p, FRAME.digestList));
    if (list === undefined) return;
    const widths = list.fields.map((ref) => ('field' in ref ? ref.field.width : 1));
    const values = list.fields.map((ref, i) => {
      if ('field' in ref) return BigInt.asUintN(widths[i]!, this.bridge.field(p, ref.field));
      return BigInt(this.frames.memory.bytes[p + this.layout.valid[ref.validOf.index]!]! === 0 ? 0 : 1);
    });
    this.host.onDigest({ name: list.name, id: list.id, values, widths });
  }
}
