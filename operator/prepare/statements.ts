/** Names and statements that can be pasted into a MySQL client as they stand. */
import type { TableName } from '../model/source-table.js';

/** `` `a``b` `` */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function quoteTable(table: TableName): string {
  return `${quoteName(table.database)}.${quoteName(table.table)}`;
}

/** `'a''b'`; a backslash is doubled, since servers take it as an escape unless told otherwise. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** `user@host`, as CURRENT_USER() gives it, as an account name of GRANT. A user name may hold an `@`; a host cannot. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  if (at < 0) return quoteText(account);
  return `${quoteText(account.slice(0, at))}@${quoteText(account.slice(at + 1))}`;
}

export function grant(privileges: string, on: string, account: string): string {
  return `GRANT ${privileges} ON ${on} TO ${quoteAccount(account)};`;
}

/** Lists names for a sentence; long lists end with their count. */
export function listNames(names: readonly string[], shownMax = 10): string {
  if (names.length <= shownMax) return names.join(', ');
  return `${names.slice(0, shownMax).join(', ')} and ${names.length - shownMax} more`;
}
