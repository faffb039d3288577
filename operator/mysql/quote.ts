/** Names and texts as SQL. `sql_mode` is empty in every session, so a backslash escapes and double quotes quote texts. */
import type { TableName } from '../model/source-table.js';

export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function quoteTable(name: TableName): string {
  return `${quoteName(name.database)}.${quoteName(name.table)}`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}
