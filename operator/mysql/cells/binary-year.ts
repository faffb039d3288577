import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileYearTarget } from './year-target.js';

/** YEAR: years since 1900 in one byte, 0 for the year 0000. */
export function compileBinaryYear(plan: BinaryCellPlan): BinaryCellReader {
  const send = compileYearTarget(plan.source, plan.column, plan.index, plan.context);
  return (bytes, at, sink) => {
    const byte = bytes[at] as number;
    send(sink, byte === 0 ? 0 : byte + 1900);
    return at + 1;
  };
}
