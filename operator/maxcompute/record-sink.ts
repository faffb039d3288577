/**
 * The hot path: turns the cells of a row into wire bytes with their checksums. In: the calls of a `RowBatch`. Out: bytes in
 * segments, handed on when full. It must not allocate per row or cell, and gives the same bytes as `records/writer`.
 *
 * Room: before each row, and after each cell of variable size, at least `rowReserve` bytes are free. It is what all cells
 * of fixed size of a row can take, so these write without looking.
 */
import { type RowKind, type RowSink, rowKind } from '../model/change.js';
import { logMetadataColumnCount, type TargetType } from '../model/table-plan.js';
import { segmentBytes } from './block-compressor.js';
import { packTags } from './column-tags.js';
import { LogMetadata, tailWords } from './log-metadata.js';
import {
  crcByte,
  crcCopy,
  crcCopyBytes,
  crcField32,
  crcField64,
  crcField96,
  crcFieldSmall,
  crcInt32,
  crcStart,
  crcValue,
} from './records/crc32c.js';
import { tagOf, wireTypes } from './records/wire.js';

/** Most bytes that a cell takes beside its variable part: a tag of two, a timestamp of ten and five. */
const cellReserve = 17;
/** The five metadata cells, and the end of a record (tag and CRC). */
const recordReserve = logMetadataColumnCount * cellReserve + 9;
const firstSegmentBytes = 16 * 1024;
/** END_RECORD as the little-endian word it is in the stream. */
const endRecordWord = 0x7fff_c080;

/** Scratch and label buffers of decoders: there are many, and a view of each costs more than its few bytes. */
const smallSourceBytes = 512;

const emptyBytes = new Uint8Array(0);
const emptyView: DataView = new DataView(new ArrayBuffer(0));
const scratchBytes = new ArrayBuffer(8);
const scratchDouble = new Float64Array(scratchBytes);
const scratchFloat = new Float32Array(scratchBytes);
const scratchInts = new Int32Array(scratchBytes);

const recordIdTag = tagOf(1, wireTypes.varint);

export type SegmentHandler = (segment: Uint8Array, length: number) => Uint8Array;

export class RecordSink implements RowSink {
  rows = 0;
  /** Bytes handed on. */
  private handedBytes = 0;
  private buffer: Uint8Array = new Uint8Array(0);
  private view = emptyView;
  private at = 0;
  private source: Uint8Array = emptyBytes;
  private sourceView = emptyView;
  private otherSource: Uint8Array = emptyBytes;
  private otherView = emptyView;
  private recordCrc = crcStart;
  private totalCrc = crcStart;
  private readonly tags: Int32Array;
  private readonly firstField: number;
  private readonly rowReserve: number;
  private readonly onSegment: SegmentHandler;
  private readonly isLog: boolean;
  private recordId = 0;
  private readonly metadata = new LogMetadata();

  constructor(types: readonly TargetType[], kind: 'base' | 'log', onSegment: SegmentHandler) {
    this.isLog = kind === 'log';
    this.firstField = 1 + (this.isLog ? logMetadataColumnCount : 0);
    this.tags = packTags(types, this.firstField);
    this.rowReserve = types.length * cellReserve + recordReserve;
    this.onSegment = onSegment;
  }

  /** Wire bytes so far. */
  get wireBytes(): number {
    return this.handedBytes + this.at;
  }

  get bufferBytes(): number {
    return this.buffer.length;
  }

  get crc(): number {
    return crcValue(this.totalCrc);
  }

  /** Before the rows of a change log's batch. */
  beginBatch(recordId: number, utcSeconds: number): void {
    this.recordId = recordId;
    this.metadata.setSeconds(utcSeconds);
  }

  /** The record id that the next row change takes. */
  get nextRecordId(): number {
    return this.recordId;
  }

  beginRow(kind: RowKind): void {
    if (this.at + this.rowReserve > this.buffer.length) this.makeRoom(this.rowReserve);
    if (this.isLog) this.putMetadata(kind);
    else this.recordCrc = crcStart;
  }

  int32(column: number, value: number): void {
    this.putTag(column);
    this.putVarint((value << 1) ^ (value >> 31));
    this.recordCrc = crcFieldSmall(this.recordCrc, column + this.firstField, value);
  }

  int64(column: number, high: number, low: number): void {
    this.putTag(column);
    this.putZigzag(high, low);
    this.recordCrc = crcField64(this.recordCrc, column + this.firstField, high, low);
  }

  boolean(column: number, value: 0 | 1): void {
    this.putTag(column);
    this.buffer[this.at] = value;
    this.at += 1;
    this.recordCrc = crcByte(crcInt32(this.recordCrc, column + this.firstField), value);
  }

  float32(column: number, value: number): void {
    this.putTag(column);
    scratchFloat[0] = value;
    const bits = scratchInts[0]!;
    this.putFixed32(bits);
    this.recordCrc = crcField32(this.recordCrc, column + this.firstField, bits);
  }

  float64(column: number, value: number): void {
    this.putTag(column);
    scratchDouble[0] = value;
    const low = scratchInts[0]!;
    const high = scratchInts[1]!;
    this.putFixed32(low);
    this.putFixed32(high);
    this.recordCrc = crcField64(this.recordCrc, column + this.firstField, high, low);
  }

  bytes(column: number, source: Uint8Array, from: number, to: number): void {
    this.putTag(column);
    this.putVarint(to - from);
    const crc = crcInt32(this.recordCrc, column + this.firstField);
    if (source !== this.source) {
      if (source.length <= smallSourceBytes && this.at + (to - from) + this.rowReserve <= this.buffer.length) {
        this.recordCrc = crcCopyBytes(crc, source, from, to, this.buffer, this.at);
        this.at += to - from;
        return;
      }
      this.switchSource(source);
    }
    if (this.at + (to - from) + this.rowReserve > this.buffer.length) {
      this.recordCrc = this.copyInPieces(crc, from, to);
      return;
    }
    this.recordCrc = crcCopy(crc, this.sourceView, from, to, this.view, this.at);
    this.at += to - from;
  }

  date(column: number, days: number): void {
    this.int32(column, days);
  }

  datetime(column: number, epochMs: number): void {
    this.int64(column, Math.floor(epochMs / 0x1_0000_0000), epochMs | 0);
  }

  timestamp(column: number, seconds: number, nanos: number): void {
    this.putTag(column);
    const low = seconds | 0;
    const high = low === seconds ? low >> 31 : Math.floor(seconds / 0x1_0000_0000);
    this.putZigzag(high, low);
    this.putVarint(nanos << 1);
    this.recordCrc = crcField96(this.recordCrc, column + this.firstField, high, low, nanos);
  }

  endRow(): void {
    this.putFixed32(endRecordWord);
    const crc = ~this.recordCrc;
    this.putVarint(crc);
    this.totalCrc = crcInt32(this.totalCrc, crc);
    this.rows += 1;
  }

  /** Writes the trailer; the answer is what no segment took yet, valid until the sink is used again. */
  finish(): Uint8Array {
    if (this.at + recordReserve > this.buffer.length) this.makeRoom(recordReserve);
    this.buffer.set([0xf0, 0xff, 0xff, 0x7f], this.at);
    this.at += 4;
    this.putZigzag(Math.floor(this.rows / 0x1_0000_0000), this.rows | 0);
    this.buffer.set([0xf8, 0xff, 0xff, 0x7f], this.at);
    this.at += 4;
    this.putVarint(~this.totalCrc);
    return this.buffer.subarray(0, this.at);
  }

  private putMetadata(kind: RowKind): void {
    const id = this.recordId;
    const buffer = this.buffer;
    buffer[this.at] = recordIdTag;
    this.at += 1;
    const high = Math.floor(id / 0x1_0000_0000);
    const low = id | 0;
    this.putZigzag(high, low);
    const { metadata } = this;
    this.recordCrc = metadata.crcAfter(high, low, kind);
    const { tails } = metadata;
    // Whole words, a few bytes more than the tail has: the row's reserve is free behind it, and what comes next overwrites them.
    const first = kind * tailWords;
    for (let word = 0; word < tailWords; word += 1) this.view.setInt32(this.at + word * 4, tails[first + word]!, true);
    this.at += metadata.tailBytes;
    // The two rows of an update share an id; the next change takes the next one.
    if (kind !== rowKind.before) this.recordId = id + 1;
  }

  private putTag(column: number): void {
    const tag = this.tags[column]!;
    this.buffer[this.at] = tag;
    this.at += 1;
    if (tag > 0xff) {
      this.buffer[this.at] = tag >>> 8;
      this.at += 1;
    }
  }

  /** `value` is the bit pattern of an unsigned 32-bit number. */
  private putVarint(value: number): void {
    const buffer = this.buffer;
    let at = this.at;
    let rest = value;
    while ((rest & ~0x7f) !== 0) {
      buffer[at] = rest | 0x80;
      at += 1;
      rest >>>= 7;
    }
    buffer[at] = rest;
    this.at = at + 1;
  }

  private putZigzag(high: number, low: number): void {
    const sign = high >> 31;
    let restHigh = ((high << 1) | (low >>> 31)) ^ sign;
    let rest = (low << 1) ^ sign;
    while (restHigh !== 0) {
      this.buffer[this.at] = rest | 0x80;
      this.at += 1;
      rest = (rest >>> 7) | (restHigh << 25);
      restHigh >>>= 7;
    }
    this.putVarint(rest);
  }

  private putFixed32(value: number): void {
    this.view.setInt32(this.at, value, true);
    this.at += 4;
  }

  /** Values come from a packet, and in between from a decoder's own buffer: both views are kept. */
  private switchSource(source: Uint8Array): void {
    const { source: lastSource, sourceView: lastView } = this;
    if (source === this.otherSource) this.sourceView = this.otherView;
    else this.sourceView = new DataView(source.buffer, source.byteOffset, source.length);
    this.source = source;
    this.otherSource = lastSource;
    this.otherView = lastView;
  }

  /** For a value that does not fit what is free: it may be larger than a segment, and goes on in the next one. */
  private copyInPieces(state: number, begin: number, end: number): number {
    this.makeRoom(Math.min(end - begin + this.rowReserve, segmentBytes));
    let crc = state;
    for (let next = begin; next < end; ) {
      if (this.at === this.buffer.length) this.handOn();
      const count = Math.min(end - next, this.buffer.length - this.at);
      crc = crcCopy(crc, this.sourceView, next, next + count, this.view, this.at);
      this.at += count;
      next += count;
    }
    if (this.at + this.rowReserve > this.buffer.length) this.makeRoom(this.rowReserve);
    return crc;
  }

  /** Frees `bytes` at the end of the buffer: a small one grows, a full segment is handed on. */
  private makeRoom(bytes: number): void {
    const wanted = this.at + bytes;
    if (wanted <= segmentBytes) {
      const grown = new Uint8Array(Math.min(Math.max(this.buffer.length * 2, firstSegmentBytes, wanted), segmentBytes));
      grown.set(this.buffer.subarray(0, this.at));
      this.use(grown);
      return;
    }
    this.handOn();
  }

  private handOn(): void {
    this.handedBytes += this.at;
    this.use(this.onSegment(this.buffer, this.at));
    this.at = 0;
  }

  private use(buffer: Uint8Array): void {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
}
