/** A job whose packets are smaller than its program takes. */
import type { JobMessage } from '../../controlplane/index.js';
import { messageBytes } from '../../protocol/message.js';
import { workers, type Finding } from './finding.js';

/** Headers of IPv4, without options, and UDP. */
const IPV4_UDP_BYTES = 28;

export function diagnosePacketSize({ name, state, packetValues, valuesPerPacket, members }: JobMessage): Finding[] {
  if (state !== 'running' || packetValues === 0 || packetValues >= valuesPerPacket) return [];
  const narrow = members.filter((member) => member.connected && member.packetValues === packetValues);
  const because =
    narrow.length === 0 ? '' : `, because the path of ${workers(narrow.map(({ rank }) => rank))} carries no more`;
  const places = [...new Set(narrow.map(({ switchName }) => `switch ${switchName}`))].join(', ');
  const links = places === '' ? 'every link' : `every link between there and ${places}, and on the switch's ports`;
  return [
    {
      level: 'note',
      subject: `job ${name}`,
      finding: `its packets hold up to ${packetValues} values instead of ${valuesPerPacket}${because}`,
      remedy: `none needed; it is faster with an MTU of at least ${messageBytes(valuesPerPacket) + IPV4_UDP_BYTES} bytes on ${links}`,
    },
  ];
}
