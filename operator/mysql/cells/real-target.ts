/** FLOAT and DOUBLE values into whatever the plan makes of them. */
import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';
import { realTextBytesMax, writeDouble, writeFloat } from './real-text.js';
import { compileRefusal, pairRefused } from './refusal.js';

export type RealTarget = (sink: RowSink, value: number) => void;

export function compileRealTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): RealTarget {
  const isSingle = source.type.kind === 'float';
  switch (column.targetType) {
    case 'DOUBLE':
      return (sink, value) => sink.float64(index, value);
    case 'FLOAT': {
      if (isSingle) return (sink, value) => sink.float32(index, value);
      const refuse = compileRefusal(source, column, context);
      return (sink, value) => {
        const single = Math.fround(value);
        if (Number.isFinite(single)) sink.float32(index, single);
        else refuse('a number beyond the range of the target type');
      };
    }
    case 'STRING': {
      const scratch = Buffer.alloc(realTextBytesMax);
      const write = isSingle ? writeFloat : writeDouble;
      return (sink, value) => sink.bytes(index, scratch, 0, write(scratch, 0, value));
    }
    default:
      throw pairRefused(source, column, context);
  }
}
