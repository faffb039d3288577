/** Readers of INT, BIT, YEAR, DECIMAL, FLOAT and DOUBLE as the server prints them. */
import { compileDecimalTarget } from './decimal-target.js';
import { readDigits } from './digits.js';
import { compileIntTarget } from './int-target.js';
import { compileIntegerParser } from './integer-parser.js';
import { readReal, readSingle } from './real-parser.js';
import { compileRealTarget } from './real-target.js';
import type { TextCellPlan, TextCellReader } from './text-cell.js';
import { compileYearTarget } from './year-target.js';

export function compileTextInt(plan: TextCellPlan, unsigned: boolean): TextCellReader {
  const target = compileIntTarget(plan.source, plan.column, plan.index, plan.context, unsigned);
  const parse = compileIntegerParser(target, unsigned);
  return (bytes, from, to, sink) => {
    if (!parse(sink, bytes, from, to)) throw plan.garbled();
  };
}

export function compileTextYear(plan: TextCellPlan): TextCellReader {
  const send = compileYearTarget(plan.source, plan.column, plan.index, plan.context);
  return (bytes, from, to, sink) => send(sink, readDigits(bytes, from, to - from));
}

/** The server prints canonical text, but for ZEROFILL's zeros in front. */
export function compileTextDecimal(
  plan: TextCellPlan,
  shape: { readonly precision: number; readonly scale: number },
): TextCellReader {
  const send = compileDecimalTarget(plan.source, shape, plan.column, plan.index, plan.context);
  return (bytes, from, to, sink) => {
    let start = from;
    const lastWhole = shape.scale === 0 ? to - 1 : to - shape.scale - 2;
    while (start < lastWhole && bytes[start] === 0x30) start += 1;
    send(sink, bytes, start, to);
  };
}

/** FLOAT comes as DOUBLE (see `snapshotExpression`). */
export function compileTextReal(plan: TextCellPlan): TextCellReader {
  const send = compileRealTarget(plan.source, plan.column, plan.index, plan.context);
  if (plan.source.type.kind === 'float') {
    return (bytes, from, to, sink) => send(sink, readSingle(bytes, from, to));
  }
  return (bytes, from, to, sink) => send(sink, readReal(bytes, from, to));
}
