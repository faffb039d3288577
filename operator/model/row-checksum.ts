/**
 * The checksum of a run of rows from those of its blocks, wherever the blocks were cut: CRC-32C over the rows' own checksums,
 * four bytes each (`ClosedBlock.crc`). In: blocks in order. Out: what one block with all of their rows would have.
 * Joining two CRCs is a multiplication by x^(8n) modulo the polynomial, n being the bytes of the second (zlib, crc32_combine).
 */
export function rowChecksum(blocks: readonly { readonly rows: number; readonly crc: number }[]): number {
  return blocks.reduce((joined, { rows, crc }) => joinCrc32c(joined, crc, rows * bytesPerRow), 0);
}

const bytesPerRow = 4;
/** Bit i stands for x^(31-i). */
const polynomial = 0x82f63b78;
const one = 0x80000000;

/** CRC-32C of a text from those of its two halves. */
export function joinCrc32c(first: number, second: number, secondBytes: number): number {
  let factor = one;
  // x^8, x^16, x^32, ...: one squaring per bit of the length.
  let power = one >>> 8;
  for (let rest = secondBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) factor = multiply(power, factor);
    power = multiply(power, power);
  }
  return (multiply(factor, first) ^ second) >>> 0;
}

/** The product of two polynomials over GF(2), modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1;
  }
  return product >>> 0;
}
