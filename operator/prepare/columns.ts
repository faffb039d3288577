/** One decision per column: its name, its type, and what happens to values that the type cannot hold. */
import type { ObjectRule, SyncTaskSpec } from '../api/sync-task.js';
import { assert } from '../base/assert.js';
import type { ColumnDecider } from '../model/schema-history.js';
import type { SourceColumn } from '../model/source-table.js';
import type { ColumnPlan, TargetType } from '../model/table-plan.js';
import { isExcluded, lookUpColumn, targetColumn } from './names.js';
import { compileRules } from './selection.js';
import { hasUnrepresentable, profileType } from './types.js';

/** The decision as a function, for columns that come with a schema change; null for one that is not carried over. `ignoreCase`: see `ignoresCase`. */
export function columnDecider(spec: SyncTaskSpec, ignoreCase = false): ColumnDecider {
  const exact = compileRules(spec, ignoreCase);
  // A selected table has a rule; where no rule fits its exact name, the server folds names.
  const folded = compileRules(spec, true);
  return (table, column) => {
    const found = exact(table) ?? folded(table);
    assert(found !== null, 'a rule selects the table');
    return isExcluded(found.rule, column.name) ? null : decideColumn(spec, found.rule, column);
  };
}

export function decideColumn(
  spec: SyncTaskSpec,
  rule: ObjectRule,
  column: SourceColumn,
): Omit<ColumnPlan, 'sourceIndex'> {
  const { profile, onUnrepresentable } = spec.types;
  const chosen = chosenType(rule, column.name);
  const byProfile = profileType(column.type, profile);
  const becomesText = onUnrepresentable === 'String' && hasUnrepresentable(column.type, byProfile);
  return {
    targetName: targetColumn(rule, column.name),
    targetType: chosen ?? (becomesText ? 'STRING' : byProfile),
    onUnrepresentable: onUnrepresentable === 'Null' ? 'Null' : 'Fail',
  };
}

/** The type that the rule sets by hand. Its form is the schema's business. */
export function chosenType(rule: ObjectRule, sourceColumn: string): TargetType | undefined {
  return lookUpColumn(rule.columnTypes, sourceColumn) as TargetType | undefined;
}
