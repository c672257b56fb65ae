/** Digest lists to the primary controller (P4Runtime 1.4, section "DigestEntry"). */
import type {
  DigestEntry,
  DigestInfo,
  DigestList,
  DigestListAck,
  Entity,
  Init,
  UpdateType,
} from '../../p4runtime/index.js';
import type { Digest } from '../control.js';
import type { Clock } from './clock.js';
import { toP4Data } from './p4data.js';
import type { EnabledDigest, ForwardingPipeline } from './pipeline.js';
import { exists, invalid, notFound } from './rpc-error.js';
import type { Transaction } from './transaction.js';
import { Unacknowledged } from './unacknowledged.js';

/** Stands for a configuration that the client left out, and that a read must leave out too. */
const UNSET_CONFIG = { maxTimeoutNs: 0n, maxListSize: 0, ackTimeoutNs: 0n };

export function writeDigest(pipeline: ForwardingPipeline, tx: Transaction, type: UpdateType, entry: DigestEntry): void {
  const digest = pipeline.index.digests.byId(entry.digestId);
  const enabled = pipeline.enabledDigests.get(digest.id);
  if (type === 'UNSPECIFIED') throw invalid('The update has no type.');
  if (type === 'INSERT' && enabled) throw exists(`Digest ${digest.name} is enabled already.`);
  if (type !== 'INSERT' && !enabled) throw notFound(`Digest ${digest.name} is not enabled.`);
  const config = entry.config ?? UNSET_CONFIG;
  if (config.maxTimeoutNs < 0n || config.maxListSize < 0 || config.ackTimeoutNs < 0n) {
    throw invalid('Timeouts and list sizes must not be negative.');
  }
  tx.note(
    pipeline.enabledDigests,
    digest.id,
    type === 'DELETE' ? undefined : { config, enabling: enabled?.enabling ?? Symbol(digest.name) },
  );
}

export function* readDigests(pipeline: ForwardingPipeline, request: DigestEntry): Generator<Init<Entity>> {
  const { digests } = pipeline.index;
  for (const { id } of request.digestId === 0 ? digests.items : [digests.byId(request.digestId)]) {
    const config = pipeline.enabledDigests.get(id)?.config;
    if (config) yield { digestEntry: { digestId: id, ...(config !== UNSET_CONFIG && { config }) } };
  }
}

/**
 * A list is sent before it would be larger, whatever the configuration allows: it waits in memory, and clients take
 * messages of 4 MiB by default.
 */
const MAX_LIST_SAMPLES = 4096;
const MAX_LIST_BYTES = 2 ** 20;
/** What the encoding adds to each value: the tags and lengths of the messages around it. */
const VALUE_OVERHEAD = 16;

interface Buffer {
  readonly enabling: symbol;
  readonly samples: Map<string, Digest>;
  bytes: number;
  readonly cancelTimer: () => void;
}

const milliseconds = (ns: bigint): number => Number(ns) / 1e6;

/**
 * Batches the samples of one pipeline, leaving out those that the controller has not acknowledged yet. What was
 * learned before a digest was disabled is forgotten, sent or not, as in BMv2's server: the specification is silent.
 */
export class DigestPublisher {
  private readonly buffers = new Map<number, Buffer>();
  private readonly unacknowledged: Unacknowledged;
  private readonly byName: ReadonlyMap<string, DigestInfo>;
  private readonly unsubscribe: () => void;
  private nextListId = 1n;

  /** @param send returns false if there is no primary; the samples are then lost, as the specification allows */
  constructor(
    private readonly pipeline: ForwardingPipeline,
    private readonly send: (list: Init<DigestList>) => boolean,
    private readonly clock: Clock,
  ) {
    this.unacknowledged = new Unacknowledged((ms, run) => clock.after(ms, run));
    this.byName = new Map(pipeline.index.digests.items.map((digest) => [digest.name, digest]));
    this.unsubscribe = pipeline.control.onDigest((sample) => this.receive(sample));
  }

  close(): void {
    this.unsubscribe();
    for (const { cancelTimer } of this.buffers.values()) cancelTimer();
    this.buffers.clear();
    this.unacknowledged.clear();
  }

  /** @throws RpcError INVALID_ARGUMENT if the digest is unknown; an unknown list was acknowledged or timed out */
  acknowledge({ digestId, listId }: DigestListAck): void {
    this.pipeline.index.digests.byId(digestId);
    this.unacknowledged.forget(`${digestId} ${listId}`);
  }

  private receive(sample: Digest): void {
    const digest = this.byName.get(sample.name);
    const enabled = digest && this.pipeline.enabledDigests.get(digest.id);
    if (!enabled) return;
    const { config, enabling } = enabled;
    const text = `${digest.id}:${sample.values.join()}`;
    if (this.unacknowledged.has(enabling, text)) return;
    const buffer = this.openBuffer(digest.id, enabling) ?? this.open(digest, enabled);
    if (buffer.samples.has(text)) return;
    buffer.samples.set(text, sample);
    // A value in decimal is longer than in bytes.
    buffer.bytes += text.length + VALUE_OVERHEAD * sample.values.length;
    const allowed = config.maxListSize > 0 ? Math.min(config.maxListSize, MAX_LIST_SAMPLES) : MAX_LIST_SAMPLES;
    const full = buffer.samples.size >= allowed || buffer.bytes >= MAX_LIST_BYTES;
    if (full || config.maxTimeoutNs === 0n) this.flush(digest);
  }

  /** A buffer of an earlier enabling is dropped together with its timer. */
  private openBuffer(digestId: number, enabling: symbol): Buffer | undefined {
    const buffer = this.buffers.get(digestId);
    if (buffer === undefined || buffer.enabling === enabling) return buffer;
    buffer.cancelTimer();
    this.buffers.delete(digestId);
    return undefined;
  }

  private open(digest: DigestInfo, { config: { maxTimeoutNs }, enabling }: EnabledDigest): Buffer {
    const wait = maxTimeoutNs > 0n;
    const buffer = {
      enabling,
      samples: new Map<string, Digest>(),
      bytes: 0,
      cancelTimer: wait ? this.clock.after(milliseconds(maxTimeoutNs), () => this.flush(digest)) : () => {},
    };
    this.buffers.set(digest.id, buffer);
    return buffer;
  }

  private flush(digest: DigestInfo): void {
    const buffer = this.buffers.get(digest.id);
    const enabled = this.pipeline.enabledDigests.get(digest.id);
    this.buffers.delete(digest.id);
    buffer?.cancelTimer();
    if (!buffer || enabled?.enabling !== buffer.enabling) return; // Disabled in the meantime.
    const { config, enabling } = enabled;
    const listId = this.nextListId++;
    const data = [...buffer.samples.values()].map(({ values }) => {
      const next = values.values();
      return toP4Data(digest.type, this.pipeline.index.types, () => next.next().value!);
    });
    const sent = this.send({ digestId: digest.id, listId, data, timestamp: this.clock.nowNs() });
    if (!sent || config.ackTimeoutNs === 0n) return;
    const samples = [...buffer.samples.keys()];
    this.unacknowledged.add(`${digest.id} ${listId}`, enabling, samples, milliseconds(config.ackTimeoutNs));
  }
}
