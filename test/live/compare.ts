/** What the end-to-end suites hold against what was copied: the source as the server shows it, and the log's own rules. */
import type { TestServer } from '../parts/test-server.js';
import type { ReadTable } from './world.js';

type Row = readonly (string | null)[];

/** Rows of a source table as sorted texts, each value in the form that `read_tables.py` gives it. */
export async function sourceRows(server: TestServer, database: string, table: string): Promise<string[]> {
  const columns = await server.query(
    `SELECT column_name AS name, data_type AS type, column_type AS full FROM information_schema.columns
     WHERE table_schema = '${database}' AND table_name = '${table.replaceAll("'", "''")}' ORDER BY ordinal_position`,
  );
  const selects = columns.map((column, index) => {
    const [name, type] = [`\`${(column.name ?? '').replaceAll('`', '``')}\``, column.type ?? ''];
    return `${selectOf(name, type)} AS c${index}`;
  });
  await server.query("SET SESSION time_zone = '+00:00'");
  const rows = await server.query(
    `SELECT ${selects.join(', ')} FROM \`${database}\`.\`${table.replaceAll('`', '``')}\``,
  );
  const types = columns.map((column) => column.type ?? '');
  return rows
    .map((row) => JSON.stringify(types.map((type, index) => canonical(type, row[`c${index}`] ?? null))))
    .sort();
}

/** Rows of a table that was read by PyODPS, in the same form. `types` are those of the source columns. */
export async function targetRows(
  server: TestServer,
  database: string,
  table: string,
  read: ReadTable,
): Promise<string[]> {
  const columns = await server.query(
    `SELECT data_type AS type FROM information_schema.columns
     WHERE table_schema = '${database}' AND table_name = '${table.replaceAll("'", "''")}' ORDER BY ordinal_position`,
  );
  return read.rows
    .map((row) => JSON.stringify(columns.map(({ type }, index) => canonical(type ?? '', row[index] ?? null))))
    .sort();
}

function selectOf(name: string, type: string): string {
  if (/blob|binary|geometry|point/.test(type)) return `HEX(${name})`;
  if (type === 'bit') return `${name} + 0`;
  if (type === 'float') return `${name} * 1e0`;
  return name;
}

function canonical(type: string, text: string | null): string | null {
  if (text === null) return null;
  if (type === 'double' || type === 'year') return String(Number(text));
  if (type === 'float') return String(Math.fround(Number(text)));
  if (/decimal|datetime|timestamp/.test(type)) return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return text;
}

export interface LogFaults {
  readonly doubled: readonly string[];
  readonly gaps: readonly string[];
  readonly wrongFlags: readonly string[];
  readonly halfUpdates: readonly string[];
  readonly wrongPartitions: readonly string[];
}

export const noFaults: LogFaults = { doubled: [], gaps: [], wrongFlags: [], halfUpdates: [], wrongPartitions: [] };

/** The rules of the change log that hold whatever was written: over all logs of a task that started with an empty target. */
export function logFaults(logs: Readonly<Record<string, ReadTable>>): LogFaults {
  const seen = new Set<string>();
  const ids = new Set<number>();
  const updates = new Map<string, Set<string>>();
  const faults = { doubled: [], gaps: [], wrongFlags: [], halfUpdates: [], wrongPartitions: [] } as {
    [Key in keyof LogFaults]: string[];
  };
  for (const [name, log] of Object.entries(logs)) {
    for (const row of log.rows) {
      const [id = '', operation = '', second = '', before = '', after = ''] = row as readonly string[];
      const key = `${id} ${before}`;
      const where = `${name} ${operation} ${key}`;
      if (seen.has(key)) faults.doubled.push(where);
      seen.add(key);
      ids.add(Number(id));
      const allowed: Readonly<Record<string, readonly string[]>> = { I: ['NY'], D: ['YN'], U: ['YN', 'NY'] };
      if (!allowed[operation]?.includes(before + after)) faults.wrongFlags.push(where);
      if (operation === 'U') updates.set(`${name} ${id}`, (updates.get(`${name} ${id}`) ?? new Set()).add(before));
      if (partitionOf(log, row) !== expectedPartition(log, Number(second))) faults.wrongPartitions.push(where);
    }
  }
  for (const [update, flags] of updates) if (flags.size !== 2) faults.halfUpdates.push(update);
  // Ids begin at 1 and have no holes: then as many distinct ones as the largest says.
  const last = [...ids].reduce((largest, id) => Math.max(largest, id), 0);
  for (let id = 1; id <= last; id += 1) if (!ids.has(id)) faults.gaps.push(String(id));
  return faults;
}

function partitionOf(log: ReadTable, row: Row): string {
  return row.slice(log.columns.length).join('-');
}

function expectedPartition(log: ReadTable, second: number): string {
  const parts = new Date(second * 1000).toISOString().split(/[-T:.]/);
  return parts.slice(0, log.partitionColumns.length).join('-');
}
