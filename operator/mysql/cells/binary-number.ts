/** Readers of INT, YEAR, BIT, DECIMAL, FLOAT and DOUBLE cells. */
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileDecimalTarget } from './decimal-target.js';
import { writeDigits } from './digits.js';
import { compileIntTarget } from './int-target.js';
import { compileRealTarget } from './real-target.js';
import { partialDigitsBytes } from './wire.js';

export function compileBinaryInt(plan: BinaryCellPlan, width: 1 | 2 | 3 | 4 | 8, unsigned: boolean): BinaryCellReader {
  const { number, halves } = compileIntTarget(plan.source, plan.column, plan.index, plan.context, unsigned);
  switch (width) {
    case 1:
      return unsigned
        ? (bytes, at, sink) => {
            number(sink, bytes[at] as number);
            return at + 1;
          }
        : (bytes, at, sink) => {
            number(sink, ((bytes[at] as number) << 24) >> 24);
            return at + 1;
          };
    case 2:
      return (bytes, at, sink) => {
        const value = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
        number(sink, unsigned ? value : (value << 16) >> 16);
        return at + 2;
      };
    case 3:
      return (bytes, at, sink) => {
        const value = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
        number(sink, unsigned ? value : (value << 8) >> 8);
        return at + 3;
      };
    case 4:
      return (bytes, at, sink) => {
        const value = readInt32(bytes, at);
        number(sink, unsigned ? value >>> 0 : value);
        return at + 4;
      };
    case 8:
      return (bytes, at, sink) => {
        halves(sink, readInt32(bytes, at + 4), readInt32(bytes, at));
        return at + 8;
      };
  }
}

/** BIT(n): big-endian. */
export function compileBinaryBit(plan: BinaryCellPlan): BinaryCellReader {
  const { halves } = compileIntTarget(plan.source, plan.column, plan.index, plan.context, true);
  const width = plan.layout.fixedBytes as number;
  return (bytes, at, sink) => {
    let high = 0;
    let low = 0;
    for (let index = at; index < at + width; index += 1) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | (bytes[index] as number);
    }
    halves(sink, high, low);
    return at + width;
  };
}

/**
 * DECIMAL: groups of nine digits as big-endian integers, the outermost ones shorter; the top bit is flipped, and all bits
 * of a negative value (strings/decimal.c `decimal2bin`).
 */
export function compileBinaryDecimal(plan: BinaryCellPlan): BinaryCellReader {
  const precision = plan.layout.metadata & 0xff;
  const scale = plan.layout.metadata >> 8;
  const send = compileDecimalTarget(plan.source, { precision, scale }, plan.column, plan.index, plan.context);
  const whole = precision - scale;
  const groups = decimalGroups(whole, scale);
  // Room for the sign, one zero before the point, and the point.
  const scratch = Buffer.alloc(precision + 3);
  const pointAt = whole === 0 ? 2 : whole + 1;
  const end = scale === 0 ? pointAt : pointAt + 1 + scale;
  const width = plan.layout.fixedBytes as number;
  return (bytes, at, sink) => {
    const isNegative = ((bytes[at] as number) & 0x80) === 0;
    const flip = isNegative ? 0xff : 0;
    let offset = at;
    let text = 1;
    let seen = 0;
    if (whole === 0) scratch[text++] = 0x30;
    for (let index = 0; index < groups.length; index += 1) {
      if (text === pointAt) scratch[text++] = 0x2e;
      const digits = groups[index] as number;
      let value = 0;
      for (let left = partialDigitsBytes(digits); left > 0; left -= 1) {
        const byte = (bytes[offset] as number) ^ flip;
        value = (value << 8) | (offset === at ? byte ^ 0x80 : byte);
        offset += 1;
      }
      seen |= value;
      text = writeDigits(scratch, text, value, digits);
    }
    let from = 1;
    while (from < pointAt - 1 && scratch[from] === 0x30) from += 1;
    if (isNegative && seen !== 0) scratch[--from] = 0x2d;
    send(sink, scratch, from, end);
    return at + width;
  };
}

/** Digits of each group, from the left. A group never spans the point. */
function decimalGroups(whole: number, scale: number): Uint8Array {
  const groups: number[] = [];
  if (whole % 9 > 0) groups.push(whole % 9);
  for (let left = whole; left >= 9; left -= 9) groups.push(9);
  for (let left = scale; left >= 9; left -= 9) groups.push(9);
  if (scale % 9 > 0) groups.push(scale % 9);
  return Uint8Array.from(groups);
}

export function compileBinaryReal(plan: BinaryCellPlan): BinaryCellReader {
  const send = compileRealTarget(plan.source, plan.column, plan.index, plan.context);
  if (plan.source.type.kind === 'float') {
    return (bytes, at, sink) => {
      send(sink, bytes.readFloatLE(at));
      return at + 4;
    };
  }
  return (bytes, at, sink) => {
    send(sink, bytes.readDoubleLE(at));
    return at + 8;
  };
}

function readInt32(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
