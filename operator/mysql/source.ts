/**
 * The port `Source` for MySQL and MariaDB. In: where the server is and who we are. Out: facts, a start, chunks, rows and the
 * stream. Connections are opened when they are needed; disposing ends them all.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { RowBatch } from '../model/change.js';
import type { ChunkRange, Source } from '../model/ports.js';
import type { BinlogPosition } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import type { TableName } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { streamBinlog } from './binlog/stream.js';
import { splitTable } from './chunks.js';
import { connectionOptions, type MySqlSettings } from './connect.js';
import { readFacts } from './facts.js';
import { refusedFilters } from './filters.js';
import { readBinlogStatus } from './server-state.js';
import { SessionPool } from './session-pool.js';
import { readRows } from './snapshot-reader.js';
import { closeView, openView } from './snapshot-view.js';
import { findStart } from './start-position.js';

export interface MySqlSourceOptions {
  /** The server that the task began with: another one is refused. Absent: the first connection decides. */
  readonly identity?: SourceIdentity;
  /** A value of this column became NULL by policy. */
  readonly onNulled?: (table: TableName, columnName: string) => void;
}

export function createMySqlSource(settings: MySqlSettings, clock: Clock, options: MySqlSourceOptions = {}): Source {
  const pool = new SessionPool(settings, clock, options.identity ?? null);
  const onNulled = options.onNulled ?? (() => undefined);

  async function* readChunk(plan: TablePlan, range: ChunkRange, signal: AbortSignal): AsyncGenerator<RowBatch> {
    const { flavor } = await pool.identity();
    const session = await pool.acquire();
    let isWhole = false;
    try {
      yield* readRows(session, plan, range, { flavor, signal, onNulled });
      isWhole = !signal.aborted;
    } finally {
      if (isWhole) pool.release(session);
      else session.destroy();
    }
  }

  async function* readView(
    plan: TablePlan,
    onView: (position: BinlogPosition) => Promise<void>,
    signal: AbortSignal,
  ): AsyncGenerator<RowBatch> {
    const identity = await pool.identity();
    const reader = await pool.acquire();
    try {
      const position = await pool.use((helper) => openView(reader, helper, plan.source, identity));
      await onView(position);
      yield* readRows(reader, plan, { after: null, upTo: null }, { flavor: identity.flavor, signal, onNulled });
      if (!signal.aborted) await closeView(reader);
    } finally {
      // Its lock waits were shortened: it is not used again.
      reader.destroy();
    }
  }

  return {
    facts: () => readFacts(settings),
    start: (tables) => pool.use((session) => findStart(session, tables)),
    position: () =>
      pool.use(async (session) => {
        const status = await readBinlogStatus(session);
        if (status === null) throw noBinlog();
        return status.position;
      }),
    refusedFilters: (plans) => pool.use((session) => refusedFilters(session, plans)),
    chunks: (plan, size) => pool.use((session) => splitTable(session, plan, size)),
    readChunk,
    readView,
    async *stream(from, planOf, streamOptions) {
      // A dump from '' would begin with the oldest file of the server.
      if (from.file === '') throw noBinlog();
      const { flavor } = await pool.identity();
      yield* streamBinlog(await connectionOptions(settings), from, planOf, { ...streamOptions, flavor, onNulled });
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

function noBinlog(): SyncError {
  return new SyncError('SOURCE_QUERY_FAILED', {
    seen: 'no position in a binary log: the server keeps none, or the account may not ask',
    wanted: 'log_bin switched on, and REPLICATION CLIENT and REPLICATION SLAVE granted',
    fix: 'Run `mcsync precheck -f FILE`: it prints the statements.',
  });
}
