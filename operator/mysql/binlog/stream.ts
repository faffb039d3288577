/**
 * The binary log of a MySQL or MariaDB server as `ChangeEvent`s (port `Source.stream`).
 * In: where to start, and which plan a table has at the moment its rows come. Out: arrivals, each a lazy run of events.
 * It must never hand out a position inside a transaction, and never pass over what it does not understand.
 */
import type { ConnectionOptions } from 'mysql2';
import { assert } from '../../base/assert.js';
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent } from '../../model/change.js';
import type { StreamOptions } from '../../model/ports.js';
import type { BinlogPosition } from '../../model/position.js';
import { type TableName, tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { readStatement } from '../ddl/reader.js';
import { judgeDamage } from './damage.js';
import {
  type DumpSettings,
  heartbeatMsDefault,
  isHeartbeatAlone,
  openDump,
  readBornSeconds,
  readPast,
} from './dump.js';
import { assertDumpServer } from './dump-server.js';
import { checksumBytes, eventType, hasValidChecksum, headerBytes, versionNumber } from './event.js';
import { LogWatch } from './log-watch.js';
import { statementOffset } from './query-event.js';
import { BinlogReader, type ReaderOptions } from './reader.js';
import { readStatementEvent } from './statement-effect.js';
import type { Arrival, BinlogTransport } from './transport.js';

export interface BinlogStreamOptions extends StreamOptions, Omit<DumpSettings, 'connection'> {
  /** `serverKey` of the server that was found to go on from the position; not given: any. */
  readonly server?: string;
  /** A value of this column became NULL by policy. */
  readonly onNulled?: (table: TableName, columnName: string) => void;
}

export async function* streamBinlog(
  connection: ConnectionOptions,
  from: BinlogPosition,
  planOf: (name: TableName) => TablePlan | null,
  options: BinlogStreamOptions,
): AsyncGenerator<Iterable<ChangeEvent>, void, undefined> {
  if (options.signal.aborted) return;
  const state: ReadState = { reader: null, corrupt: null };
  try {
    yield* readLog(connection, from, planOf, options, state);
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'BINLOG_CORRUPT') throw error;
    state.corrupt = error;
  }
  if (state.corrupt === null) return;
  const place = state.reader?.place ?? from;
  const settings = { ...options, connection };
  throw await judgeDamage(state.corrupt, state.reader?.position ?? from, (again) => readPast(settings, again, place));
}

interface ReadState {
  reader: BinlogReader | null;
  /** An event that cannot be read; it is judged when the connection is closed. */
  corrupt: SyncError | null;
}

async function* readLog(
  connection: ConnectionOptions,
  from: BinlogPosition,
  planOf: (name: TableName) => TablePlan | null,
  options: BinlogStreamOptions,
  state: ReadState,
): AsyncGenerator<Iterable<ChangeEvent>, void, undefined> {
  const settings = { ...options, connection };
  await using transport = openDump(settings, from);
  let arrival = await transport.next();
  if (arrival === null) return;
  await assertDumpServer(transport, from, options);
  const facts = await readServerFacts(transport);
  const defaults = new Map<string, TableDefaults>();
  const reader = new BinlogReader({
    flavor: options.flavor,
    from,
    server: transport.server,
    planOf,
    rolledBack: options.rolledBack,
    hasChecksums: transport.hasChecksums,
    foldsNames: facts.foldsNames,
    selectedDatabases: options.selectedDatabases ?? null,
    tableDefaults: (name) => defaults.get(tableKey(name)) ?? null,
    onNulled: options.onNulled ?? (() => {}),
    onCorrupt: (error) => {
      state.corrupt = error;
    },
  });
  state.reader = reader;
  const watch = new LogWatch({
    query: (sql) => transport.query(sql),
    bornSeconds: () => reader.bornSeconds,
    readBornSeconds: (file) => readBornSeconds(settings, file),
    graceMs: options.heartbeatMs ?? heartbeatMsDefault,
    facts: transport.facts,
  });
  for (; arrival !== null; arrival = await transport.next()) {
    const isOpen = (await watch.judge(arrival)) === 'more to come';
    // Nothing but heartbeats, which would say that nothing was written.
    if (isOpen && isHeartbeatAlone(arrival)) continue;
    await readDefaults(transport, arrival, { ...facts, flavor: options.flavor, planOf, defaults });
    const events = reader.read(arrival);
    yield events;
    assert(events.next().done, 'an arrival is read to its end before the next one is asked for');
    if (state.corrupt !== null) return;
  }
}

interface ServerFacts {
  readonly foldsNames: boolean;
  readonly version: number;
}

async function readServerFacts(transport: BinlogTransport): Promise<ServerFacts> {
  const [row] = await transport.query('SELECT @@global.lower_case_table_names AS folding, VERSION() AS version');
  return { foldsNames: Number(row?.folding ?? 0) !== 0, version: versionNumber(String(row?.version)) };
}

interface TableDefaults {
  readonly charset: string;
  readonly collation: string;
}

/**
 * A new column without a charset takes its table's default, which the statement does not tell: asked from the server
 * before the arrival is handed out. Where the default has changed since, that change stands in the log as well and stops
 * the table; lengths of CHAR and VARCHAR are also checked against each table map.
 */
async function readDefaults(
  transport: BinlogTransport,
  arrival: Arrival,
  options: ServerFacts & Pick<ReaderOptions, 'flavor' | 'planOf'> & { readonly defaults: Map<string, TableDefaults> },
): Promise<void> {
  const wanted = new Map<string, TableName>();
  for (let index = 0; index < arrival.tos.length; index += 1) {
    const bytes = arrival.buffers[index] as Buffer;
    const from = arrival.froms[index] as number;
    const type = bytes[from + 4];
    if (type !== eventType.query && type !== eventType.mariadbQueryCompressed) continue;
    const to = arrival.tos[index] as number;
    if (to - statementOffset(bytes, from + headerBytes) < alterBytesMin) continue;
    const end = hasValidChecksum(bytes, from, to) ? to - checksumBytes : to;
    const query = readStatementEvent(type, bytes, from, end);
    if (!query?.statement || !/alter/i.test(query.statement)) continue;
    readStatement(query.statement, {
      ...query,
      flavor: options.flavor,
      version: options.version,
      utcSeconds: 0,
      tableDefaults: (name) => {
        const folded = options.foldsNames
          ? { database: name.database.toLowerCase(), table: name.table.toLowerCase() }
          : name;
        if (options.planOf(folded) !== null) wanted.set(tableKey(folded), folded);
        return null;
      },
    });
  }
  for (const [key, name] of wanted) {
    const [row] = await transport.query(
      `SELECT c.CHARACTER_SET_NAME AS charset, c.COLLATION_NAME AS collation
        FROM information_schema.TABLES t JOIN information_schema.COLLATIONS c ON c.COLLATION_NAME = t.TABLE_COLLATION
        WHERE t.TABLE_SCHEMA = ${quoteText(name.database)} AND t.TABLE_NAME = ${quoteText(name.table)}`,
    );
    if (row) options.defaults.set(key, { charset: String(row.charset), collation: String(row.collation) });
    else options.defaults.delete(key);
  }
}

/** Shorter texts are the BEGIN and COMMIT of every transaction, checksum included. */
const alterBytesMin = 12;

/** As a hexadecimal literal: no quoting rule of any SQL mode applies to it. */
function quoteText(text: string): string {
  return `CONVERT(0x${Buffer.from(text, 'utf8').toString('hex') || '00'} USING utf8)`;
}
