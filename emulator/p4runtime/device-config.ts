/**
 * The program within `p4_device_config`: the BMv2 JSON as it is, or in a `p4.tmp.P4DeviceConfig`, the message of before
 * P4Runtime 1.0 that clients of the p4lang tutorials still send and PI unwraps.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { invalid } from './rpc-error.js';

/** `bytes device_data`; fields 1 (`bool reassign`) and 2 (`Extras extras`) mean nothing to this switch. */
const DEVICE_DATA = 3;

/**
 * No wrapper looks like JSON: its first byte is the tag of a field, and `{` or white space would be fields that the
 * message has not.
 * @throws RpcError INVALID_ARGUMENT if the bytes are neither form
 */
export function programOf(deviceConfig: Uint8Array): Uint8Array {
  if (isObject(deviceConfig)) return deviceConfig;
  const program = deviceData(deviceConfig);
  if (program !== undefined && isObject(program)) return program;
  throw invalid(
    'The program cannot be loaded: p4_device_config is neither the BMv2 JSON nor a p4.tmp.P4DeviceConfig that holds it.',
  );
}

/** Whether the first character, after a byte order mark and white space, opens a JSON object. */
function isObject(text: Uint8Array): boolean {
  let at = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
  while (text[at] === 0x20 || text[at] === 0x09 || text[at] === 0x0a || text[at] === 0x0d) at++;
  return text[at] === 0x7b;
}

/** Undefined if the bytes are not this message, or it has no device_data. */
function deviceData(message: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  let data: Uint8Array | undefined;
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === DEVICE_DATA && type === WireType.LengthDelimited) data = reader.bytes();
      else reader.skip(type, field);
    }
  } catch {
    return undefined;
  }
  return data;
}
