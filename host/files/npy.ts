/** NumPy's .npy format, versions 1 to 3 (NEP 1; numpy.lib.format): one array of '<f4' or '<i4' in C order. */
import { counted } from '../../net/count.js';
import { ByteReader, writeParts } from './byte-file.js';
import { FileDtypeError, FileHeaderError } from './errors.js';
import { parseLiteral, type Literal } from './python-literal.js';
import {
  ELEMENT_BYTES,
  elementsOf,
  fromLittleEndian,
  littleEndianBytes,
  SINGLE_TENSOR,
  type TensorFile,
} from './tensor-file.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** Magic and version. */
const PREFIX_BYTES = MAGIC.length + 2;
/** Data begins at a multiple of this. */
const ALIGNMENT = 64;
/** numpy itself rejects headers over 10 000 characters in untrusted files; shapes need about a hundred. */
const MAX_HEADER_BYTES = 1 << 20;
const SUPPORTED = ['<f4', '<i4'];

/**
 * @returns a file with one tensor, called {@link SINGLE_TENSOR}
 * @throws FileAccessError, FileTruncatedError, FileHeaderError; FileDtypeError for another element type
 *   or Fortran order
 */
export async function readNpy(path: string): Promise<TensorFile> {
  return await ByteReader.using(path, async (reader) => {
    const prefix = await reader.take(PREFIX_BYTES, 'the magic');
    if (!prefix.subarray(0, MAGIC.length).equals(MAGIC))
      throw new FileHeaderError(path, 'this is not a .npy file, its first bytes are not \\x93NUMPY');
    const major = prefix[MAGIC.length]!;
    if (major < 1 || major > 3) throw new FileHeaderError(path, `.npy version ${major} is unknown; supported: 1, 2, 3`);
    const length =
      major === 1
        ? (await reader.take(2, 'the header')).readUInt16LE()
        : (await reader.take(4, 'the header')).readUInt32LE();
    if (length > MAX_HEADER_BYTES) throw new FileHeaderError(path, `the header would have ${length} bytes`);
    const text = (await reader.take(length, 'the header')).toString(major === 3 ? 'utf8' : 'latin1');
    const { descr, shape } = parseHeader(path, text);
    const elements = elementsOf(shape);
    const surplus = reader.remaining - elements * ELEMENT_BYTES;
    if (surplus > 0)
      throw new FileHeaderError(
        path,
        `${counted(surplus, 'byte')} ${surplus === 1 ? 'follows' : 'follow'} the array of shape (${shape.join(', ')})`,
      );
    // Before memory is allocated for a length that the file cannot have.
    if (surplus < 0) await reader.take(elements * ELEMENT_BYTES, 'the array');
    const data = descr === '<i4' ? new Int32Array(elements) : new Float32Array(elements);
    await reader.fill(new Uint8Array(data.buffer), 'the array');
    fromLittleEndian(data);
    return { tensors: new Map([[SINGLE_TENSOR, { shape, data }]]), metadata: {} };
  });
}

/** Writes version 1. @throws FileHeaderError unless `file` has exactly one tensor, FileAccessError */
export async function writeNpy(path: string, file: Readonly<TensorFile>): Promise<void> {
  const [tensor] = file.tensors.values();
  if (tensor === undefined || file.tensors.size > 1) {
    throw new FileHeaderError(
      path,
      `a .npy file holds one tensor, not ${file.tensors.size}; .safetensors holds any number`,
    );
  }
  const { shape, data } = tensor;
  if (elementsOf(shape) !== data.length) {
    throw new FileHeaderError(
      path,
      `the tensor has ${counted(data.length, 'element')}, its shape [${shape.join(', ')}] means ${elementsOf(shape)}`,
    );
  }
  const descr = data instanceof Int32Array ? '<i4' : '<f4';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const unpadded = PREFIX_BYTES + 2 + dictionary.length + 1;
  const padding = -unpadded & (ALIGNMENT - 1);
  const header = Buffer.from(`${dictionary}${' '.repeat(padding)}\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  await writeParts(path, [MAGIC, Buffer.from([1, 0]), length, header, littleEndianBytes(data)]);
}

function parseHeader(path: string, text: string): { descr: string; shape: number[] } {
  let header: Literal;
  try {
    header = parseLiteral(text);
  } catch (error) {
    throw new FileHeaderError(path, `the header is not a Python dictionary: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!(header instanceof Map)) throw new FileHeaderError(path, 'the header is not a Python dictionary');
  const descr = header.get('descr');
  const fortran = header.get('fortran_order');
  const shape = header.get('shape');
  if (!Array.isArray(shape) || !shape.every((one) => Number.isSafeInteger(one) && (one as number) >= 0)) {
    throw new FileHeaderError(path, "the header's 'shape' is not a tuple of whole numbers");
  }
  if (typeof fortran !== 'boolean')
    throw new FileHeaderError(path, "the header's 'fortran_order' is not True or False");
  if (descr === undefined) throw new FileHeaderError(path, "the header has no 'descr'");
  if (typeof descr !== 'string' || !SUPPORTED.includes(descr)) {
    const found = typeof descr === 'string' ? `'${descr}'` : 'a structured type';
    throw new FileDtypeError(
      path,
      `the array's dtype is ${found}; supported: ${SUPPORTED.join(', ')} (array.astype('<f4') converts it)`,
    );
  }
  // With one dimension, both orders are the same.
  if (fortran && shape.filter((length) => length !== 1).length > 1) {
    throw new FileDtypeError(
      path,
      'the array is in Fortran order; only C order is supported (numpy.ascontiguousarray converts it)',
    );
  }
  return { descr, shape: shape as number[] };
}
