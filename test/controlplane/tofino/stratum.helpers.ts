/** The fake switch as Stratum's Tofino target answers: its limits, read in its sources (bfrt_pre_manager.cc, p4_service.cc, bf_pipeline_utils.cc). */
import { FakeSwitch } from '../fake-switch.helpers.js';
import { onEnd } from '../site.helpers.js';
import { unpackBfPipelineConfig, type Unpacked } from './wire.helpers.js';
import type * as p4 from '../../../p4runtime/messages.js';

const MOST = { session: 1015, group: 0xffff, instance: 0xffff, classOfService: 7, bytes: 0xffff };

/** What Stratum would report about an update before the driver sees it. */
function stratumRefuses({ type, entity }: p4.Update): string | undefined {
  if (entity?.counterEntry !== undefined) {
    if (type !== 'MODIFY') return 'Update type of CounterEntry must be MODIFY';
    return entity.counterEntry.index === undefined
      ? 'Modifying an indirect counter without counter index is currently not supported'
      : undefined;
  }
  const { multicastGroupEntry: group, cloneSessionEntry: session } = entity?.packetReplicationEngineEntry ?? {};
  if (group !== undefined && type !== 'DELETE') {
    if (group.multicastGroupId < 1 || group.multicastGroupId > MOST.group) return 'group_id <= kMaxMulticastGroupId';
    // It reads the number only: ports as bytes, which came later, would be port 0.
    if (group.replicas.some(({ egressPort }) => egressPort === undefined)) return 'replica without egress_port';
    if (group.replicas.some(({ instance }) => instance > MOST.instance)) return 'replica.instance() <= UINT16_MAX';
  }
  if (session !== undefined) {
    if (session.sessionId < 1 || session.sessionId > MOST.session) return 'Invalid session id in CloneSessionEntry';
    if (session.packetLengthBytes > MOST.bytes) return 'Packet length exceeds maximum value';
    if (type === 'DELETE') return undefined;
    if (session.replicas.length !== 1) return 'Multiple replicas are not supported';
    if (session.classOfService > MOST.classOfService) return 'Class of service must be smaller than 8';
    if (!session.replicas[0]!.egressPort) return 'Invalid egress port in Replica';
    if (session.replicas[0]!.instance !== 0) return 'Instances on Replicas are not supported';
  }
  return undefined;
}

export interface FakeStratum {
  readonly fake: FakeSwitch;
  /** The device configuration that runs now. @throws Error if it is not a BfPipelineConfig */
  unpacked(): Unpacked;
}

export async function startStratum(): Promise<FakeStratum> {
  const fake = await new FakeSwitch().start();
  onEnd(() => fake.stop());
  fake.refuse = stratumRefuses;
  return { fake, unpacked: () => unpackBfPipelineConfig(fake.pipeline!.p4DeviceConfig) };
}
