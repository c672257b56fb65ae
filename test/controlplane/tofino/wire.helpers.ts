/** Protobuf's wire format, read by hand: the contents of a message without its definition. */

type Field = { readonly number: number } & ({ readonly value: number } | { readonly bytes: Uint8Array });

/** Varints and length-delimited fields (https://protobuf.dev/programming-guides/encoding). */
function readFields(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length;) {
    const [tag, afterTag] = varint(message, at);
    const [value, next] = varint(message, afterTag);
    const number = tag >>> 3;
    if ((tag & 7) === 0) {
      fields.push({ number, value });
      at = next;
    } else if ((tag & 7) === 2) {
      if (next + value > message.length) throw new Error('the message ends within a field');
      fields.push({ number, bytes: message.subarray(next, next + value) });
      at = next + value;
    } else throw new Error(`field ${number} has wire type ${tag & 7}`);
  }
  return fields;
}

function varint(message: Uint8Array, at: number): [value: number, next: number] {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = message[at++];
    if (byte === undefined) throw new Error('the message ends within a number');
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

/** The numbers of a repeated field that is packed, as proto3 has them. */
function packed(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const [value, next] = varint(bytes, at);
    numbers.push(value);
    at = next;
  }
  return numbers;
}

export interface Unpacked {
  readonly p4Name: string;
  readonly bfruntimeInfo: string;
  readonly profiles: readonly {
    readonly name: string;
    readonly context: string;
    readonly binary: number[];
    readonly scope: number[];
  }[];
}

/** A BfPipelineConfig by the numbers of bf.proto. @throws Error for anything else */
export function unpackBfPipelineConfig(message: Uint8Array): Unpacked {
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
  const bytesOf = (fields: readonly Field[], number: number): Uint8Array[] =>
    fields.flatMap((field) => (field.number === number && 'bytes' in field ? [field.bytes] : []));
  const top = readFields(message);
  if (top.some(({ number }) => number < 1 || number > 3)) throw new Error('not a BfPipelineConfig');
  return {
    p4Name: text(bytesOf(top, 1)[0]),
    bfruntimeInfo: text(bytesOf(top, 2)[0]),
    profiles: bytesOf(top, 3).map((profile) => {
      const fields = readFields(profile);
      if (fields.some(({ number }) => number < 1 || number > 4)) throw new Error('not a Profile');
      return {
        name: text(bytesOf(fields, 1)[0]),
        context: text(bytesOf(fields, 2)[0]),
        binary: [...(bytesOf(fields, 3)[0] ?? [])],
        scope: bytesOf(fields, 4).flatMap(packed),
      };
    }),
  };
}
