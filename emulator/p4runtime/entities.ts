/** Every kind of entity: how it is written and read. */
import type { Entity, Init, Update } from '../../p4runtime/index.js';
import { readGroups, readMembers, writeGroup, writeMember } from './action-profiles.js';
import { readCounters, readDirectCounters, writeCounter, writeDirectCounter } from './counters.js';
import { readDigests, writeDigest } from './digests.js';
import { readDirectMeters, readMeters, writeDirectMeter, writeMeter } from './meters.js';
import type { ForwardingPipeline } from './pipeline.js';
import { readRegisters, writeRegister } from './registers.js';
import { readReplication, writeReplication } from './replication.js';
import { invalid, unimplemented } from './rpc-error.js';
import { readTableEntries } from './table-read.js';
import { writeTableEntry } from './table-entry.js';
import type { Transaction } from './transaction.js';
import { readValueSets, writeValueSet } from './value-sets.js';

const NO_EXTERNS = 'BMv2 has no externs that have entries.';
const NO_ENTITY = 'The entity is not set.';

/** One update of a batch. @throws RpcError, ControlError, P4InfoLookupError or BytestringError */
export function writeEntity(pipeline: ForwardingPipeline, tx: Transaction, { type, entity = {} }: Update): void {
  if (entity.tableEntry) writeTableEntry(pipeline, tx, type, entity.tableEntry);
  else if (entity.counterEntry) writeCounter(pipeline, tx, type, entity.counterEntry);
  else if (entity.directCounterEntry) writeDirectCounter(pipeline, tx, type, entity.directCounterEntry);
  else if (entity.meterEntry) writeMeter(pipeline, tx, type, entity.meterEntry);
  else if (entity.directMeterEntry) writeDirectMeter(pipeline, tx, type, entity.directMeterEntry);
  else if (entity.registerEntry) writeRegister(pipeline, tx, type, entity.registerEntry);
  else if (entity.packetReplicationEngineEntry) {
    writeReplication(pipeline, tx, type, entity.packetReplicationEngineEntry);
  } else if (entity.actionProfileMember) writeMember(pipeline, tx, type, entity.actionProfileMember);
  else if (entity.actionProfileGroup) writeGroup(pipeline, tx, type, entity.actionProfileGroup);
  else if (entity.valueSetEntry) writeValueSet(pipeline, tx, type, entity.valueSetEntry);
  else if (entity.digestEntry) writeDigest(pipeline, tx, type, entity.digestEntry);
  else if (entity.externEntry) throw unimplemented(NO_EXTERNS);
  else throw invalid(NO_ENTITY);
}

/** Elements of arrays that are read at once. */
const READ_AT_ONCE = 16_384;

/**
 * All entities that a request selects. What writes change is read when this is called, except for arrays of more than
 * {@link READ_AT_ONCE} elements. Where it yields undefined the reader may pause.
 * @throws RpcError, ControlError or P4InfoLookupError, perhaps after some
 */
export function readEntity(pipeline: ForwardingPipeline, request: Entity): Iterable<Init<Entity> | undefined> {
  if (request.tableEntry) return readTableEntries(pipeline, request.tableEntry);
  if (request.counterEntry) return beginNow(readCounters(pipeline, request.counterEntry));
  if (request.directCounterEntry) return readDirectCounters(pipeline, request.directCounterEntry);
  if (request.meterEntry) return beginNow(readMeters(pipeline, request.meterEntry));
  if (request.directMeterEntry) return readDirectMeters(pipeline, request.directMeterEntry);
  if (request.registerEntry) return beginNow(readRegisters(pipeline, request.registerEntry));
  if (request.packetReplicationEngineEntry) return [...readReplication(pipeline, request.packetReplicationEngineEntry)];
  if (request.actionProfileMember) return readMembers(pipeline, request.actionProfileMember);
  if (request.actionProfileGroup) return readGroups(pipeline, request.actionProfileGroup);
  if (request.valueSetEntry) return [...readValueSets(pipeline, request.valueSetEntry)];
  if (request.digestEntry) return [...readDigests(pipeline, request.digestEntry)];
  if (request.externEntry) {
    // An empty entry reads all externs, and none exist.
    if (request.externEntry.externTypeId === 0) return [];
    throw unimplemented(NO_EXTERNS);
  }
  throw invalid(NO_ENTITY);
}

function beginNow<T>(all: Generator<T>): Iterable<T> {
  const first: T[] = [];
  while (first.length < READ_AT_ONCE) {
    const next = all.next();
    if (next.done) return first;
    first.push(next.value);
  }
  return (function* () {
    yield* first;
    yield* all;
  })();
}
