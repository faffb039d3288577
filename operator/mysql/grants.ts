/**
 * Reads SHOW GRANTS. In: its lines. Out: privileges by what they are granted on. A line may end with the hash of a
 * password (`IDENTIFIED BY PASSWORD '*...'` on 5.6 and MariaDB): nothing behind the target of a grant is ever looked at.
 */
import type { Privileges } from '../model/source-facts.js';
import { tableKey } from '../model/source-table.js';

export function readGrants(lines: readonly string[]): Privileges {
  const global = new Set<string>();
  const databases = new Map<string, Set<string>>();
  const tables = new Map<string, Set<string>>();
  for (const line of lines) {
    const grant = readGrant(line);
    if (grant === null) continue;
    const { database, table, privileges } = grant;
    if (database === '*') addAll(global, privileges);
    else if (table === '*') addAll(entry(databases, database), privileges);
    else addAll(entry(tables, tableKey({ database, table })), privileges);
  }
  return { global: [...global], databases: toRecord(databases), tables: toRecord(tables) };
}

interface Grant {
  readonly privileges: readonly string[];
  readonly database: string;
  readonly table: string;
}

/** Null for what grants no privilege on data: roles, proxies, routines, partial revokes. */
function readGrant(line: string): Grant | null {
  const head = /^GRANT\s+/i.exec(line);
  if (!head) return null;
  const target = findTarget(line, head[0].length);
  if (target === null) return null;
  // MariaDB and MySQL quote names with back-quotes; `*` stands bare. `PROCEDURE`, `FUNCTION`, `PACKAGE` do not match.
  const name = '(\\*|`(?:[^`]|``)*`)';
  const match = new RegExp(`^(?:TABLE\\s+)?${name}\\.${name}\\s+TO\\s`, 'i').exec(line.slice(target.on));
  if (!match) return null;
  const privileges = target.items.filter((item) => !item.includes('(')).map((item) => item.toUpperCase());
  if (/\sWITH\s(?:.*\s)?GRANT OPTION/i.test(line)) privileges.push('GRANT OPTION');
  return { privileges, database: unquote(match[1] as string), table: unquote(match[2] as string) };
}

/** Splits the privileges, which may carry lists of quoted column names, up to the ` ON ` outside of quotes and brackets. */
function findTarget(line: string, from: number): { items: string[]; on: number } | null {
  const items: string[] = [];
  let itemStart = from;
  let depth = 0;
  let isQuoted = false;
  for (let at = from; at < line.length; at += 1) {
    const character = line[at];
    if (character === '`') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (depth === 0 && character === ',') {
      items.push(line.slice(itemStart, at).trim());
      itemStart = at + 1;
    } else if (depth === 0 && /^ ON /i.test(line.slice(at, at + 4))) {
      items.push(line.slice(itemStart, at).trim());
      return { items, on: at + 4 };
    }
  }
  return null;
}

function unquote(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}

function addAll(target: Set<string>, privileges: readonly string[]): void {
  for (const privilege of privileges) target.add(privilege);
}

function entry(map: Map<string, Set<string>>, key: string): Set<string> {
  let set = map.get(key);
  if (!set) map.set(key, (set = new Set()));
  return set;
}

function toRecord(map: Map<string, Set<string>>): Record<string, readonly string[]> {
  return Object.fromEntries([...map].map(([key, privileges]) => [key, [...privileges]]));
}
