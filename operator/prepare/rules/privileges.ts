/** Each privilege that the task needs, by name, with the statement that grants it. */
import type { Finding } from '../../model/finding.js';
import { tableKey } from '../../model/source-table.js';
import { error } from '../finding.js';
import { grantTarget, hasGlobal, hasOnTable } from '../grants.js';
import { groupBy } from '../group.js';
import { grant, listNames } from '../statements.js';
import { makesBaseline, makesLog, type SourceRuleInput, versionNumber } from './input.js';

export function mayReplicate({ spec, source }: SourceRuleInput): Finding[] {
  if (!makesLog(spec) || hasGlobal(source.privileges, ['REPLICATION SLAVE', 'REPLICATION REPLICA'])) return [];
  return missing('REPLICATION SLAVE', source.account, 'to read the binary log');
}

/** MariaDB 10.5 calls it BINLOG MONITOR. */
export function mayAskPosition({ spec, source }: SourceRuleInput): Finding[] {
  if (!makesLog(spec) || hasGlobal(source.privileges, ['REPLICATION CLIENT', 'BINLOG MONITOR', 'SUPER'])) return [];
  const { flavor, version } = source.identity;
  const name = flavor === 'mariadb' && versionNumber(version) >= 10.005 ? 'BINLOG MONITOR' : 'REPLICATION CLIENT';
  return missing(name, source.account, 'to ask for the position in the binary log');
}

export function mayReadTables({ source, selected }: SourceRuleInput): Finding[] {
  const unreadable = selected
    .map(({ table }) => table)
    .filter((table) => !hasOnTable(source.privileges, 'SELECT', table));
  return [...groupBy(unreadable, (table) => table.database)].flatMap(([database, tables]) =>
    error('PRIVILEGE_MISSING', `SELECT on ${database}`, {
      seen: `${source.account} may not read ${listNames(tables.map(tableKey))}`,
      wanted: 'SELECT, to read the rows and the schema',
      fix: grant('SELECT', grantTarget(source.privileges, database), source.account),
    }),
  );
}

/**
 * A table without a key is read in one view, and the position of that view must be known: MariaDB tells it, MySQL only
 * while nobody can write.
 */
export function mayLockTablesWithoutKey({ spec, source, selected }: SourceRuleInput): Finding[] {
  if (!makesLog(spec) || !makesBaseline(spec) || source.identity.flavor === 'mariadb') return [];
  if (hasGlobal(source.privileges, ['RELOAD'])) return [];
  const locked = selected
    .map(({ table }) => table)
    .filter((table) => table.key === null && !hasOnTable(source.privileges, 'LOCK TABLES', table));
  return [...groupBy(locked, (table) => table.database)].flatMap(([database, tables]) =>
    error('NO_KEY_NEEDS_LOCK', listNames(tables.map(tableKey), 3), {
      seen: `${tables.length === 1 ? 'a table' : `${tables.length} tables`} without a key, and ${source.account} has neither LOCK TABLES nor RELOAD`,
      wanted: 'a read lock for an instant, or a primary key: else nobody knows which changes the copy holds already',
      fix: grant('LOCK TABLES', grantTarget(source.privileges, database), source.account),
    }),
  );
}

function missing(name: string, account: string, purpose: string): Finding[] {
  return error('PRIVILEGE_MISSING', name, {
    seen: `${account} does not have ${name}`,
    wanted: `${name}, ${purpose}`,
    fix: grant(name, '*.*', account),
  });
}
