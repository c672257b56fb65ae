/** Probe messages as frames, for packet-out, and the replies that arrive as packet-in. */
import { decapsulate, encapsulate } from '../../net/frames.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import { Opcode } from '../../protocol/constants.js';
import { emptyHeader, PROBE_BYTES, readHeader, writeHeader, type Header } from '../../protocol/message.js';
import { readProbeReply, type SlotState } from '../../protocol/probe.js';
import { MessageFormatError } from '../../protocol/errors.js';

/** Source of probe frames: an address that no worker has, since replies always go to the CPU port. */
const SOURCE = { mac: macToBytes('02:00:00:00:00:fe')!, ip: ipv4ToBytes('192.0.2.254')! };

export interface ProbeTarget {
  readonly serviceIp: string;
  readonly serviceMac: string;
  readonly serviceUdpPort: number;
}

/** @param slot absolute in the pool, because the frame enters by the CPU port */
export function probeFrame(target: ProbeTarget, job: number, slot: number): Uint8Array {
  const { serviceIp, serviceMac, serviceUdpPort: udpPort } = target;
  const message = new Uint8Array(PROBE_BYTES);
  writeHeader(new DataView(message.buffer), { ...emptyHeader(Opcode.PROBE), job, slot });
  return encapsulate(
    { ...SOURCE, udpPort },
    { mac: macToBytes(serviceMac)!, ip: ipv4ToBytes(serviceIp)!, udpPort },
    message,
  );
}

/** The state of a slot from a packet-in, or undefined when the packet is not a probe reply. */
export function probeReply(frame: Uint8Array): { header: Header; state: SlotState } | undefined {
  const message = decapsulate(frame)?.payload;
  if (message === undefined || message.length < PROBE_BYTES) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  try {
    const header = readHeader(view);
    return header.opcode === Opcode.PROBE_REPLY ? { header, state: readProbeReply(view) } : undefined;
  } catch (error) {
    if (error instanceof MessageFormatError) return undefined;
    throw error;
  }
}
