/** Integers into whatever the plan makes of them. Approximate targets (FLOAT, DOUBLE) take the nearest value. */
import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';
import { intTextBytesMax, writeHalves, writeInteger } from './digits.js';
import { compileRefusal, pairRefused, type Refuse } from './refusal.js';
import { decimalShape } from './target-type.js';

/** Both functions give the same sink call for the same value; which one is called is a matter of what is at hand. */
export interface IntTarget {
  /** A safe integer (|value| < 2^53). */
  readonly number: (sink: RowSink, value: number) => void;
  /** The 32-bit halves of a 64-bit integer, both as signed 32-bit numbers; `unsigned` was told when compiling. */
  readonly halves: (sink: RowSink, high: number, low: number) => void;
}

export function compileIntTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
  unsigned: boolean,
): IntTarget {
  const refuse = compileRefusal(source, column, context);
  const decimal = decimalShape(column.targetType);
  if (decimal) return textTarget(index, unsigned, decimal.precision - decimal.scale, refuse);
  switch (column.targetType) {
    case 'TINYINT':
      return narrowTarget(index, unsigned, 0x7f, refuse);
    case 'SMALLINT':
      return narrowTarget(index, unsigned, 0x7fff, refuse);
    case 'INT':
      return narrowTarget(index, unsigned, 0x7fffffff, refuse);
    case 'BIGINT':
      return bigintTarget(index, unsigned, refuse);
    case 'BOOLEAN':
      return booleanTarget(index, unsigned, refuse);
    case 'FLOAT':
      return approximateTarget(unsigned, (sink, value) => sink.float32(index, Math.fround(value)));
    case 'DOUBLE':
      return approximateTarget(unsigned, (sink, value) => sink.float64(index, value));
    case 'STRING':
      return textTarget(index, unsigned, intTextBytesMax, refuse);
    default:
      throw pairRefused(source, column, context);
  }
}

/** Sends halves that make a safe integer to `number`, so that each value has one way only. */
function join(number: IntTarget['number'], unsigned: boolean, large: IntTarget['halves']): IntTarget {
  return {
    number,
    halves: (sink, high, low) => {
      const isSafe = high < 0x200000 && high >= (unsigned ? 0 : -0x200000);
      if (isSafe) number(sink, high * 4294967296 + (low >>> 0));
      else large(sink, high, low);
    },
  };
}

function narrowTarget(index: number, unsigned: boolean, max: number, refuse: Refuse): IntTarget {
  const refuseRange = (): void => refuse('a number beyond the range of the target type');
  return join(
    (sink, value) => {
      if (value <= max && value >= -max - 1) sink.int32(index, value);
      else refuseRange();
    },
    unsigned,
    refuseRange,
  );
}

function bigintTarget(index: number, unsigned: boolean, refuse: Refuse): IntTarget {
  return {
    number: (sink, value) => {
      if ((value | 0) === value) sink.int32(index, value);
      else sink.int64(index, Math.floor(value / 4294967296), value | 0);
    },
    halves: (sink, high, low) => {
      // MaxCompute's BIGINT lacks -2^63, which its clients keep for NULL.
      const isOutside = unsigned ? high < 0 : high === -0x80000000 && low === 0;
      if (isOutside) refuse('a number beyond the range of the target type');
      else if (high === low >> 31) sink.int32(index, low);
      else sink.int64(index, high, low);
    },
  };
}

function booleanTarget(index: number, unsigned: boolean, refuse: Refuse): IntTarget {
  const refuseOther = (): void => refuse('a number other than 0 and 1');
  return join(
    (sink, value) => {
      if (value === 0 || value === 1) sink.boolean(index, value);
      else refuseOther();
    },
    unsigned,
    refuseOther,
  );
}

function approximateTarget(unsigned: boolean, number: IntTarget['number']): IntTarget {
  return join(number, unsigned, (sink, high, low) =>
    number(sink, (unsigned ? high >>> 0 : high) * 4294967296 + (low >>> 0)),
  );
}

/** STRING, and DECIMAL of up to `digitsMax` digits before the point. */
function textTarget(index: number, unsigned: boolean, digitsMax: number, refuse: Refuse): IntTarget {
  const scratch = new Uint8Array(intTextBytesMax);
  const send = (sink: RowSink, to: number): void => {
    const digits = scratch[0] === 0x2d ? to - 1 : to;
    const isZero = scratch[0] === 0x30;
    if (digits > digitsMax && !isZero) refuse('a number beyond the range of the target type');
    else sink.bytes(index, scratch, 0, to);
  };
  return join(
    (sink, value) => send(sink, writeInteger(scratch, 0, value)),
    unsigned,
    (sink, high, low) => send(sink, writeHalves(scratch, 0, high, low, unsigned)),
  );
}
