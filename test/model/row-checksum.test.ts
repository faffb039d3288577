import { crcInt32, crcStart, crcValue } from '../../operator/maxcompute/records/crc32c.js';
import { joinCrc32c, rowChecksum } from '../../operator/model/row-checksum.js';

/** RFC 3720, B.4, and the check value of the CRC catalogue. */
test('two halves of a known text give its CRC-32C', () => {
  const zeros = 0x8a9136aa; // 32 bytes of zeros
  const sixteenZeros = crcValue([0, 0, 0, 0].reduce((state) => crcInt32(state, 0), crcStart));
  expect(joinCrc32c(sixteenZeros, sixteenZeros, 16)).toBe(zeros);
  expect(joinCrc32c(0xe3069283, 0, 0)).toBe(0xe3069283);
  expect(joinCrc32c(0, 0xe3069283, 9)).toBe(0xe3069283);
});

test('where the blocks are cut makes no difference; an exchange of two rows does', () => {
  const rows = Array.from({ length: 1_000 }, (_, at) => Math.imul(at + 1, 0x9e3779b1));
  const block = (from: number, to: number) => ({
    rows: to - from,
    crc: crcValue(rows.slice(from, to).reduce(crcInt32, crcStart)),
  });
  const whole = rowChecksum([block(0, 1_000)]);
  expect(rowChecksum([block(0, 1), block(1, 700), block(700, 1_000)])).toBe(whole);
  expect(rowChecksum([block(0, 333), block(333, 334), block(334, 1_000)])).toBe(whole);
  [rows[5], rows[800]] = [rows[800] as number, rows[5] as number];
  expect(rowChecksum([block(0, 400), block(400, 1_000)])).not.toBe(whole);
});
