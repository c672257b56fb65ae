/** NumPy's .npy format, versions 1 to 3 (NEP 1; numpy.lib.format): one array. */
import { counted } from '../../net/count.js';
import { ByteReader, writeParts } from './byte-file.js';
import { FileDtypeError, FileHeaderError } from './errors.js';
import {
  CAST_REMEDY,
  ELEMENT_TYPE_BYTES,
  elementsOfType,
  inCOrder,
  isReducible,
  type ByteOrder,
  type ElementType,
  type ReadOptions,
} from './element-types.js';
import { parseLiteral, type Literal } from './python-literal.js';
import { elementsOf, littleEndianBytes, SINGLE_TENSOR, type TensorFile } from './tensor-file.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** Magic and version. */
const PREFIX_BYTES = MAGIC.length + 2;
/** Data begins at a multiple of this. */
const ALIGNMENT = 64;
/** numpy itself rejects headers over 10 000 characters in untrusted files; shapes need about a hundred. */
const MAX_HEADER_BYTES = 1 << 20;
/** By numpy's letter and size. */
const TYPES: Readonly<Record<string, ElementType>> = { f2: 'fp16', f4: 'fp32', f8: 'fp64', i4: 'int32' };
/** numpy never writes `=`, the order of the machine, and what is told by `|` has only one byte. */
const ORDERS: Readonly<Record<string, ByteOrder>> = { '<': 'little', '>': 'big' };

interface Header {
  readonly type: ElementType;
  readonly order: ByteOrder;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/**
 * @returns a file with one tensor, called {@link SINGLE_TENSOR}, in C order
 * @throws FileAccessError, FileTruncatedError, FileHeaderError; FileDtypeError for another element type
 */
export async function readNpy(path: string, options: ReadOptions = {}): Promise<TensorFile> {
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
    const { type, order, fortran, shape } = parseHeader(path, text, options);
    const bytes = elementsOf(shape) * ELEMENT_TYPE_BYTES[type];
    const surplus = reader.remaining - bytes;
    if (surplus > 0)
      throw new FileHeaderError(
        path,
        `${counted(surplus, 'byte')} ${surplus === 1 ? 'follows' : 'follow'} the array of shape (${shape.join(', ')})`,
      );
    // Before memory is allocated for a length that the file cannot have.
    if (surplus < 0) await reader.take(bytes, 'the array');
    const raw = new Uint8Array(bytes);
    await reader.fill(raw, 'the array');
    const stored = elementsOfType(raw, type, order, { path, tensor: SINGLE_TENSOR }, options);
    const data = fortran ? inCOrder(stored, shape) : stored;
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

function parseHeader(path: string, text: string, options: ReadOptions): Header {
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
  return { ...parseDescr(path, descr, options), fortran, shape: shape as number[] };
}

function parseDescr(path: string, descr: Literal, { cast }: ReadOptions): Pick<Header, 'type' | 'order'> {
  const [, mark = '', kind = ''] = (typeof descr === 'string' && /^([<>])(\w+)$/.exec(descr)) || [];
  const type = TYPES[kind];
  const found = typeof descr === 'string' ? `'${descr}'` : 'a structured type';
  if (type === undefined) {
    const hint = /^[<>|]V2$/.test(String(descr))
      ? "; numpy writes so what it does not know, bfloat16 for example: save array.astype('<f4'), or a .safetensors file"
      : '';
    throw new FileDtypeError(
      path,
      `tensor '${SINGLE_TENSOR}' has dtype ${found}; supported: f4, i4, and with ${CAST_REMEDY} f2, f8${hint}`,
    );
  }
  if (!isReducible(type) && cast === undefined)
    throw new FileDtypeError(
      path,
      `tensor '${SINGLE_TENSOR}' is ${type} (dtype ${found}), and workers reduce fp32 and int32; ${CAST_REMEDY} converts it`,
    );
  return { type, order: ORDERS[mark]! };
}
