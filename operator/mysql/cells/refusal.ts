/** What happens to a value, or to a pair of types, that the target cannot hold. No message ever carries the value. */
import { SyncError } from '../../base/errors.js';
import { type SourceColumn, tableKey } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';

export type RefusalReason =
  | 'a zero or impossible date'
  | 'a number beyond the range of the target type'
  | 'a number with more decimals than the target type holds'
  | 'a number other than 0 and 1'
  | 'a value of more than 8 MiB'
  | 'bytes that are not UTF-8';

/** Called in place of the sink's method: throws (policy `Fail`), or counts the value and leaves the cell NULL. */
export type Refuse = (reason: RefusalReason) => void;

export function compileRefusal(source: SourceColumn, column: ColumnPlan, context: CellContext): Refuse {
  const { onUnrepresentable, targetName, targetType } = column;
  if (onUnrepresentable === 'Null') return () => context.onNulled(source.name);
  return (reason) => {
    throw new SyncError('VALUE_UNREPRESENTABLE', {
      table: tableKey(context.table),
      seen: `${reason}, in column ${source.name} (${source.typeText})`,
      wanted: `a value that ${targetType} holds (target column ${targetName})`,
      fix: `Correct the row, or set types.onUnrepresentable to Null or String, or columnTypes: {${source.name}: STRING} for this table.`,
    });
  };
}

/** The plan pairs a source type with a target type that it cannot be turned into. */
export function pairRefused(source: SourceColumn, column: ColumnPlan, context: CellContext): SyncError {
  return new SyncError('VALUE_UNREPRESENTABLE', {
    table: tableKey(context.table),
    seen: `column ${source.name} (${source.typeText}) is planned as ${column.targetType}`,
    wanted: 'a target type that this source type can be turned into',
    fix: `Remove the entry of ${source.name} from columnTypes, or set it to STRING.`,
  });
}
