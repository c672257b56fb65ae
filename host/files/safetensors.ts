/**
 * The safetensors format (https://github.com/huggingface/safetensors, "Format"): the length of a JSON
 * header as 8 bytes little-endian, the header, and the tensors without gaps.
 */
import { counted } from '../../net/count.js';
import type { Tensor } from '../allreduce/index.js';
import { ByteReader, writeParts } from './byte-file.js';
import { FileDtypeError, FileHeaderError, FileTruncatedError } from './errors.js';
import { ELEMENT_BYTES, elementsOf, fromLittleEndian, littleEndianBytes, type TensorFile } from './tensor-file.js';

const LENGTH_BYTES = 8;
/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';
/** The header is padded with spaces so that the data begins at a multiple of this. */
const ALIGNMENT = 8;
const SUPPORTED = ['F32', 'I32'];

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * @throws FileAccessError, FileTruncatedError, FileHeaderError; FileDtypeError if any tensor is neither
 *   F32 nor I32
 */
export async function readSafetensors(path: string): Promise<TensorFile> {
  return await ByteReader.using(path, async (reader) => {
    const length = (await reader.take(LENGTH_BYTES, 'the length of the header')).readBigUInt64LE();
    if (length > MAX_HEADER_BYTES) {
      throw new FileHeaderError(
        path,
        `the header would have ${length} bytes, more than the format's limit of ${MAX_HEADER_BYTES}; this is not a safetensors file`,
      );
    }
    const text = (await reader.take(Number(length), 'the header')).toString('utf8');
    const { entries, metadata } = parseHeader(path, text);
    checkLayout(path, entries, reader.remaining);
    checkDtypes(path, entries);
    const file: TensorFile = { tensors: new Map(), metadata };
    // The layout has no gaps, so the tensors follow in the order of their offsets.
    for (const { name, dtype, shape } of entries) {
      const data = dtype === 'I32' ? new Int32Array(elementsOf(shape)) : new Float32Array(elementsOf(shape));
      await reader.fill(new Uint8Array(data.buffer), `tensor '${name}'`);
      fromLittleEndian(data);
      file.tensors.set(name, { shape, data });
    }
    return file;
  });
}

/** @throws FileHeaderError if a name or a shape is not valid in a header, FileAccessError */
export async function writeSafetensors(path: string, file: Readonly<TensorFile>): Promise<void> {
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (Object.keys(file.metadata).length > 0) header[METADATA] = file.metadata;
  let at = 0;
  for (const [name, { shape, data }] of file.tensors) {
    if (name === METADATA) throw new FileHeaderError(path, `a tensor cannot be called '${METADATA}'`);
    if (elementsOf(shape) !== data.length) {
      throw new FileHeaderError(
        path,
        `tensor '${name}' has ${counted(data.length, 'element')}, its shape [${shape.join(', ')}] means ${elementsOf(shape)}`,
      );
    }
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const padding = -(LENGTH_BYTES + json.length) & (ALIGNMENT - 1);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(json.length + padding));
  const data = [...file.tensors.values()].map((tensor) => littleEndianBytes(tensor.data));
  await writeParts(path, [length, json, Buffer.alloc(padding, ' '), ...data]);
}

function dtypeOf(data: Tensor): string {
  return data instanceof Int32Array ? 'I32' : 'F32';
}

function parseHeader(path: string, text: string): { entries: Entry[]; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new FileHeaderError(path, `the header is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isRecord(header)) throw new FileHeaderError(path, 'the header is not a JSON object');
  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name !== METADATA) entries.push(parseEntry(path, name, value));
    else if (isRecord(value) && Object.values(value).every((one) => typeof one === 'string'))
      metadata = value as Record<string, string>;
    else throw new FileHeaderError(path, `${METADATA} is not an object of strings`);
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { entries, metadata };
}

function parseEntry(path: string, name: string, value: unknown): Entry {
  const wrong = (what: string) => new FileHeaderError(path, `tensor '${name}': ${what}`);
  if (!isRecord(value)) throw wrong('its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw wrong('dtype is not a string');
  if (!isCounts(shape)) throw wrong('shape is not a list of whole numbers');
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw wrong('data_offsets is not a pair of whole numbers in ascending order');
  }
  return { name, dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

/** Tensors follow each other without gaps from 0 to the end of the file (the format requires it). */
function checkLayout(path: string, entries: readonly Entry[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at)
      throw new FileHeaderError(path, `tensor '${name}' begins at byte ${begin} of the data, where ${at} was expected`);
    at = end;
  }
  if (at > dataBytes) {
    throw new FileTruncatedError(
      path,
      `the header announces ${counted(at, 'byte')} of data, the file has ${dataBytes} (${at - dataBytes} too few)`,
    );
  }
  if (at < dataBytes)
    throw new FileHeaderError(
      path,
      `${counted(dataBytes - at, 'byte')} after the last tensor ${dataBytes - at === 1 ? 'belongs' : 'belong'} to no tensor`,
    );
}

function checkDtypes(path: string, entries: readonly Entry[]): void {
  const others = entries.filter(({ dtype }) => !SUPPORTED.includes(dtype));
  if (others.length > 0) {
    const list = others.slice(0, 5).map(({ name, dtype }) => `'${name}' is ${dtype}`);
    if (others.length > list.length) list.push(`${others.length - list.length} more`);
    throw new FileDtypeError(
      path,
      `tensors of these dtypes cannot be used: ${list.join(', ')}; supported: ${SUPPORTED.join(', ')}`,
    );
  }
  for (const { name, shape, begin, end } of entries) {
    const bytes = elementsOf(shape) * ELEMENT_BYTES;
    if (end - begin !== bytes) {
      throw new FileHeaderError(
        path,
        `tensor '${name}' of shape [${shape.join(', ')}] needs ${counted(bytes, 'byte')}, its offsets give it ${end - begin}`,
      );
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}
