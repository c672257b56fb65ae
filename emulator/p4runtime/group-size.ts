/** How large groups may be (P4Runtime 1.4, sections "ActionProfile" of P4Info and "Rules on Setting max_size"). */
import { Code, decodeBytestring, encodeBytestring, type ActionProfileInfo } from '../../p4runtime/index.js';
import { MAX_PORT, PORT_BITS } from '../limits.js';
import { invalid, RpcError } from './rpc-error.js';
import type { ForwardingPipeline } from './pipeline.js';

interface Weighted {
  readonly weight: number;
  readonly watchPort?: Uint8Array | undefined;
}

/** @throws RpcError INVALID_ARGUMENT for a weight or watch port that no member can have */
export function checkWeighted(profile: ActionProfileInfo, { weight, watchPort }: Weighted, what: string): void {
  if (weight <= 0) throw invalid(`${what} has weight ${weight}, which must be at least 1.`);
  if (profile.maxMemberWeight > 0 && weight > profile.maxMemberWeight) {
    throw invalid(`${what} has weight ${weight}, over ${profile.maxMemberWeight}.`);
  }
  if (!watchPort || watchPort.length === 0) return;
  const port = decodeBytestring(watchPort, PORT_BITS);
  if (port > BigInt(MAX_PORT)) throw invalid(`${what} watches port ${port}; valid: 0 to ${MAX_PORT}.`);
}

/** The watch port as it is read back: clients may write leading zeros (section "Bytestrings"). */
export function canonicalWatch({ watchPort }: Pick<Weighted, 'watchPort'>): { watchPort?: Uint8Array } {
  if (!watchPort || watchPort.length === 0) return watchPort ? { watchPort } : {};
  return { watchPort: encodeBytestring(decodeBytestring(watchPort)) };
}

/** In the unit of the profile's sizes: weights or members. */
export function sizeOf(profile: ActionProfileInfo, members: readonly Weighted[]): number {
  return profile.sizeUnit === 'members' ? members.length : members.reduce((sum, { weight }) => sum + weight, 0);
}

/**
 * The profile's size limits all groups together.
 * @param group the group that gets this size in place of its current one
 * @throws RpcError RESOURCE_EXHAUSTED
 */
export function checkRoom(pipeline: ForwardingPipeline, profile: ActionProfileInfo, group: number, size: number): void {
  if (profile.size <= 0) return;
  const { members, weights } = pipeline.control.groupTotals(profile.name);
  const before = pipeline.control.groups(profile.name).get(group) ?? [];
  const total = (profile.sizeUnit === 'members' ? members : weights) - sizeOf(profile, before) + size;
  if (total > profile.size) {
    throw new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `The groups of ${profile.name} would hold ${total} ${profile.sizeUnit}, over ${profile.size}.`,
    );
  }
}
