import { PacketAbortError } from '../errors.js';
import { compileCalculation, deparseHeader } from './calculations.js';
import type { Context } from './context.js';
import { compileBool } from './expressions.js';
import { headerBytes, type Packet } from './packet.js';
import { compilePrimitive, type Run } from './primitives.js';
import { storeTo } from './stores.js';
import { HEADROOM_BYTES } from '../limits.js';

/** Updates checksums and puts the valid headers in front of the payload. */
export function compileDeparser(context: Context): Run {
  const { deparser, checksums } = context.program;
  const updates = checksums
    .filter((c) => c.update)
    .map((def) => ({
      def,
      condition: def.condition === undefined ? undefined : compileBool(def.condition, context),
      calculate: compileCalculation(def.calculation, context),
      store: storeTo(def.target),
    }));
  const primitives = deparser.primitives.map((primitive) => compilePrimitive(primitive, context));

  return (p) => {
    for (const { def, condition, calculate, store } of updates) {
      if (condition !== undefined && !condition(p)) continue;
      const value = calculate(p);
      store(p, value);
      if (context.traced) p.trace!.add({ kind: 'checksum', name: def.name, action: 'updated', value });
    }
    for (const run of primitives) run(p);
    emit(p, context);
  };
}

function emit(p: Packet, { program, traced }: Context): void {
  const headers = program.deparser.order.filter((header) => p.valid[header.index] !== 0);
  let size = 0;
  for (const header of headers) size += headerBytes(p, header);
  const payload = p.end - p.start;
  if (traced) p.trace!.add({ kind: 'emit', headers: headers.map((h) => h.name), payload });
  if (size + payload > p.capacity) {
    throw new PacketAbortError(
      `a packet may grow by at most ${HEADROOM_BYTES} bytes, but this one would have ${size + payload} (limit ${p.capacity})`,
    );
  }
  const bytes = new Uint8Array(size + payload);
  let bit = 0;
  for (const header of headers) bit += deparseHeader(p, header, bytes, bit);
  bytes.set(p.buffer.subarray(p.start, p.end), size);
  p.buffer = bytes;
  p.start = 0;
  p.end = bytes.length;
}
