import { fieldBytesMax } from './target-type.js';

/** Kept from cell to cell; what needs more is rare, and would stay for the life of the table. */
const keptBytesMax = 1024 * 1024;

/** Text that grows, up to what one field of the target holds: beyond that the text is given up, its rest is not kept. */
export class JsonOutput {
  bytes = Buffer.alloc(1024);
  length = 0;
  isTooLong = false;

  reset(): void {
    this.length = 0;
    this.isTooLong = false;
    if (this.bytes.length > keptBytesMax) this.bytes = Buffer.alloc(1024);
  }

  /** A buffer with room for `count` bytes from `length` on; `end` says where they ended. */
  room(count: number): Buffer {
    if (this.length > fieldBytesMax) {
      this.isTooLong = true;
      this.length = 0;
    }
    const needed = this.length + count;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    return this.bytes;
  }

  end(length: number): void {
    this.length = length;
  }

  ascii(text: string): void {
    const target = this.room(text.length);
    this.length += target.write(text, this.length, 'latin1');
  }

  /** A JSON string of the UTF-8 in `source[from..to)` (`double_quote` in sql-common/json_dom.cc). */
  quoted(source: Buffer, from: number, to: number): void {
    if (to - from > fieldBytesMax) {
      this.isTooLong = true;
      return;
    }
    const target = this.room((to - from) * 6 + 2);
    let end = this.length;
    target[end++] = 0x22;
    for (let index = from; index < to; index += 1) {
      const byte = source[index] as number;
      if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) target[end++] = byte;
      else end = writeEscape(target, end, byte);
    }
    target[end++] = 0x22;
    this.length = end;
  }
}

const shortEscapes: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

function writeEscape(out: Buffer, at: number, byte: number): number {
  const text = shortEscapes[byte] ?? `\\u00${byte.toString(16).padStart(2, '0')}`;
  return at + out.write(text, at, 'latin1');
}
