/** Readers of INT, YEAR, BIT, DECIMAL, FLOAT and DOUBLE cells. */
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileDecimalTarget } from './decimal-target.js';
import { decimalTextWriter } from './decimal-text.js';
import { compileIntTarget } from './int-target.js';
import { compileRealTarget } from './real-target.js';

export function compileBinaryInt(plan: BinaryCellPlan, width: 1 | 2 | 3 | 4 | 8, unsigned: boolean): BinaryCellReader {
  const { number, halves } = compileIntTarget(plan.source, plan.column, plan.index, plan.context, unsigned);
  if (width === 4 && !unsigned && plan.column.targetType === 'INT') {
    // The most common column of all: every value fits.
    const { index } = plan;
    return (bytes, at, sink) => {
      sink.int32(index, readInt32(bytes, at));
      return at + 4;
    };
  }
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

export function compileBinaryDecimal(plan: BinaryCellPlan): BinaryCellReader {
  const precision = plan.layout.metadata & 0xff;
  const scale = plan.layout.metadata >> 8;
  const send = compileDecimalTarget(plan.source, { precision, scale }, plan.column, plan.index, plan.context);
  const { write, end } = decimalTextWriter(precision, scale);
  const scratch = Buffer.alloc(precision + 3);
  const width = plan.layout.fixedBytes as number;
  return (bytes, at, sink) => {
    send(sink, scratch, write(bytes, at, scratch), end);
    return at + width;
  };
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
