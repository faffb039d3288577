/**
 * What foreign keys do to their child rows. MariaDB shows `referential_constraints` of a table only to accounts with more
 * than SELECT on it; SHOW CREATE TABLE tells everyone who may read it [seen on 10.11].
 */
import { tableKey } from '../model/source-table.js';
import { quoteTable } from './quote.js';
import type { Session, TextRow } from './session.js';

/** Columns of a row: database, table, constraint, .., ON DELETE and ON UPDATE last, null where the server hides them. */
const [constraintAt, onDeleteAt, onUpdateAt] = [2, 7, 8] as const;

const constraint =
  /^ *CONSTRAINT `((?:[^`]|``)+)` FOREIGN KEY .*?(?: ON DELETE (\w+(?: (?:NULL|ACTION|DEFAULT))?))?(?: ON UPDATE (\w+(?: (?:NULL|ACTION|DEFAULT))?))?,?$/gm;

export async function withRules(session: Session, rows: readonly TextRow[]): Promise<TextRow[]> {
  const rulesOf = new Map<string, ReadonlyMap<string, readonly [string, string]>>();
  const complete: TextRow[] = [];
  for (const row of rows) {
    if (row[onDeleteAt] !== null) {
      complete.push(row);
      continue;
    }
    const name = { database: row[0] ?? '', table: row[1] ?? '' };
    const known = rulesOf.get(tableKey(name));
    const rules = known ?? readRules((await session.query(`SHOW CREATE TABLE ${quoteTable(name)}`))[0]?.[1] ?? '');
    rulesOf.set(tableKey(name), rules);
    const [onDelete, onUpdate] = rules.get(row[constraintAt] ?? '') ?? ['RESTRICT', 'RESTRICT'];
    complete.push([...row.slice(0, onDeleteAt), onDelete, onUpdate, ...row.slice(onUpdateAt + 1)]);
  }
  return complete;
}

/** A rule that is not written is RESTRICT. */
function readRules(statement: string): ReadonlyMap<string, readonly [string, string]> {
  const found = [...statement.matchAll(constraint)];
  return new Map(
    found.map(([, name = '', onDelete = 'RESTRICT', onUpdate = 'RESTRICT']) => [
      name.replaceAll('``', '`'),
      [onDelete, onUpdate] as const,
    ]),
  );
}
