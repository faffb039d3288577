/**
 * CRC-32C (Castagnoli) as the tunnel's record checksums use it: fed number by number, since most cells are a few bytes.
 * A running state is an int32; begin with `crcStart`, feed, and `crcValue` gives the checksum.
 * Tables are "slicing by 8": eight lookups take in eight bytes without a loop.
 */
const polynomial = 0x82f63b78;
const tables = makeTables();
const t0 = tables[0] as Int32Array;
const t1 = tables[1] as Int32Array;
const t2 = tables[2] as Int32Array;
const t3 = tables[3] as Int32Array;
const t4 = tables[4] as Int32Array;
const t5 = tables[5] as Int32Array;
const t6 = tables[6] as Int32Array;
const t7 = tables[7] as Int32Array;

export const crcStart = -1;

/** The checksum, unsigned. */
export function crcValue(state: number): number {
  return ~state >>> 0;
}

export function crcByte(state: number, byte: number): number {
  return t0[(state ^ byte) & 0xff]! ^ (state >>> 8);
}

/** Four bytes, little endian. */
export function crcInt32(state: number, value: number): number {
  const x = state ^ value;
  return t3[x & 0xff]! ^ t2[(x >>> 8) & 0xff]! ^ t1[(x >>> 16) & 0xff]! ^ t0[x >>> 24]!;
}

/** Eight bytes, little endian: the low half comes first. */
export function crcInt64(state: number, high: number, low: number): number {
  const x = state ^ low;
  return (
    t7[x & 0xff]! ^
    t6[(x >>> 8) & 0xff]! ^
    t5[(x >>> 16) & 0xff]! ^
    t4[x >>> 24]! ^
    t3[high & 0xff]! ^
    t2[(high >>> 8) & 0xff]! ^
    t1[(high >>> 16) & 0xff]! ^
    t0[high >>> 24]!
  );
}

const minusOneHigh = t3[0xff]! ^ t2[0xff]! ^ t1[0xff]! ^ t0[0xff]!;

/** The eight bytes of a 64-bit integer that fits 32 bits: the upper half costs no look-ups. */
export function crcSignExtended(state: number, value: number): number {
  const x = state ^ value;
  const low = t7[x & 0xff]! ^ t6[(x >>> 8) & 0xff]! ^ t5[(x >>> 16) & 0xff]! ^ t4[x >>> 24]!;
  return value < 0 ? low ^ minusOneHigh : low;
}

/**
 * A CRC is linear: the state after known bytes is the state after as many zeros, xor that of the bytes from state 0.
 * These tables take any state over `count` zeros in four look-ups.
 */
export function makeZerosTable(count: number): Int32Array {
  const table = new Int32Array(1024);
  for (let index = 0; index < 1024; index += 1) {
    let state = (index & 0xff) << ((index >>> 8) * 8);
    for (let byte = 0; byte < count; byte += 1) state = crcByte(state, 0);
    table[index] = state;
  }
  return table;
}

export function crcZeros(table: Int32Array, state: number): number {
  return (
    table[state & 0xff]! ^
    table[256 + ((state >>> 8) & 0xff)]! ^
    table[512 + ((state >>> 16) & 0xff)]! ^
    table[768 + (state >>> 24)]!
  );
}

export function crcRange(state: number, bytes: Uint8Array, from: number, to: number): number {
  let crc = state;
  let at = from;
  for (const last = to - 8; at <= last; at += 8) {
    crc =
      t7[(crc ^ bytes[at]!) & 0xff]! ^
      t6[((crc >>> 8) ^ bytes[at + 1]!) & 0xff]! ^
      t5[((crc >>> 16) ^ bytes[at + 2]!) & 0xff]! ^
      t4[(crc >>> 24) ^ bytes[at + 3]!]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!;
  }
  for (; at < to; at += 1) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return crc;
}

/** Feeds `source[from..to)` and copies it to `target` in one pass: for short values, each byte is loaded once. */
export function crcCopy(
  state: number,
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  targetAt: number,
): number {
  let crc = state;
  let at = from;
  let out = targetAt;
  for (const last = to - 8; at <= last; at += 8, out += 8) {
    const a = source[at]!;
    const b = source[at + 1]!;
    const c = source[at + 2]!;
    const d = source[at + 3]!;
    const e = source[at + 4]!;
    const f = source[at + 5]!;
    const g = source[at + 6]!;
    const h = source[at + 7]!;
    target[out] = a;
    target[out + 1] = b;
    target[out + 2] = c;
    target[out + 3] = d;
    target[out + 4] = e;
    target[out + 5] = f;
    target[out + 6] = g;
    target[out + 7] = h;
    crc =
      t7[(crc ^ a) & 0xff]! ^
      t6[((crc >>> 8) ^ b) & 0xff]! ^
      t5[((crc >>> 16) ^ c) & 0xff]! ^
      t4[(crc >>> 24) ^ d]! ^
      t3[e]! ^
      t2[f]! ^
      t1[g]! ^
      t0[h]!;
  }
  for (; at < to; at += 1, out += 1) {
    const byte = source[at]!;
    target[out] = byte;
    crc = t0[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  }
  return crc;
}

function makeTables(): Int32Array[] {
  const made = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let table = 0; table < 8; table += 1) {
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
      (made[table] as Int32Array)[byte] = crc;
    }
  }
  return made;
}
