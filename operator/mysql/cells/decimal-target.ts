/**
 * Decimals as text into whatever the plan makes of them.
 * The text is canonical, so that both ways of reading agree: `-` only before a value that is not zero, one digit at least
 * before the point, no other zero in front, and exactly the column's scale behind.
 */
import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';
import { compileIntTarget } from './int-target.js';
import { compileIntegerParser } from './integer-parser.js';
import { readReal } from './real-parser.js';
import { compileRefusal, pairRefused } from './refusal.js';
import { decimalShape } from './target-type.js';

export type DecimalTarget = (sink: RowSink, text: Buffer, from: number, to: number) => void;

export function compileDecimalTarget(
  source: SourceColumn,
  shape: { readonly precision: number; readonly scale: number },
  column: ColumnPlan,
  index: number,
  context: CellContext,
): DecimalTarget {
  const target = decimalShape(column.targetType);
  if (target) {
    const isHeld = target.scale >= shape.scale && target.precision - target.scale >= shape.precision - shape.scale;
    if (isHeld) return (sink, text, from, to) => sink.bytes(index, text, from, to);
    return narrowTarget(shape.scale, target, index, compileRefusal(source, column, context));
  }
  switch (column.targetType) {
    case 'STRING':
      return (sink, text, from, to) => sink.bytes(index, text, from, to);
    case 'DOUBLE':
      return (sink, text, from, to) => sink.float64(index, readReal(text, from, to));
    case 'FLOAT':
      return approximateFloat(index, compileRefusal(source, column, context));
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      return integerTarget(source, shape.scale, column, index, context);
    default:
      throw pairRefused(source, column, context);
  }
}

/** A DECIMAL with less room than the source: digits are cut only where they are zeros. */
function narrowTarget(
  scale: number,
  target: { readonly precision: number; readonly scale: number },
  index: number,
  refuse: ReturnType<typeof compileRefusal>,
): DecimalTarget {
  const cut = Math.max(0, scale - target.scale);
  const wholeMax = target.precision - target.scale;
  return (sink, text, from, to) => {
    const point = scale === 0 ? to : to - scale - 1;
    const start = text[from] === 0x2d ? from + 1 : from;
    const isWholeZero = point - start === 1 && text[start] === 0x30;
    if (!isWholeZero && point - start > wholeMax) return refuse('a number beyond the range of the target type');
    if (!areZeros(text, to - cut, to)) return refuse('a number with more decimals than the target type holds');
    sink.bytes(index, text, from, target.scale === 0 ? point : to - cut);
  };
}

function integerTarget(
  source: SourceColumn,
  scale: number,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): DecimalTarget {
  const refuse = compileRefusal(source, column, context);
  const parse = compileIntegerParser(compileIntTarget(source, column, index, context, false), false);
  return (sink, text, from, to) => {
    const point = scale === 0 ? to : to - scale - 1;
    if (!areZeros(text, point + 1, to)) return refuse('a number with more decimals than the target type holds');
    if (!parse(sink, text, from, point)) refuse('a number beyond the range of the target type');
  };
}

function approximateFloat(index: number, refuse: ReturnType<typeof compileRefusal>): DecimalTarget {
  return (sink, text, from, to) => {
    const value = Math.fround(readReal(text, from, to));
    if (Number.isFinite(value)) sink.float32(index, value);
    else refuse('a number beyond the range of the target type');
  };
}

function areZeros(text: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) if (text[index] !== 0x30) return false;
  return true;
}
