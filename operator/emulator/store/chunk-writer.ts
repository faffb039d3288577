/**
 * Gives the rows of blocks to DuckDB by column, straight from the wire bytes: numbers go through typed arrays, texts from the
 * block's own buffer. The bindings are used directly, since the wrapper's vectors make an object of every cell.
 */
import { Buffer } from 'node:buffer';
import type { DuckDBAppender, DuckDBType } from '@duckdb/node-api';
import { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { BlockSink } from './block-reader.js';
import type { Column } from './catalog.js';
import { type Cell, cellOf, unscaled } from './cells.js';

/** DuckDB's own vector size: a chunk holds no more. */
const chunkRows = 2048;

interface ColumnBuffer {
  readonly cell: Cell;
  /** Bytes of one value; 0 for texts, which go to the vector one by one. */
  readonly width: number;
  readonly values: DataView;
  readonly validity: Uint8Array;
  hasNulls: boolean;
}

export class ChunkWriter implements BlockSink {
  private readonly appender: DuckDBAppender;
  private readonly chunk: DuckDBDataChunk;
  private readonly columns: readonly ColumnBuffer[];
  /** What every row has in the first columns: the partition's values, as bytes. */
  private fixed: readonly Uint8Array[] = [];
  private readonly firstData: number;
  private vectors: ReturnType<typeof bindings.data_chunk_get_vector>[] = [];
  /** Columns given in the current row; others are NULL. */
  private readonly given: Uint8Array;
  private row = 0;

  constructor(appender: DuckDBAppender, partitionColumns: readonly Column[], columns: readonly Column[]) {
    this.appender = appender;
    this.firstData = partitionColumns.length;
    const cells = [...partitionColumns, ...columns].map((column) => cellOf(column.type));
    this.columns = cells.map((cell) => {
      const width = widthOf(cell);
      return {
        cell,
        width,
        values: new DataView(new ArrayBuffer(Math.max(1, width * chunkRows))),
        validity: new Uint8Array(chunkRows / 8).fill(0xff),
        hasNulls: false,
      };
    });
    this.given = new Uint8Array(cells.length);
    this.chunk = DuckDBDataChunk.create(cells.map((cell): DuckDBType => cell.duck));
    this.takeVectors();
  }

  /** The rows that follow belong to this partition. */
  beginPartition(texts: readonly string[]): void {
    this.flush();
    this.fixed = texts.map((text) => Buffer.from(text, 'utf8'));
    texts.forEach((text, index) => {
      const { width, values } = this.columns[index] as ColumnBuffer;
      for (let row = 0; width > 0 && row < chunkRows; row += 1) putInteger(values, row * width, width, BigInt(text));
    });
  }

  rowBegin(): void {
    this.given.fill(0);
    for (let index = 0; index < this.fixed.length; index += 1) {
      this.given[index] = 1;
      if ((this.columns[index] as ColumnBuffer).width === 0) this.assign(index, this.fixed[index] as Uint8Array);
    }
  }

  integer(column: number, high: number, low: number): void {
    const index = this.firstData + column;
    const { width, values } = this.columns[index] as ColumnBuffer;
    this.given[index] = 1;
    const at = this.row * width;
    if (width === 8) {
      values.setInt32(at, low, true);
      values.setInt32(at + 4, high, true);
    } else if (width === 4) values.setInt32(at, low, true);
    else if (width === 2) values.setInt16(at, low, true);
    else values.setInt8(at, low);
  }

  bytes(column: number, bytes: Uint8Array, from: number, to: number): void {
    const index = this.firstData + column;
    const { cell, width, values } = this.columns[index] as ColumnBuffer;
    this.given[index] = 1;
    const at = this.row * width;
    if (width === 0) this.assign(index, bytes.subarray(from, to));
    else if (cell.type.kind === 'decimal') {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
      putInteger(values, at, width, unscaled(text, cell.type.parameters[1] as number) as bigint);
    } else
      for (let offset = 0; offset < width; offset += 1) values.setUint8(at + offset, bytes[from + offset] as number);
  }

  timestamp(column: number, seconds: number, nanos: number): void {
    const index = this.firstData + column;
    this.given[index] = 1;
    const micros = BigInt(seconds) * 1_000_000n + BigInt(nanos / 1000);
    (this.columns[index] as ColumnBuffer).values.setBigInt64(this.row * 8, micros, true);
  }

  rowEnd(): void {
    for (let index = 0; index < this.columns.length; index += 1) {
      if (this.given[index] === 1) continue;
      const column = this.columns[index] as ColumnBuffer;
      column.hasNulls = true;
      column.validity[this.row >>> 3]! &= ~(1 << (this.row & 7));
    }
    this.row += 1;
    if (this.row === chunkRows) this.flush();
  }

  flush(): void {
    if (this.row === 0) return;
    this.columns.forEach((column, index) => {
      const vector = this.vectors[index] as (typeof this.vectors)[number];
      if (column.width > 0)
        bindings.copy_data_to_vector(vector, 0, column.values.buffer as ArrayBuffer, 0, column.width * this.row);
      if (!column.hasNulls) return;
      bindings.vector_ensure_validity_writable(vector);
      bindings.copy_data_to_vector_validity(
        vector,
        0,
        column.validity.buffer as ArrayBuffer,
        0,
        Math.ceil(this.row / 64) * 8,
      );
      column.validity.fill(0xff);
      column.hasNulls = false;
    });
    bindings.data_chunk_set_size(this.chunk.chunk, this.row);
    this.appender.appendDataChunk(this.chunk);
    this.chunk.reset();
    this.takeVectors();
    this.row = 0;
  }

  private assign(index: number, bytes: Uint8Array): void {
    bindings.vector_assign_string_element_len(this.vectors[index] as (typeof this.vectors)[number], this.row, bytes);
  }

  private takeVectors(): void {
    this.vectors = this.columns.map((_, index) => bindings.data_chunk_get_vector(this.chunk.chunk, index));
  }
}

function widthOf(cell: Cell): number {
  const { type } = cell;
  switch (type.kind) {
    case 'tinyint':
    case 'boolean':
      return 1;
    case 'smallint':
      return 2;
    case 'int':
    case 'float':
    case 'date':
      return 4;
    case 'bigint':
    case 'double':
    case 'datetime':
    case 'timestamp':
    case 'timestamp_ntz':
      return 8;
    case 'decimal': {
      // DuckDB keeps a DECIMAL in the smallest integer that holds its digits.
      const precision = type.parameters[0] as number;
      return precision <= 4 ? 2 : precision <= 9 ? 4 : precision <= 18 ? 8 : 16;
    }
    default:
      return 0;
  }
}

function putInteger(values: DataView, at: number, width: number, value: bigint): void {
  if (width === 16) {
    values.setBigUint64(at, BigInt.asUintN(64, value), true);
    values.setBigInt64(at + 8, value >> 64n, true);
  } else if (width === 8) values.setBigInt64(at, value, true);
  else if (width === 4) values.setInt32(at, Number(value), true);
  else if (width === 2) values.setInt16(at, Number(value), true);
  else values.setInt8(at, Number(value));
}
