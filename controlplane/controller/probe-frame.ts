/** Probe messages as frames, for packet-out, and the replies that come back as packet-in. */
import { Opcode } from '../../protocol/constants.js';
import { PROBE_BYTES, readHeader, writeHeader, type Header } from '../../protocol/message.js';
import { readProbeReply, type SlotState } from '../../protocol/probe.js';
import { MessageFormatError } from '../../protocol/errors.js';
import { ipv4ToNumber, macToBigint } from '../address.js';

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const MESSAGE_OFFSET = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;

/** Source of probe frames: an address that no worker has, since replies go to the CPU port whatever it is. */
const SOURCE_MAC = 0x02_00_00_00_00_fen;
const SOURCE_IP = ipv4ToNumber('192.0.2.254')!;

export interface ProbeTarget {
  readonly serviceIp: string;
  readonly serviceMac: string;
  readonly serviceUdpPort: number;
}

/** @param slot absolute in the pool, because the frame enters by the CPU port */
export function probeFrame(target: ProbeTarget, job: number, slot: number): Uint8Array {
  const frame = new Uint8Array(MESSAGE_OFFSET + PROBE_BYTES);
  const view = new DataView(frame.buffer);
  setMac(view, 0, macToBigint(target.serviceMac) ?? 0n);
  setMac(view, 6, SOURCE_MAC);
  view.setUint16(12, ETHERTYPE_IPV4);
  writeIpv4(view, ETHERNET_BYTES, frame.length - ETHERNET_BYTES, ipv4ToNumber(target.serviceIp) ?? 0);
  const udp = ETHERNET_BYTES + IPV4_BYTES;
  view.setUint16(udp, target.serviceUdpPort);
  view.setUint16(udp + 2, target.serviceUdpPort);
  view.setUint16(udp + 4, frame.length - udp);
  // Checksum 0: none (RFC 768).
  writeHeader(new DataView(frame.buffer, MESSAGE_OFFSET), {
    opcode: Opcode.PROBE,
    flags: 0,
    job,
    worker: 0,
    slot,
    epoch: 0,
    operation: 0,
    chunk: 0,
    signature: 0,
    count: 0,
    set: 0,
  });
  return frame;
}

/** The state of a slot out of a packet-in, or undefined when it is something else. */
export function probeReply(frame: Uint8Array): { header: Header; state: SlotState } | undefined {
  if (frame.length < MESSAGE_OFFSET + PROBE_BYTES) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset + MESSAGE_OFFSET, frame.length - MESSAGE_OFFSET);
  try {
    const header = readHeader(view);
    return header.opcode === Opcode.PROBE_REPLY ? { header, state: readProbeReply(view) } : undefined;
  } catch (error) {
    if (error instanceof MessageFormatError) return undefined;
    throw error;
  }
}

function setMac(view: DataView, at: number, mac: bigint): void {
  view.setUint16(at, Number(mac >> 32n));
  view.setUint32(at + 2, Number(mac & 0xffff_ffffn));
}

function writeIpv4(view: DataView, at: number, totalLength: number, destination: number): void {
  view.setUint8(at, 0x45);
  view.setUint16(at + 2, totalLength);
  view.setUint8(at + 8, 64);
  view.setUint8(at + 9, PROTOCOL_UDP);
  view.setUint32(at + 12, SOURCE_IP);
  view.setUint32(at + 16, destination);
  let sum = 0;
  for (let i = 0; i < IPV4_BYTES; i += 2) sum += view.getUint16(at + i);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at + 10, ~(sum + (sum >>> 16)) & 0xffff);
}
