/** What an account may do, and where a further grant has to stand. */
import type { Privileges } from '../model/source-facts.js';
import { type TableName, tableKey } from '../model/source-table.js';
import { quoteName } from './statements.js';

export function hasGlobal(privileges: Privileges, names: readonly string[]): boolean {
  return privileges.global.some((granted) => granted === 'ALL PRIVILEGES' || names.includes(granted));
}

export function hasOnTable(privileges: Privileges, name: string, table: TableName): boolean {
  const isGranted = (granted: readonly string[] | undefined): boolean =>
    granted?.some((privilege) => privilege === 'ALL PRIVILEGES' || privilege === name) ?? false;
  if (isGranted(privileges.global) || isGranted(privileges.tables[tableKey(table)])) return true;
  return isGranted(privileges.databases[effectivePattern(privileges, table.database) ?? '']);
}

/**
 * Of all grants on databases that match a name the server looks at one only: the one with the most characters before its
 * first wildcard [seen on 5.6 and MariaDB 10.11]. Null where none matches.
 */
function effectivePattern(privileges: Privileges, database: string): string | null {
  const matching = Object.keys(privileges.databases).filter((pattern) => matchesGrant(pattern, database));
  return matching.sort((a, b) => plainLength(b) - plainLength(a))[0] ?? null;
}

function plainLength(pattern: string): number {
  const plain = pattern.replaceAll(/\\./gs, 'x');
  const wildcard = plain.search(/[%_]/);
  return wildcard < 0 ? Number.POSITIVE_INFINITY : wildcard;
}

/** Grants on databases are LIKE patterns: `_` one character, `%` any, a backslash takes the next one as it is. */
function matchesGrant(pattern: string, database: string): boolean {
  if (pattern === database) return true;
  const expression = pattern.replaceAll(/\\(.)|(%)|(_)|([\s\S])/g, (_, escaped, percent, underscore, plain) => {
    if (percent) return '.*';
    return underscore ? '.' : (escaped ?? plain).replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  });
  return new RegExp(`^${expression}$`, 's').test(database);
}

/**
 * What `GRANT ... ON` names, for a privilege on a database. A grant beside one that is there would take away what that one
 * gave, since one counts only; so the new privilege goes to the same pattern. Without one, the name, its `_` and `%` escaped.
 */
export function grantTarget(privileges: Privileges, database: string): string {
  const pattern = effectivePattern(privileges, database) ?? database.replaceAll(/[\\_%]/g, '\\$&');
  return `${quoteName(pattern)}.*`;
}
