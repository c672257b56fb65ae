/**
 * How many messages a socket's buffers hold. The kernel charges a buffer with the memory of a packet, not with its
 * bytes: Linux rounds the packet, its headers and 320 bytes of bookkeeping up to a power of two and adds 256 (its
 * "truesize"; datagrams that it cuts or joins take less). And what was read is given back late: up to a quarter of the
 * buffer is still charged.
 *
 * Results arrive only for what is in flight. So a worker with no more in flight than fits loses none of them, however
 * long it does not read.
 */

/** Headers, space before them, and what every packet has behind its data. */
const BOOKKEEPING_BYTES = 44 + 320;
const DESCRIPTOR_BYTES = 256;
const USABLE = 3 / 4;

/** @param bufferBytes as the kernel says that it granted them; Linux says twice what was requested, because of the bookkeeping */
export function messagesThatFit(bufferBytes: number, messageBytes: number): number {
  return Math.max(1, Math.floor((bufferBytes * USABLE) / chargedBytes(messageBytes)));
}

function chargedBytes(messageBytes: number): number {
  return DESCRIPTOR_BYTES + 2 ** Math.ceil(Math.log2(messageBytes + BOOKKEEPING_BYTES));
}
