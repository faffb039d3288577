/**
 * Compares a table of the source with what a merge made of it, row by row and value by value.
 * In: a session on the source, the warehouse, the two names. Out: a verdict that names rows that differ.
 * It shares nothing with the way the rows were copied: it reads both sides as texts by plain SELECTs, and it must never
 * be cleverer than the reader of its verdict.
 */
import type { Warehouse } from '../../model/ports.js';
import type { Session } from '../../mysql/session.js';

export interface TablePair {
  readonly database: string;
  readonly table: string;
  readonly targetTable: string;
  /** Target name of a source column; the same name where it is absent. */
  readonly columnNames?: Readonly<Record<string, string>>;
}

export interface TableVerdict {
  readonly table: string;
  readonly sourceRows: number;
  readonly targetRows: number;
  readonly differences: number;
  /** The first few rows that differ: what is wrong, and the row's key. */
  readonly examples: readonly string[];
}

const examplesMax = 5;
/** Separates cells of a row in one text; a cell that holds it is escaped by JSON. */
const cellSeparator = ',';

interface Column {
  readonly name: string;
  readonly targetName: string;
  readonly isKey: boolean;
  readonly select: string;
  readonly canonical: (text: string) => string;
}

export async function compareTable(session: Session, warehouse: Warehouse, pair: TablePair): Promise<TableVerdict> {
  const columns = await readColumns(session, pair);
  const source = await session.query(
    `SELECT ${columns.map((column) => column.select).join(', ')} FROM ${quote(pair.database)}.${quote(pair.table)}`,
    { table: pair.table },
  );
  const target = await warehouse.query(
    `SELECT ${columns.map((column) => quote(column.targetName)).join(', ')} FROM ${quote(pair.targetTable)};`,
  );
  const { differences, examples } = compareRows(columns, source, target.rows);
  return { table: pair.table, sourceRows: source.length, targetRows: target.rows.length, differences, examples };
}

type Row = readonly (string | null)[];

/** Rows with a key are paired by it; without one, equal rows are counted on both sides. */
function compareRows(
  columns: readonly Column[],
  source: readonly Row[],
  target: readonly Row[],
): { differences: number; examples: string[] } {
  const hasKey = columns.some((column) => column.isKey);
  const wanted = collect(columns, hasKey, source);
  const found = collect(columns, hasKey, target);
  const examples: string[] = [];
  let differences = 0;
  const report = (what: string, id: string): void => {
    differences += 1;
    if (examples.length < examplesMax) examples.push(`${what}: ${id}`);
  };
  for (const [id, rows] of wanted) {
    const others = found.get(id) ?? [];
    if (others.length < rows.length)
      report(others.length === 0 ? 'missing' : `${rows.length - others.length} missing`, id);
    else if (hasKey && rows[0] !== others[0]) report(`differs in ${differingColumns(columns, rows[0], others[0])}`, id);
  }
  for (const [id, others] of found) {
    const surplus = others.length - (wanted.get(id)?.length ?? 0);
    if (surplus > 0) report(surplus === others.length ? 'invented' : `${surplus} too many`, id);
  }
  return { differences, examples };
}

/** Rows as canonical texts, by their key (or, without one, by all of their values). */
function collect(columns: readonly Column[], hasKey: boolean, rows: readonly Row[]): Map<string, string[]> {
  const byId = new Map<string, string[]>();
  for (const row of rows) {
    const cells = columns.map((column, index) => {
      const text = row[index] ?? null;
      return JSON.stringify(text === null ? null : column.canonical(text));
    });
    const named = columns.flatMap((column, index) =>
      column.isKey || !hasKey ? [`${column.name}=${cells[index]}`] : [],
    );
    const id = named.join(' ');
    const same = byId.get(id);
    if (same) same.push(cells.join(cellSeparator));
    else byId.set(id, [cells.join(cellSeparator)]);
  }
  return byId;
}

function differingColumns(columns: readonly Column[], wanted = '', found = ''): string {
  const [left, right] = [wanted, found].map((row) => JSON.parse(`[${row}]`) as (string | null)[]);
  return columns.flatMap((column, index) => (left?.[index] === right?.[index] ? [] : [column.name])).join(', ');
}

async function readColumns(session: Session, pair: TablePair): Promise<Column[]> {
  const rows = await session.query(
    `SELECT column_name, data_type, column_key FROM information_schema.columns
     WHERE table_schema = ${literal(pair.database)} AND table_name = ${literal(pair.table)} ORDER BY ordinal_position`,
  );
  return rows.map(([name, type, key]) => {
    const column = name ?? '';
    const { select, canonical } = readingOf(type?.toLowerCase() ?? '');
    return {
      name: column,
      targetName: pair.columnNames?.[column] ?? column,
      isKey: key === 'PRI',
      select: select(quote(column)),
      canonical,
    };
  });
}

interface Reading {
  readonly select: (column: string) => string;
  /** Brings the texts of both sides into one form. */
  readonly canonical: (text: string) => string;
}

const asItIs: Reading = { select: (column) => column, canonical: (text) => text };

function readingOf(type: string): Reading {
  switch (type) {
    case 'decimal':
      return { ...asItIs, canonical: withoutTrailingZeros };
    case 'datetime':
    case 'timestamp':
      return { ...asItIs, canonical: (text) => withoutTrailingZeros(text.replace('T', ' ').replace(/Z$/, '')) };
    case 'double':
    case 'year':
      return { ...asItIs, canonical: (text) => String(Number(text)) };
    case 'float':
      // As text the server rounds a FLOAT to six digits; as part of an expression it is a DOUBLE.
      return {
        ...asItIs,
        select: (column) => `${column} * 1e0`,
        canonical: (text) => String(Math.fround(Number(text))),
      };
    case 'bit':
      return { ...asItIs, select: (column) => `${column} + 0` };
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'geometry':
      // The warehouse gives BINARY as hex digits.
      return { select: (column) => `HEX(${column})`, canonical: (text) => text.toUpperCase() };
    default:
      return asItIs;
  }
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
