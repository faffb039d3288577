/** What a statement of the log does to the selected tables; a change of rows as a statement is an error. */
import type { SchemaChange } from '../../model/change.js';
import type { TableName } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { readStatement } from '../ddl/reader.js';
import type { StatementContext } from '../ddl/statement.js';
import { inflateMariadb } from './compressed.js';
import { eventType, headerBytes } from './event.js';
import { changeAsStatement } from './failures.js';
import { type QueryEvent, readQueryEvent, statementOffset } from './query-event.js';

export interface StatementOptions {
  readonly flavor: 'mysql' | 'mariadb';
  readonly planOf: (name: TableName) => TablePlan | null;
  /** `lower_case_table_names` is not 0: names in statements are folded before they are compared. */
  readonly foldsNames: boolean;
  /** Databases with selected tables; null where that is not known and each one may have some. */
  readonly selectedDatabases: ReadonlySet<string> | null;
  readonly tableDefaults: StatementContext['tableDefaults'];
}

export interface StatementMoment {
  readonly utcSeconds: number;
  /** Of the server that logged it. */
  readonly version: number;
  readonly place: string;
}

export function changesOf(query: QueryEvent, moment: StatementMoment, options: StatementOptions): SchemaChange[] {
  if (query.statement === null) {
    return [{ kind: 'unreadable', table: null, what: 'a statement in a charset that cannot be decoded' }];
  }
  const { flavor, foldsNames, planOf, selectedDatabases, tableDefaults } = options;
  const fold = (name: TableName): TableName =>
    foldsNames ? { database: name.database.toLowerCase(), table: name.table.toLowerCase() } : name;
  const isSelected = (name: TableName): boolean =>
    name.table === '' ? (selectedDatabases?.has(fold(name).database) ?? true) : planOf(fold(name)) !== null;
  const read = readStatement(query.statement, {
    ...query,
    flavor,
    version: moment.version,
    utcSeconds: moment.utcSeconds,
    tableDefaults: (name) => tableDefaults(fold(name)),
  });
  if (read.kind === 'rows') {
    const touched = read.tables === null ? null : read.tables.find(isSelected);
    if (touched === undefined) return [];
    throw changeAsStatement(touched, moment.place);
  }
  return read.changes
    .map((change) => (change.table === null ? change : { ...change, table: fold(change.table) }))
    .filter((change) => change.table === null || isSelected(change.table));
}

/** EXECUTE_LOAD_QUERY has file id, offsets of the file name and the duplicate flag before its status variables. */
export const loadQueryBytes = 13;

/** Query, compressed query and LOAD DATA events; null when the text cannot be inflated. */
export function readStatementEvent(type: number, bytes: Buffer, from: number, end: number): QueryEvent | null {
  const body = from + headerBytes;
  const extraBytes = type === eventType.executeLoadQuery ? loadQueryBytes : 0;
  const text = bytes.subarray(statementOffset(bytes, body, extraBytes), end);
  const statement = type === eventType.mariadbQueryCompressed ? inflateMariadb(text) : text;
  return statement === null ? null : readQueryEvent(bytes, body, statement, extraBytes);
}
