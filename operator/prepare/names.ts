/**
 * Names in MaxCompute: letters, digits and `_`, a letter first, lower-case, at most 128 bytes. One fixed rule makes any
 * source name fit; it depends on the name alone, so the same name comes out on every run.
 */
import type { ObjectRule, SyncTaskSpec } from '../api/sync-task.js';
import type { TableName } from '../model/source-table.js';

/** MaxCompute's limit for names of tables and columns; after the rule a character is a byte. */
export const nameBytesMax = 128;

export function targetName(sourceName: string): string {
  const replaced = sourceName.toLowerCase().replaceAll(/[^a-z0-9_]/gu, '_');
  return /^[a-z]/.test(replaced) ? replaced : `c_${replaced}`;
}

/** More than case was changed: two names may meet, and a reader may look for the old one. */
export function isRenamed(sourceName: string): boolean {
  return targetName(sourceName) !== sourceName.toLowerCase();
}

/** The text that the rule's pattern gives, before it is made to fit. */
export function expandTargetTable(pattern: string, table: TableName): string {
  // One pass, so that a table named {database} stays what it is.
  return pattern.replaceAll(/\{(database|table)\}/g, (_, part: 'database' | 'table') => table[part]);
}

export interface TargetTableNames {
  readonly base: string | null;
  readonly log: string | null;
}

export function targetTables(mode: SyncTaskSpec['mode'], rule: ObjectRule, table: TableName): TargetTableNames {
  const body = targetName(expandTargetTable(rule.targetTable, table));
  return {
    base: mode === 'IncrementalOnly' ? null : `${body}_base`,
    log: mode === 'FullOnly' ? null : `${body}_log`,
  };
}

export function targetColumn(rule: ObjectRule, sourceColumn: string): string {
  return targetName(lookUpColumn(rule.columnNames, sourceColumn) ?? sourceColumn);
}

/** Column names ignore case in MySQL, whatever the server's setting. */
export function lookUpColumn(map: Readonly<Record<string, string>>, sourceColumn: string): string | undefined {
  const folded = sourceColumn.toLowerCase();
  return Object.entries(map).find(([name]) => name.toLowerCase() === folded)?.[1];
}

export function isExcluded(rule: ObjectRule, sourceColumn: string): boolean {
  const folded = sourceColumn.toLowerCase();
  return rule.excludeColumns.some((name) => name.toLowerCase() === folded);
}
