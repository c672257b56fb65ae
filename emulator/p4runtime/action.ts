/** Converts actions between P4Runtime's form and the switch's (P4Runtime 1.4, section "Action Specification"). */
import {
  decodeBytestring,
  encodeBytestring,
  type Action,
  type ActionDefinition,
  type ActionScope,
  type Init,
  type NameIndex,
  type TableActionInfo,
} from '../../p4runtime/index.js';
import type { ActionCall } from '../control.js';
import { denied, invalid } from './rpc-error.js';

/** As most clients send them, so that nothing need be looked up. */
function isInOrder(params: readonly { readonly id: number }[], { params: given }: Action): boolean {
  if (given.length !== params.length) return false;
  for (let i = 0; i < params.length; i++) if (given[i]!.paramId !== params[i]!.id) return false;
  return true;
}

function toArguments(definition: ActionDefinition, action: Action): bigint[] {
  const { params } = definition;
  if (isInOrder(params.items, action)) {
    return action.params.map(({ value }, i) => decodeBytestring(value, params.items[i]!.bitwidth));
  }
  const given = new Map<number, Uint8Array>();
  for (const { paramId, value } of action.params) {
    const param = params.byId(paramId);
    if (given.has(paramId)) throw invalid(`Parameter ${param.name} of ${definition.name} is given twice.`);
    given.set(paramId, value);
  }
  return params.items.map((param) => {
    const value = given.get(param.id);
    if (!value) throw invalid(`Parameter ${param.id} (${param.name}) of ${definition.name} is not given.`);
    return decodeBytestring(value, param.bitwidth);
  });
}

/**
 * @param actions those that the table, or a table of the action profile, allows
 * @param excluded the scope that the action must not have here
 * @throws RpcError PERMISSION_DENIED for the wrong scope, INVALID_ARGUMENT for everything else
 */
export function toCall(
  actions: NameIndex<TableActionInfo>,
  action: Action,
  excluded: Exclude<ActionScope, 'TABLE_AND_DEFAULT'>,
): ActionCall {
  const { scope, definition } = actions.byId(action.actionId);
  if (scope === excluded) {
    const only = scope === 'DEFAULT_ONLY' ? 'as the default action' : 'in entries';
    throw denied(`Action ${definition.name} may only be used ${only}.`);
  }
  return { action: definition.name, args: toArguments(definition, action) };
}

export function fromCall(actions: NameIndex<ActionDefinition>, call: ActionCall): Init<Action> {
  const { id, params } = actions.find(call.action);
  return {
    actionId: id,
    params: params.items.map((param, i) => ({ paramId: param.id, value: encodeBytestring(call.args[i]!) })),
  };
}
