/**
 * Bytes that come in pieces, read as varints, lengths and single bytes. Where they end too early `underflow` is thrown, and
 * whoever reads begins again when there are more. Halves of 64-bit numbers stand in `high` and `low`: no BigInt is made.
 */
import { SyncError } from '../../base/errors.js';
import { readCellBytesMax } from './wire.js';

/** One record may take this much before it counts as damage: the buffer grows no further. */
const recordBytesMax = 256 * 1024 * 1024;

/** Thrown where the bytes at hand end inside a record; the record is read again when there are more. */
export const underflow = new Error('more bytes are needed');

export class ByteCursor {
  protected bytes: Buffer = Buffer.alloc(0);
  protected view: DataView = viewOf(this.bytes);
  protected at = 0;
  protected limit = 0;
  protected high = 0;
  protected low = 0;

  protected append(chunk: Uint8Array): void {
    const rest = this.limit - this.at;
    if (rest + chunk.length > recordBytesMax) throw corrupt(`a record of more than ${recordBytesMax} bytes`);
    if (rest === 0) {
      this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.view = viewOf(this.bytes);
      this.at = 0;
      this.limit = chunk.length;
      return;
    }
    const joined = Buffer.allocUnsafe(rest + chunk.length);
    this.bytes.copy(joined, 0, this.at, this.limit);
    joined.set(chunk, rest);
    this.bytes = joined;
    this.view = viewOf(joined);
    this.at = 0;
    this.limit = joined.length;
  }

  protected lengthEnd(): number {
    const to = this.length() + this.at;
    if (to > this.limit) throw underflow;
    return to;
  }

  protected length(): number {
    this.varint();
    if (this.high !== 0 || this.low < 0 || this.low > readCellBytesMax) {
      throw corrupt(`a cell of more than ${readCellBytesMax} bytes`);
    }
    return this.low;
  }

  /** PyODPS's compiled writer sign-extends a CRC to ten bytes; the low 32 bits count. */
  protected storedCrc(): number {
    this.varint();
    if (this.high !== 0 && this.high !== -1) throw corrupt('a CRC of more than 32 bits');
    return this.low >>> 0;
  }

  protected tag(): number {
    this.varint();
    if (this.high !== 0) throw corrupt('a tag of more than 32 bits');
    return this.low >>> 0;
  }

  protected zigzag(): void {
    this.varint();
    const sign = -(this.low & 1);
    this.low = ((this.low >>> 1) | (this.high << 31)) ^ sign;
    this.high = (this.high >>> 1) ^ sign;
  }

  /** Reads an unsigned varint into `high` and `low`, both as int32. */
  protected varint(): void {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.high = 0;
        this.low = low;
        return;
      }
    }
    let byte = this.byte();
    low |= byte << 28;
    let high = (byte & 0x7f) >>> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      byte = this.byte();
      if (shift === 31 && byte > 1) throw corrupt('a varint of more than 64 bits');
      high |= (byte & 0x7f) << shift;
    }
    this.high = high;
    this.low = low;
  }

  protected byte(): number {
    if (this.at >= this.limit) throw underflow;
    const byte = this.bytes[this.at] as number;
    this.at += 1;
    return byte;
  }
}

export function corrupt(seen: string): SyncError {
  return new SyncError('DOWNLOAD_CORRUPT', {
    seen,
    wanted: 'a whole record stream whose checksums hold',
    fix: 'Nothing to do: it is asked for again. If it stays, look for a proxy that changes or cuts answers.',
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
