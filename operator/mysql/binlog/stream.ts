/**
 * The binary log of a MySQL or MariaDB server as `ChangeEvent`s (port `Source.stream`).
 * In: where to start, and which plan a table has at the moment its rows come. Out: arrivals, each a lazy run of events.
 * It must never hand out a position inside a transaction, and never pass over what it does not understand.
 */
import type { ConnectionOptions } from 'mysql2';
import { assert } from '../../base/assert.js';
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent } from '../../model/change.js';
import { gtidSetContains } from '../../model/gtid-set.js';
import type { StreamOptions } from '../../model/ports.js';
import { type BinlogPosition, renderPosition } from '../../model/position.js';
import { type TableName, tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { readStatement } from '../ddl/reader.js';
import { checksumBytes, eventType, hasValidChecksum, headerBytes, versionNumber } from './event.js';
import { statementOffset } from './query-event.js';
import { BinlogReader, type ReaderOptions } from './reader.js';
import { readStatementEvent } from './statement-effect.js';
import { type Arrival, BinlogTransport } from './transport.js';

export interface BinlogStreamOptions extends StreamOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** A value of this column became NULL by policy. */
  readonly onNulled?: (table: TableName, columnName: string) => void;
  /** Server heartbeats; a connection without one for `silenceMs` is lost. Defaults 10 s and 30 s. */
  readonly heartbeatMs?: number;
  readonly silenceMs?: number;
}

const heartbeatMsDefault = 10_000;
const silenceMsDefault = 30_000;

export async function* streamBinlog(
  connection: ConnectionOptions,
  from: BinlogPosition,
  planOf: (name: TableName) => TablePlan | null,
  options: BinlogStreamOptions,
): AsyncGenerator<Iterable<ChangeEvent>, void, undefined> {
  if (options.signal.aborted) return;
  await using transport = new BinlogTransport({
    connection,
    serverId: options.serverId,
    from,
    signal: options.signal,
    heartbeatMs: options.heartbeatMs ?? heartbeatMsDefault,
    silenceMs: options.silenceMs ?? silenceMsDefault,
  });
  let arrival = await transport.next();
  if (arrival === null) return;
  await checkGtids(transport, from, options.flavor);
  const facts = await readServerFacts(transport);
  const defaults = new Map<string, TableDefaults>();
  const reader = new BinlogReader({
    flavor: options.flavor,
    from,
    planOf,
    rolledBack: options.rolledBack,
    hasChecksums: transport.hasChecksums,
    foldsNames: facts.foldsNames,
    selectedDatabases: options.selectedDatabases ?? null,
    tableDefaults: (name) => defaults.get(tableKey(name)) ?? null,
    onNulled: options.onNulled ?? (() => {}),
  });
  for (; arrival !== null; arrival = await transport.next()) {
    await readDefaults(transport, arrival, { ...facts, flavor: options.flavor, planOf, defaults });
    const events = reader.read(arrival);
    yield events;
    assert(events.next().done, 'an arrival is read to its end before the next one is asked for');
  }
}

/** The server sends older history without a word when it does not know a transaction of ours: another server, or one behind. */
async function checkGtids(
  transport: BinlogTransport,
  from: BinlogPosition,
  flavor: 'mysql' | 'mariadb',
): Promise<void> {
  if (!from.gtidSet || flavor !== 'mysql') return;
  const [row] = await transport.query('SELECT @@global.gtid_executed AS executed');
  const executed = String(row?.executed ?? '');
  if (gtidSetContains('mysql', executed, from.gtidSet) !== false) return;
  throw new SyncError('POSITION_LOST', {
    seen: `the server has executed ${executed.replace(/\s/g, '') || 'nothing'}, which lacks transactions of the checkpoint`,
    wanted: `a server that has executed ${from.gtidSet}`,
    fix: 'Point the task at the server it was taken on, or wait until this replica has caught up; otherwise take the tables again (mcsync resnapshot).',
    position: renderPosition(from),
  });
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
