/** Parser value sets (P4Runtime 1.4, section "ValueSetEntry"). */
import {
  Code,
  encodeBytestring,
  type Entity,
  type Init,
  type UpdateType,
  type ValueSetEntry,
} from '../../p4runtime/index.js';
import { toKeys } from './match.js';
import type { ForwardingPipeline } from './pipeline.js';
import { exists, invalid, RpcError, unimplemented } from './rpc-error.js';
import type { Transaction } from './transaction.js';

export function writeValueSet(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: ValueSetEntry,
): void {
  const set = pipeline.index.valueSets.byId(entry.valueSetId);
  if (type !== 'MODIFY') throw invalid('A value set can only be modified.');
  if (entry.members.length > set.size) {
    throw new RpcError(Code.RESOURCE_EXHAUSTED, `Value set ${set.name} has room for ${set.size} members.`);
  }
  const values = entry.members.map(({ match }) =>
    toKeys(set.keys, match).reduce((value, key, i) => {
      if (key.kind !== 'exact') throw unimplemented('BMv2 value sets match exactly.');
      return (value << BigInt(set.keys.items[i]!.bitwidth)) | key.value;
    }, 0n),
  );
  if (new Set(values).size < values.length) throw exists(`Value set ${set.name} is given a member twice.`);
  tx.setValueSet(set.name, values);
}

export function* readValueSets(pipeline: ForwardingPipeline, request: ValueSetEntry): Generator<Init<Entity>> {
  const { valueSets } = pipeline.index;
  for (const set of request.valueSetId === 0 ? valueSets.items : [valueSets.byId(request.valueSetId)]) {
    const members = pipeline.control.valueSet(set.name).map((value) => {
      let left = set.keys.items.reduce((sum, { bitwidth }) => sum + bitwidth, 0);
      const match = set.keys.items.map(({ id, bitwidth }) => {
        left -= bitwidth;
        const part = (value >> BigInt(left)) & ((1n << BigInt(bitwidth)) - 1n);
        return { fieldId: id, exact: { value: encodeBytestring(part) } };
      });
      return { match };
    });
    yield { valueSetEntry: { valueSetId: set.id, members } };
  }
}
