import type { RowSink } from '../../model/change.js';
import { readDigits } from './digits.js';
import type { IntTarget } from './int-target.js';

/**
 * ASCII digits, with a sign and zeros in front, into an integer target.
 * The parser returns false, and tells the target nothing, when the number is beyond 64 bits of that signedness.
 */
export function compileIntegerParser(
  target: IntTarget,
  unsigned: boolean,
): (sink: RowSink, text: Uint8Array, from: number, to: number) => boolean {
  const { number, halves } = target;
  return (sink, text, from, to) => {
    const isNegative = text[from] === 0x2d;
    const start = isNegative ? from + 1 : from;
    if (to - start <= 15) {
      const value = readDigits(text, start, to - start);
      number(sink, isNegative && value !== 0 ? -value : value);
      return true;
    }
    let high = 0;
    let low = 0;
    for (let index = start; index < to; index += 1) {
      const next = low * 10 + ((text[index] as number) - 0x30);
      low = next >>> 0;
      high = high * 10 + (next - low) / 4294967296;
      if (high > 0xffffffff) return false;
    }
    if (!isNegative) {
      if (!unsigned && high > 0x7fffffff) return false;
      halves(sink, high | 0, low | 0);
    } else if (high > 0x80000000 || (high === 0x80000000 && low > 0)) return false;
    else halves(sink, low === 0 ? -high | 0 : ~high, -low | 0);
    return true;
  };
}
