/** SQL that makes and changes target tables. Pure texts; all but ADD COLUMNS can run twice without harm. */
import { SyncError } from '../base/errors.js';
import type { TableSpec, TargetColumn } from '../model/ports.js';
import { parsePartition, quoteName, quoteText } from './names.js';

/** Bytes that a table or column comment may have. */
const commentBytesMax = 1024;

export function createTableSql(spec: TableSpec): string {
  const clauses = [`CREATE TABLE IF NOT EXISTS ${quoteName(spec.table)} (\n${renderColumns(spec.columns)}\n)`];
  if (spec.comment !== '') clauses.push(`COMMENT ${renderComment(spec.comment)}`);
  if (spec.partitionColumns.length > 0) clauses.push(`PARTITIONED BY (\n${renderColumns(spec.partitionColumns)}\n)`);
  if (spec.lifecycleDays !== null) clauses.push(`LIFECYCLE ${spec.lifecycleDays}`);
  return `${clauses.join('\n')};`;
}

export function addColumnsSql(table: string, columns: readonly TargetColumn[]): string {
  return `ALTER TABLE ${quoteName(table)} ADD COLUMNS (\n${renderColumns(columns)}\n);`;
}

export function addPartitionSql(table: string, partition: string): string {
  const values = parsePartition(partition).map(({ name, value }) => `${quoteName(name)}=${quoteText(value)}`);
  return `ALTER TABLE ${quoteName(table)} ADD IF NOT EXISTS PARTITION (${values.join(', ')});`;
}

export function dropTableSql(table: string): string {
  return `DROP TABLE IF EXISTS ${quoteName(table)};`;
}

function renderColumns(columns: readonly TargetColumn[]): string {
  return columns.map((column) => `  ${renderColumn(column)}`).join(',\n');
}

function renderColumn({ name, type, comment }: TargetColumn): string {
  return `${quoteName(name)} ${type}${comment === undefined || comment === '' ? '' : ` COMMENT ${renderComment(comment)}`}`;
}

function renderComment(comment: string): string {
  if (Buffer.byteLength(comment) > commentBytesMax) {
    throw new SyncError('TASK_INVALID', {
      seen: `a comment of ${Buffer.byteLength(comment)} bytes`,
      wanted: `at most ${commentBytesMax} bytes, which MaxCompute keeps`,
      fix: 'Give the task a shorter name or namespace.',
    });
  }
  return quoteText(comment);
}
