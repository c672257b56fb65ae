/** Keys as values, one by one: what the master's chunks (query/session/group-chunk.ts) are compared with. */
import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { TupleKeyLayout } from '../../../query/plan/keys.js';
import type { KeyColumn } from '../../../query/plan/plan.js';
import { decimalOf } from '../../../query/plan/types.js';
import { KEY_BYTES } from '../../../query/tuples.js';

/** Keys back into the values of their columns, as DuckDB's appender takes them. */
export class KeyDecoder {
  private readonly layout: TupleKeyLayout;
  private readonly readers: readonly ((view: DataView, at: number) => DuckDBValue)[];
  private readonly decoder = new TextDecoder();

  constructor(private readonly columns: readonly KeyColumn[]) {
    this.layout = new TupleKeyLayout(columns);
    this.readers = this.layout.fixed.map(({ column, width }) => readerOf(column.sqlType, width));
  }

  /** @param offset of the key's first byte. @param into gets a value for each column, in their order */
  decode(keys: Uint8Array, offset: number, into: DuckDBValue[]): DuckDBValue[] {
    const view = new DataView(keys.buffer, keys.byteOffset + offset, KEY_BYTES);
    const isNull = (index: number): boolean => ((view.getUint8(index >> 3) >> (index & 7)) & 1) === 1;
    into.length = this.columns.length;
    this.layout.fixed.forEach(({ index, offset: at }, i) => {
      into[index] = isNull(index) ? null : this.readers[i]!(view, at);
    });
    let at = this.layout.end;
    for (const { index } of this.layout.texts) {
      const length = view.getUint8(at);
      into[index] = isNull(index)
        ? null
        : this.decoder.decode(keys.subarray(offset + at + 1, offset + at + 1 + length));
      at += 1 + length;
    }
    return into;
  }
}

function integerReader(isSigned: boolean, width: number): (view: DataView, at: number) => number {
  if (width === 1) return isSigned ? (view, at) => view.getInt8(at) : (view, at) => view.getUint8(at);
  if (width === 2) return isSigned ? (view, at) => view.getInt16(at, true) : (view, at) => view.getUint16(at, true);
  return isSigned ? (view, at) => view.getInt32(at, true) : (view, at) => view.getUint32(at, true);
}

function readerOf(sqlType: string, width: number): (view: DataView, at: number) => DuckDBValue {
  const i64 = (view: DataView, at: number): bigint => view.getBigInt64(at, true);
  const decimal = decimalOf(sqlType);
  if (decimal !== undefined) {
    const read = width === 8 ? i64 : integerReader(true, width);
    return (view, at) => new DuckDBDecimalValue(BigInt(read(view, at)), decimal.width, decimal.scale);
  }
  switch (sqlType) {
    case 'BOOLEAN':
      return (view, at) => view.getUint8(at) !== 0;
    case 'FLOAT':
      return (view, at) => view.getFloat32(at, true);
    case 'DOUBLE':
      return (view, at) => view.getFloat64(at, true);
    case 'BIGINT':
      return i64;
    case 'UBIGINT':
      return (view, at) => view.getBigUint64(at, true);
    case 'DATE':
      return (view, at) => new DuckDBDateValue(view.getInt32(at, true));
    case 'TIME':
      return (view, at) => new DuckDBTimeValue(i64(view, at));
    case 'TIMESTAMP':
      return (view, at) => new DuckDBTimestampValue(i64(view, at));
    case 'TIMESTAMP WITH TIME ZONE':
      return (view, at) => new DuckDBTimestampTZValue(i64(view, at));
    case 'TIMESTAMP_S':
      return (view, at) => new DuckDBTimestampSecondsValue(i64(view, at));
    case 'TIMESTAMP_MS':
      return (view, at) => new DuckDBTimestampMillisecondsValue(i64(view, at));
    case 'TIMESTAMP_NS':
      return (view, at) => new DuckDBTimestampNanosecondsValue(i64(view, at));
    default:
      return integerReader(!sqlType.startsWith('U'), width);
  }
}
