/**
 * Registers (P4Runtime 1.4, section "RegisterEntry"). The message is part of the specification; serving it on a
 * v1model switch is an extension: BMv2's server answers UNIMPLEMENTED.
 */
import type { Entity, Init, RegisterEntry, UpdateType } from '../../p4runtime/index.js';
import { elementIndices } from './element-index.js';
import { fromP4Data, toP4Data } from './p4data.js';
import type { ForwardingPipeline } from './pipeline.js';
import { invalid } from './rpc-error.js';
import type { Transaction } from './transaction.js';

export function writeRegister(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: RegisterEntry,
): void {
  const register = pipeline.index.registers.byId(entry.registerId);
  if (type !== 'MODIFY') throw invalid('A register can only be modified.');
  const value = fromP4Data(register.type, entry.data);
  for (const index of elementIndices(register, pipeline.control.registerSize(register.name), entry.index)) {
    tx.writeRegister(register.name, index, value);
  }
}

export function* readRegisters(pipeline: ForwardingPipeline, request: RegisterEntry): Generator<Init<Entity>> {
  const { registers, types } = pipeline.index;
  if (request.registerId === 0 && request.index) throw invalid('An index needs a register_id.');
  for (const register of request.registerId === 0 ? registers.items : [registers.byId(request.registerId)]) {
    for (const index of elementIndices(register, pipeline.control.registerSize(register.name), request.index)) {
      const data = toP4Data(register.type, types, () => pipeline.control.readRegister(register.name, index));
      yield { registerEntry: { registerId: register.id, index: { index: BigInt(index) }, data } };
    }
  }
}
