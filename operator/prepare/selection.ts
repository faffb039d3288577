/** Which tables the rules select: in order, the first rule that matches a table takes it. */
import type { ObjectRule, SyncTaskSpec } from '../api/sync-task.js';
import type { SourceTable, TableName } from '../model/source-table.js';
import { compilePattern } from './pattern.js';

export interface SelectedTable {
  readonly table: SourceTable;
  readonly rule: ObjectRule;
  /** Index into `spec.objects`. */
  readonly ruleIndex: number;
}

export type RuleOf = (table: TableName) => { readonly rule: ObjectRule; readonly ruleIndex: number } | null;

/** `@@lower_case_table_names`: 0 tells names of different case apart, 1 and 2 do not. */
export function ignoresCase(lowerCaseTableNames: string | null | undefined): boolean {
  return lowerCaseTableNames === '1' || lowerCaseTableNames === '2';
}

export function compileRules(spec: Pick<SyncTaskSpec, 'objects'>, ignoreCase: boolean): RuleOf {
  const matchers = spec.objects.map((rule) => compileRule(rule, ignoreCase));
  return (table) => {
    const ruleIndex = matchers.findIndex((matches) => matches(table));
    const rule = spec.objects[ruleIndex];
    return rule ? { rule, ruleIndex } : null;
  };
}

export function compileRule(rule: ObjectRule, ignoreCase: boolean): (table: TableName) => boolean {
  const included = rule.tables.map((pattern) => compilePattern(pattern, ignoreCase));
  const excluded = rule.excludeTables.map((pattern) => compilePattern(pattern, ignoreCase));
  return ({ database, table }) =>
    isSameName(rule.database, database, ignoreCase) &&
    included.some((matches) => matches(table)) &&
    !excluded.some((matches) => matches(table));
}

export function selectTables(
  spec: Pick<SyncTaskSpec, 'objects'>,
  tables: readonly SourceTable[],
  ignoreCase: boolean,
): SelectedTable[] {
  const ruleOf = compileRules(spec, ignoreCase);
  return tables.flatMap((table) => {
    const found = ruleOf(table);
    return found ? [{ table, ...found }] : [];
  });
}

export function isSameName(a: string, b: string, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && a.toLowerCase() === b.toLowerCase());
}
