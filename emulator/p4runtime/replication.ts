/** Multicast groups and clone sessions (P4Runtime 1.4, section "PacketReplicationEngineEntry"). */
import {
  decodeBytestring,
  encodeBytestring,
  type CloneSessionEntry,
  type Entity,
  type Init,
  type MulticastGroupEntry,
  type PacketReplicationEngineEntry,
  type Replica,
  type UpdateType,
} from '../../p4runtime/index.js';
import type { Replica as SwitchReplica } from '../control.js';
import type { ForwardingPipeline, ReplicaNotes } from './pipeline.js';
import { MAX_CLONE_SESSION, MAX_INSTANCE, MAX_MULTICAST_GROUP, MAX_PORT } from '../limits.js';
import { exists, invalid, notFound, unimplemented } from './rpc-error.js';
import type { Transaction } from './transaction.js';

function toPort(replica: Replica): number {
  if (replica.egressPort === undefined && !replica.port) throw invalid('A replica needs a port.');
  const port = replica.port ? Number(decodeBytestring(replica.port, 32)) : replica.egressPort!;
  if (port > MAX_PORT) {
    throw invalid(`Port ${port} is not one of this switch's ports; valid: 0 to ${MAX_PORT}.`);
  }
  return port;
}

function toReplicas(replicas: readonly Replica[]): SwitchReplica[] {
  const seen = new Set<string>();
  return replicas.map((replica) => {
    const egressPort = toPort(replica);
    const { instance } = replica;
    if (instance > MAX_INSTANCE) throw invalid(`Instance ${instance} is more than ${MAX_INSTANCE}.`);
    const text = `port ${egressPort}, instance ${instance}`;
    if (seen.has(text)) throw invalid(`Two replicas have ${text}.`);
    seen.add(text);
    return { egressPort, instance };
  });
}

function notesOf(replicas: readonly Replica[], metadata: Uint8Array): ReplicaNotes {
  return { metadata, numericPorts: replicas.map(({ egressPort }) => egressPort !== undefined) };
}

function fromReplicas(replicas: readonly SwitchReplica[], notes: ReplicaNotes | undefined): Init<Replica>[] {
  return replicas.map(({ egressPort, instance }, i) =>
    notes?.numericPorts[i] ? { egressPort, instance } : { port: encodeBytestring(egressPort), instance },
  );
}

/** INSERT requires it to be absent, MODIFY and DELETE to be present. */
function checkPresence(type: UpdateType, present: boolean, what: string): void {
  if (type === 'UNSPECIFIED') throw invalid('The update has no type.');
  if (type === 'INSERT' && present) throw exists(`${what} exists already.`);
  if (type !== 'INSERT' && !present) throw notFound(`${what} does not exist.`);
}

function writeGroup(pipeline: ForwardingPipeline, tx: Transaction, type: UpdateType, entry: MulticastGroupEntry): void {
  const id = entry.multicastGroupId;
  if (id === 0 || id > MAX_MULTICAST_GROUP)
    throw invalid(`A multicast group must be 1 to ${MAX_MULTICAST_GROUP}, not ${id}.`);
  checkPresence(type, pipeline.control.multicastGroups().has(id), `Multicast group ${id}`);
  const keep = type !== 'DELETE';
  tx.setMulticastGroup(id, keep ? toReplicas(entry.replicas) : undefined);
  tx.note(pipeline.multicastNotes, id, keep ? notesOf(entry.replicas, entry.metadata) : undefined);
}

function writeSession(pipeline: ForwardingPipeline, tx: Transaction, type: UpdateType, entry: CloneSessionEntry): void {
  const id = entry.sessionId;
  if (id === 0 || id > MAX_CLONE_SESSION)
    throw invalid(`A clone session must be 1 to ${MAX_CLONE_SESSION}, not ${id}.`);
  checkPresence(type, pipeline.control.cloneSessions().has(id), `Clone session ${id}`);
  if (type === 'DELETE') {
    tx.setCloneSession(id, undefined);
    tx.note(pipeline.cloneNotes, id, undefined);
    return;
  }
  if (entry.classOfService !== 0) throw unimplemented('Clones have no class of service on this switch.');
  if (entry.packetLengthBytes < 0) throw invalid('The packet length must not be negative.');
  tx.setCloneSession(id, { replicas: toReplicas(entry.replicas), truncateBytes: entry.packetLengthBytes });
  tx.note(pipeline.cloneNotes, id, notesOf(entry.replicas, new Uint8Array(0)));
}

export function writeReplication(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: PacketReplicationEngineEntry,
): void {
  if (entry.multicastGroupEntry) writeGroup(pipeline, tx, type, entry.multicastGroupEntry);
  else if (entry.cloneSessionEntry) writeSession(pipeline, tx, type, entry.cloneSessionEntry);
  else throw invalid('A replication entry must contain a multicast group or a clone session.');
}

/** Id 0 selects all. */
function* selectById<V>(map: ReadonlyMap<number, V>, id: number, what: string): Generator<[number, V]> {
  if (id === 0) {
    yield* map;
    return;
  }
  const value = map.get(id);
  if (value === undefined) throw notFound(`${what} ${id} does not exist.`);
  yield [id, value];
}

export function* readReplication(
  pipeline: ForwardingPipeline,
  request: PacketReplicationEngineEntry,
): Generator<Init<Entity>> {
  const { control } = pipeline;
  if (request.multicastGroupEntry) {
    const id = request.multicastGroupEntry.multicastGroupId;
    for (const [group, replicas] of selectById(control.multicastGroups(), id, 'Multicast group')) {
      const notes = pipeline.multicastNotes.get(group);
      const multicastGroupEntry = {
        multicastGroupId: group,
        replicas: fromReplicas(replicas, notes),
        metadata: notes?.metadata,
      };
      yield { packetReplicationEngineEntry: { multicastGroupEntry } };
    }
  } else if (request.cloneSessionEntry) {
    const id = request.cloneSessionEntry.sessionId;
    for (const [sessionId, session] of selectById(control.cloneSessions(), id, 'Clone session')) {
      const cloneSessionEntry = {
        sessionId,
        replicas: fromReplicas(session.replicas, pipeline.cloneNotes.get(sessionId)),
        packetLengthBytes: session.truncateBytes,
      };
      yield { packetReplicationEngineEntry: { cloneSessionEntry } };
    }
  } else {
    throw invalid('A replication entry must contain a multicast group or a clone session.');
  }
}
