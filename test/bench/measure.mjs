// One measurement in a process of its own: a reader of a server, from the first byte to the last row.
// In: JSON on the command line. Out: JSON {rows, ms, cpuMs, rssMiB}. The clock starts when the schema is known, before the
// connection that is measured is made.
import ZongJi from '@vlasky/zongji';
import { systemClock } from '../../operator/dist/base/clock.js';
import { RecordSink } from '../../operator/dist/maxcompute/record-sink.js';
import { comparePositions } from '../../operator/dist/model/position.js';
import { tableKey } from '../../operator/dist/model/source-table.js';
import { createMySqlSource } from '../../operator/dist/mysql/source.js';
import { profileType } from '../../operator/dist/prepare/types.js';

const job = JSON.parse(process.argv[2]);
const readers = { stream, snapshot, zongji };
let startedMs = 0;
let startedCpu = process.cpuUsage();
startClock();
const rows = await readers[job.reader](job);
const { user, system } = process.cpuUsage(startedCpu);
process.stdout.write(
  JSON.stringify({
    rows,
    ms: performance.now() - startedMs,
    cpuMs: (user + system) / 1000,
    rssMiB: process.resourceUsage().maxRSS / 1024,
  }),
);
process.exit(0);

function startClock() {
  startedMs = performance.now();
  startedCpu = process.cpuUsage();
}

/** Binary log to wire bytes with their checksums: decode and encode, nothing sent. */
async function stream({ port, table, from, end }) {
  const source = openSource(port);
  const plan = await planOf(source, table);
  const sink = openSink(plan, 'log');
  startClock();
  const stop = new AbortController();
  let rows = 0;
  const planOfTable = (name) => (tableKey(name) === tableKey(table) ? plan : null);
  const options = { serverId: 777_001, signal: stop.signal, rolledBack: new Set() };
  for await (const arrival of source.stream({ ...from, gtidSet: null }, planOfTable, options)) {
    let isAtEnd = false;
    for (const event of arrival) {
      if (event.kind === 'rows') {
        sink.beginBatch(rows + 1, event.batch.utcSeconds);
        rows += event.batch.drive(sink);
      } else if (event.position && comparePositions(event.position, { ...end, gtidSet: null }) >= 0) isAtEnd = true;
    }
    if (isAtEnd) break;
  }
  return rows;
}

/** One connection, the whole table, to wire bytes. */
async function snapshot({ port, table }) {
  const source = openSource(port);
  const plan = await planOf(source, table);
  const sink = openSink(plan, 'base');
  startClock();
  let rows = 0;
  const signal = new AbortController().signal;
  for await (const batch of source.readChunk(plan, { after: null, upTo: null }, signal)) rows += batch.drive(sink);
  return rows;
}

/** The library that our transport is built on, decoding by itself into objects that are dropped. */
function zongji({ port, table, from, end }) {
  return new Promise((resolve, reject) => {
    const reader = new ZongJi({ host: '127.0.0.1', port, user: 'root', password: '' });
    let rows = 0;
    reader.on('error', reject);
    reader.on('binlog', (event) => {
      const name = event.getEventName();
      if (name === 'writerows') rows += event.rows.length;
      if (name === 'rotate' ? event.binlogName !== from.file : event.nextPosition >= end.offset) resolve(rows);
    });
    reader.start({
      filename: from.file,
      position: from.offset,
      serverId: 777_002,
      includeEvents: ['tablemap', 'writerows', 'xid', 'rotate', 'query'],
      includeSchema: { [table.database]: [table.table] },
    });
  });
}

function openSource(port) {
  const settings = {
    host: '127.0.0.1',
    port,
    credentials: async () => ({ username: 'root', password: '' }),
    tls: { mode: 'Disabled' },
  };
  return createMySqlSource(settings, systemClock);
}

async function planOf(source, table) {
  const { tables } = await source.start([table]);
  const [found] = tables;
  return {
    source: table,
    schemaVersion: 1,
    sourceColumns: found.columns,
    columns: found.columns.map((column, sourceIndex) => ({
      sourceIndex,
      targetName: column.name,
      targetType: profileType(column.type, 'Faithful'),
      onUnrepresentable: 'Fail',
    })),
    key: found.key?.columns ?? null,
    baseTable: 'b',
    logTable: 'l',
    partitionKeys: ['year', 'month', 'day', 'hour'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
  };
}

function openSink(plan, kind) {
  return new RecordSink(
    plan.columns.map((column) => column.targetType),
    kind,
    (segment) => segment,
  );
}
