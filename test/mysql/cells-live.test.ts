/**
 * The promise that snapshot and stream agree: every type, its extremes and random values, once through SELECT and once
 * through the binary log of a real server, must give the same sink calls; and STRING must be the server's own text.
 */
import mysql from 'mysql2/promise';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { SourceColumn, TableName } from '../../operator/model/source-table.js';
import { tableKey } from '../../operator/model/source-table.js';
import type { ColumnPlan, TablePlan, TargetType, UnrepresentablePolicy } from '../../operator/model/table-plan.js';
import { streamBinlog } from '../../operator/mysql/binlog/stream.js';
import { compileTextCell, snapshotExpression } from '../../operator/mysql/cells/text-cell.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { describeColumns, planFor, positionOf } from './binlog-helpers.js';
import { type CellCase, cellCases } from './cells-cases.js';
import { CollectingSink } from './collecting-sink.js';

const randomCount = 40;
const timeZone = 'America/New_York';

type Profile = (column: SourceColumn) => { type: TargetType; policy: UnrepresentablePolicy };

const profiles: Readonly<Record<string, Profile>> = {
  faithful: (column) => ({ type: faithfulType(column), policy: 'Null' }),
  strings: () => ({ type: 'STRING', policy: 'Null' }),
  dts: (column) => ({ type: dtsType(column), policy: 'Null' }),
};

describeWithPart(mysql56, 'cells of MySQL 5.6', () => {
  compareBothWays(() => startMySql56());
});

describeWithPart(mariadb, 'cells of MariaDB', () => {
  compareBothWays(() => startMariaDb());
});

// By hand: MCSYNC_CELLS_PORT is the port of a server with binary JSON that runs on this machine (root, no password).
describe('cells of MySQL 9.7', () => {
  const port = Number(process.env.MCSYNC_CELLS_PORT ?? 0);
  if (port > 0) compareBothWays(() => attach(port));
});

/** Columns per table: each table costs the server a while. */
const columnsPerTable = 12;

/** Cases that share a table: case i is column v<i>, its values stand in rows 0, 1, ...; row 0 is NULL. */
interface CellTable {
  readonly name: string;
  readonly cases: readonly CellCase[];
  readonly columns: readonly SourceColumn[];
}

function compareBothWays(start: () => Promise<TestServer>): void {
  let server: TestServer;
  let tables: CellTable[];
  let from: BinlogPosition;
  beforeAll(async () => {
    server = await start();
    from = await positionOf(server);
    tables = await createTables(server);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
  });

  it.each(Object.keys(profiles))('are the same from SELECT and from the binary log (%s)', async (name) => {
    const plans = tables.map((table) => planOf(table, profiles[name] as Profile));
    const streamed = await readStream(server, from, plans);
    const wrong: string[] = [];
    let compared = 0;
    for (const [index, plan] of plans.entries()) {
      const selected = await readSnapshot(server, plan);
      const seen = streamed.get(tableKey(plan.source)) ?? [];
      expect(seen.length).toBe(selected.length);
      for (const [row, calls] of selected.entries()) {
        compared += calls.length;
        for (const [column, call] of calls.entries()) {
          if (call === seen[row]?.[column]) continue;
          const cell = describeCell(tables[index] as CellTable, row, column);
          wrong.push(`${cell} -> ${plan.columns[column]?.targetType}: SELECT ${call}, binlog ${seen[row]?.[column]}`);
        }
      }
    }
    expect(wrong.map((text) => text.slice(0, 400))).toEqual([]);
    expect(compared).toBeGreaterThan(5_000);
  });

  it('are the text that the server shows, where they become STRING', async () => {
    const plans = tables.map((table) => planOf(table, profiles.strings as Profile));
    const streamed = await readStream(server, from, plans);
    const wrong: string[] = [];
    for (const [index, table] of tables.entries()) {
      const shown = await rawRows(server, `SELECT * FROM cells.${table.name} ORDER BY id`);
      const seen = streamed.get(tableKey((plans[index] as TablePlan).source)) ?? [];
      for (const [row, cells] of shown.entries()) {
        for (const [column, cell] of cells.entries()) {
          const type = table.columns[column] as SourceColumn;
          if (isShownOtherwise(type)) continue;
          const wanted = cell === null ? '' : `bytes(${column}, ${cell.toString('latin1')})`;
          if (seen[row]?.[column] !== wanted) {
            wrong.push(`${describeCell(table, row, column)}: server ${wanted}, binlog ${seen[row]?.[column]}`);
          }
        }
      }
    }
    expect(wrong.map((text) => text.slice(0, 400))).toEqual([]);
  });
}

async function createTables(server: TestServer): Promise<CellTable[]> {
  await server.query(
    "DROP DATABASE IF EXISTS cells; CREATE DATABASE cells; USE cells; SET sql_mode='', time_zone='+00:00'",
  );
  const all = cellCases(server.flavor, server.version, randomCount);
  const tables: CellTable[] = [];
  for (let first = 0; first < all.length; first += columnsPerTable) {
    const cases = all.slice(first, first + columnsPerTable);
    const name = `t${first}`;
    const definitions = cases.map(({ type }, index) => `v${index} ${type}`);
    // MyISAM has no limit of half a page for a row.
    await server.query(`CREATE TABLE ${name} (id INT PRIMARY KEY, ${definitions.join(', ')}) ENGINE=MyISAM`);
    const rowCount = Math.max(...cases.map(({ values }) => values.length)) + 1;
    const rows = Array.from({ length: rowCount }, (_, row) =>
      [row, ...cases.map(({ values }) => values[row - 1] ?? 'NULL')].join(', '),
    );
    await server.query(`INSERT INTO ${name} VALUES (${rows.join('), (')})`);
    tables.push({ name, cases, columns: await describeColumns(server, { database: 'cells', table: name }) });
  }
  return tables;
}

function describeCell(table: CellTable, row: number, column: number): string {
  const cellCase = table.cases[column - 1];
  return `${cellCase?.type} ${cellCase?.values[row - 1] ?? 'NULL'}`;
}

/** Display only (see text-cell.ts), bytes that are no text, and bits, which the server shows as bytes. */
function isShownOtherwise({ type, typeText }: SourceColumn): boolean {
  if (/zerofill|^year\(2\)|^(float|double).*\d,/.test(typeText)) return true;
  return ['float', 'bit', 'bytes', 'geometry', 'vector'].includes(type.kind);
}

function planOf(table: CellTable, profile: Profile): TablePlan {
  const plan = planFor({ database: 'cells', table: table.name }, table.columns);
  const columns = plan.columns.map((column): ColumnPlan => {
    const { type, policy } = profile(table.columns[column.sourceIndex] as SourceColumn);
    return { ...column, targetType: type, onUnrepresentable: policy };
  });
  return { ...plan, columns, timeZone };
}

/** The calls of each row by column, '' for NULL. */
type CallsByRow = string[][];

async function readStream(
  server: TestServer,
  from: BinlogPosition,
  plans: readonly TablePlan[],
): Promise<Map<string, CallsByRow>> {
  const byKey = new Map(plans.map((plan) => [tableKey(plan.source), plan]));
  const found = new Map<string, CallsByRow>(plans.map((plan) => [tableKey(plan.source), []]));
  const end = await positionOf(server);
  const stop = new AbortController();
  const options = {
    flavor: server.flavor,
    serverId: 88_000 + (process.pid % 1000),
    signal: stop.signal,
    rolledBack: new Set<string>(),
    heartbeatMs: 200,
  };
  const planOfName = (name: TableName): TablePlan | null => byKey.get(tableKey(name)) ?? null;
  for await (const arrival of streamBinlog(server.connectionOptions(), from, planOfName, options)) {
    for (const event of arrival) {
      if (event.kind === 'rows') {
        const sink = new CollectingSink();
        event.batch.drive(sink);
        const { plan } = event.batch;
        found.get(tableKey(plan.source))?.push(...sink.rows.map(({ cells }) => byColumn(cells, plan.columns.length)));
        continue;
      }
      const { file, offset } = event.position;
      if (file > end.file || (file === end.file && offset >= end.offset)) stop.abort();
    }
  }
  return found;
}

function byColumn(calls: readonly string[], count: number): string[] {
  const cells = Array.from({ length: count }, () => '');
  for (const call of calls) cells[Number(/\((\d+)/.exec(call)?.[1])] = call;
  return cells;
}

async function readSnapshot(server: TestServer, plan: TablePlan): Promise<CallsByRow> {
  const context = { table: plan.source, timeZone, onNulled: () => {} };
  const readers = plan.columns.map((column, index) =>
    compileTextCell(plan.sourceColumns[column.sourceIndex] as SourceColumn, column, index, context),
  );
  const selected = plan.sourceColumns.map((column) => snapshotExpression(column, `\`${column.name}\``, server.flavor));
  const rows = await rawRows(server, `SELECT ${selected.join(', ')} FROM cells.${plan.source.table} ORDER BY id`);
  return rows.map((cells) => {
    const sink = new CollectingSink();
    for (const [index, cell] of cells.entries()) {
      if (cell === null) continue;
      // Amid other bytes, as in a packet.
      const packet = Buffer.concat([Buffer.from('9-'), cell, Buffer.from('.9')]);
      readers[index]?.(packet, 2, packet.length - 2, sink);
    }
    return byColumn(sink.calls, plan.columns.length);
  });
}

async function rawRows(server: TestServer, sql: string): Promise<(Buffer | null)[][]> {
  const connection = await mysql.createConnection({ ...server.connectionOptions(), charset: 'utf8mb4_general_ci' });
  try {
    await connection.query("SET time_zone='+00:00', sql_mode=''");
    const [rows] = await connection.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() });
    return rows as unknown as (Buffer | null)[][];
  } finally {
    connection.destroy();
  }
}

/** The table of types of the profile `Faithful`. */
function faithfulType({ type }: SourceColumn): TargetType {
  switch (type.kind) {
    case 'int': {
      const rank = { 1: 0, 2: 1, 3: 2, 4: 2, 8: 3 }[type.bytes] + (type.unsigned && type.bytes !== 3 ? 1 : 0);
      return (['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'DECIMAL(20,0)'] as const)[rank] as TargetType;
    }
    case 'decimal':
      return type.scale > 18 || type.precision > 38 ? 'STRING' : `DECIMAL(${type.precision},${type.scale})`;
    case 'float':
      return 'FLOAT';
    case 'double':
      return 'DOUBLE';
    case 'bit':
      return type.bits === 64 ? 'DECIMAL(20,0)' : 'BIGINT';
    case 'year':
      return 'INT';
    case 'date':
      return 'DATE';
    case 'datetime':
      return 'TIMESTAMP_NTZ';
    case 'timestamp':
      return 'TIMESTAMP';
    case 'bytes':
    case 'geometry':
    case 'vector':
      return 'BINARY';
    default:
      return 'STRING';
  }
}

/** The profile `Dts`, narrow on purpose, so that values are refused too. */
function dtsType(column: SourceColumn): TargetType {
  const { type } = column;
  switch (type.kind) {
    case 'int':
      return type.bytes === 1 ? 'BOOLEAN' : 'BIGINT';
    case 'bit':
    case 'year':
      return 'BIGINT';
    case 'decimal':
      return type.scale > 10 ? 'DOUBLE' : type.precision < 12 ? 'BIGINT' : 'DECIMAL(20,2)';
    case 'float':
    case 'double':
      return type.kind === 'double' ? 'FLOAT' : 'DOUBLE';
    case 'date':
    case 'datetime':
    case 'timestamp':
      return 'DATETIME';
    default:
      return faithfulType(column) === 'BINARY' ? 'BINARY' : 'STRING';
  }
}

/** A server that runs already (root, no password): one that no package of the tests brings. */
async function attach(port: number): Promise<TestServer> {
  const connection = await mysql.createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    multipleStatements: true,
    charset: 'utf8mb4_general_ci',
    typeCast: (field) => field.string(),
  });
  const query = async (sql: string): Promise<Record<string, string | null>[]> => {
    const [rows] = await connection.query(sql.replace('SHOW MASTER STATUS', 'SHOW BINARY LOG STATUS'));
    return Array.isArray(rows) ? (rows as Record<string, string | null>[]) : [];
  };
  const [row] = await query('SELECT VERSION() AS version');
  return {
    flavor: 'mysql',
    version: row?.version ?? '',
    host: '127.0.0.1',
    port,
    query,
    connectionOptions: () => ({ host: '127.0.0.1', port, user: 'root', password: '' }),
    stop: async () => connection.destroy(),
    kill: () => {},
    restart: async () => {},
  };
}
