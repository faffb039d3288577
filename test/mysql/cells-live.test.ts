/**
 * The promise that snapshot and stream agree: every type, its extremes and random values, once through SELECT and once
 * through the binary log of a real server, must give the same sink calls; and STRING must be the server's own text.
 */
import mysql from 'mysql2/promise';
import type { SourceColumn } from '../../operator/model/source-table.js';
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

describe('cells of MySQL 9.7', () => {
  const port = Number(process.env.MCSYNC_CELLS_PORT ?? 0);
  if (port > 0) compareBothWays(() => attach(port));
});

function compareBothWays(start: () => Promise<TestServer>): void {
  let server: TestServer;
  let cases: CellCase[];
  let columns: SourceColumn[][];
  let from: Awaited<ReturnType<typeof positionOf>>;
  beforeAll(async () => {
    server = await start();
    await server.query(
      "DROP DATABASE IF EXISTS cells; CREATE DATABASE cells; USE cells; SET sql_mode='', time_zone='+00:00'",
    );
    cases = cellCases(server.flavor, server.version, randomCount);
    from = await positionOf(server);
    columns = [];
    for (const [index, { type, values }] of cases.entries()) {
      await server.query(`CREATE TABLE t${index} (id int primary key, v ${type})`);
      const rows = ['NULL', ...values].map((value, id) => `(${id}, ${value})`);
      await server.query(`INSERT INTO t${index} VALUES ${rows.join(',')}`);
      columns.push(await describeColumns(server, { database: 'cells', table: `t${index}` }));
    }
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
  });

  it.each(Object.keys(profiles))('are the same from SELECT and from the binary log (%s)', async (name) => {
    const plans = columns.map((list, index) => planOf(index, list, profiles[name] as Profile));
    const streamed = await readStream(server, from, plans);
    const wrong: string[] = [];
    for (const [index, plan] of plans.entries()) {
      const selected = await readSnapshot(server, plan);
      const seen = streamed.get(tableKey(plan.source)) ?? [];
      for (const [id, calls] of selected.entries()) {
        const value = id === 0 ? 'NULL' : cases[index]?.values[id - 1];
        if (calls === seen[id]) continue;
        wrong.push(
          `${cases[index]?.type} -> ${plan.columns[1]?.targetType}, ${value}: SELECT ${calls}, binlog ${seen[id]}`,
        );
      }
      if (selected.length !== seen.length)
        wrong.push(`${cases[index]?.type}: ${selected.length} rows, binlog ${seen.length}`);
    }
    expect(wrong.map((text) => text.slice(0, 400))).toEqual([]);
  });

  it('are the text that the server shows, where they become STRING', async () => {
    const plans = columns.map((list, index) => planOf(index, list, profiles.strings as Profile));
    const streamed = await readStream(server, from, plans);
    const wrong: string[] = [];
    for (const [index, plan] of plans.entries()) {
      if (
        /float|zerofill|bit|year\(2\)|\d,\d+\)$|binary|blob|geometry/.test(cases[index]?.type ?? '') &&
        !/^decimal.*\)$/.test(cases[index]?.type ?? '')
      )
        continue;
      const shown = await rawRows(server, `SELECT id, v FROM cells.t${index} ORDER BY id`);
      for (const [id, [, cell]] of shown.entries()) {
        const wanted = cell === null ? '' : `bytes(1, ${(cell as Buffer).toString('latin1')})`;
        const seen = streamed.get(tableKey(plan.source))?.[id];
        if (seen !== wanted) wrong.push(`${cases[index]?.type}: server ${wanted}, binlog ${seen}`);
      }
    }
    expect(wrong.map((text) => text.slice(0, 400))).toEqual([]);
  });
}

function planOf(index: number, list: readonly SourceColumn[], profile: Profile): TablePlan {
  const plan = planFor({ database: 'cells', table: `t${index}` }, list);
  const columns = plan.columns.map((column): ColumnPlan => {
    const { type, policy } = profile(list[column.sourceIndex] as SourceColumn);
    return column.sourceIndex === 0
      ? { ...column, targetType: 'INT' }
      : { ...column, targetType: type, onUnrepresentable: policy };
  });
  return { ...plan, columns, timeZone };
}

/** Calls for the value, row by row, '' for NULL. */
async function readStream(
  server: TestServer,
  from: Awaited<ReturnType<typeof positionOf>>,
  plans: readonly TablePlan[],
): Promise<Map<string, string[]>> {
  const byKey = new Map(plans.map((plan) => [tableKey(plan.source), plan]));
  const found = new Map<string, string[]>();
  const end = await positionOf(server);
  const stop = new AbortController();
  const options = {
    flavor: server.flavor,
    serverId: 88_000 + (process.pid % 1000),
    signal: stop.signal,
    rolledBack: new Set<string>(),
    heartbeatMs: 200,
  };
  for await (const arrival of streamBinlog(
    server.connectionOptions(),
    from,
    (name) => byKey.get(tableKey(name)) ?? null,
    options,
  )) {
    for (const event of arrival) {
      if (event.kind === 'rows') {
        const sink = new CollectingSink();
        event.batch.drive(sink);
        const key = tableKey(event.batch.plan.source);
        found.set(key, [...(found.get(key) ?? []), ...sink.rows.map(({ cells }) => cells[1] ?? '')]);
      } else if (
        event.position.file > end.file ||
        (event.position.file === end.file && event.position.offset >= end.offset)
      )
        stop.abort();
    }
  }
  return found;
}

async function readSnapshot(server: TestServer, plan: TablePlan): Promise<string[]> {
  const context = { table: plan.source, timeZone, onNulled: () => {} };
  const column = plan.sourceColumns[1] as SourceColumn;
  const read = compileTextCell(column, plan.columns[1] as ColumnPlan, 1, context);
  const rows = await rawRows(
    server,
    `SELECT id, ${snapshotExpression(column, '`v`', server.flavor)} FROM cells.${plan.source.table} ORDER BY id`,
  );
  return rows.map(([, cell]) => {
    if (cell === null) return '';
    const sink = new CollectingSink();
    // Amid other bytes, as in a packet.
    const packet = Buffer.concat([Buffer.from('9-'), cell as Buffer, Buffer.from('.9')]);
    read(packet, 2, packet.length - 2, sink);
    return sink.calls[0] ?? '';
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
