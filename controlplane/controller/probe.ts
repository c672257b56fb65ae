/** State of a job's slots at one switch, read with probe packets: no register access is needed. */
import { counted } from '../../net/count.js';
import { SwitchNotReadyError } from '../errors.js';
import type { P4RuntimeClient } from '../p4runtime/client.js';
import type { PacketInEvent } from '../p4runtime/stream-messages.js';
import type { SlotState } from '../../protocol/probe.js';
import { pipeOf, recirculationPort } from '../tofino/ports.js';
import { probeFrame, probeReply } from './probe-frame.js';
import type { JobRecord, SwitchConfig } from './state.js';

export interface ProbeTiming {
  /** Milliseconds without a new reply after which unanswered probes are retransmitted. */
  readonly replyTimeoutMs: number;
  readonly attempts: number;
}

/** Probes in flight at a time: more would overrun the CPU port's queue. */
const WINDOW = 32;

/**
 * @param pipe that the job uses (pipes.ts)
 * @returns the state of each of the job's slots, in order
 * @throws SwitchNotReadyError when probes remain unanswered
 */
export async function probeSlots(
  client: P4RuntimeClient,
  config: SwitchConfig,
  job: JobRecord,
  pipe: number | undefined,
  timing: ProbeTiming,
): Promise<SlotState[]> {
  const states = new Map<number, SlotState>();
  const slots = Array.from({ length: job.slots }, (_, slot) => slot);
  for (let from = 0; from < slots.length; from += WINDOW) {
    await collect(client, config, job, pipe, slots.slice(from, from + WINDOW), states, timing);
  }
  return slots.map((slot) => states.get(slot)!);
}

/** Adds the states of `slots` (relative to the job's range) to `states`. */
async function collect(
  client: P4RuntimeClient,
  config: SwitchConfig,
  job: JobRecord,
  pipe: number | undefined,
  slots: readonly number[],
  states: Map<number, SlotState>,
  timing: ProbeTiming,
): Promise<void> {
  for (let attempt = 0; attempt < timing.attempts; attempt++) {
    const missing = new Set(slots.filter((slot) => !states.has(slot)));
    if (missing.size === 0) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        client.off('packetIn', receive);
        resolve();
      };
      const receive = ({ payload }: PacketInEvent): void => {
        const reply = probeReply(payload);
        if (reply === undefined) return;
        const slot = reply.state.absoluteSlot - job.slotBase;
        if (!missing.delete(slot)) return;
        states.set(slot, reply.state);
        if (missing.size === 0) finish();
        else timer.refresh();
      };
      const timer = setTimeout(finish, timing.replyTimeoutMs);
      client.on('packetIn', receive);
      for (const slot of missing)
        client.packetOut(probeFrame(config, job.number, job.slotBase + slot), probeMetadata(config, pipe));
    });
  }
  const silent = slots.filter((slot) => !states.has(slot));
  if (silent.length > 0) {
    throw new SwitchNotReadyError(
      `switch "${config.name}" did not answer probes of ${counted(silent.length, 'slot')} of job "${job.name}" (first: ${silent[0]}) in ${counted(timing.attempts, 'attempt')}`,
    );
  }
}

/**
 * A packet-out enters a Tofino by the pipe of its CPU port, and the slot is in the registers of the pipe in which the
 * job's workers are: the program sends a probe there first.
 */
function probeMetadata({ target = 'bmv2', ports }: SwitchConfig, pipe: number | undefined): Record<string, number> {
  if (target === 'bmv2') return {};
  return { egress_port: recirculationPort(target, pipe ?? pipeOf(Number(Object.keys(ports)[0] ?? 0))) };
}
