/**
 * The port `Source` for MySQL and MariaDB. In: where the server is and who we are. Out: facts, a start, chunks, rows and the
 * stream. Connections are opened when they are needed; disposing ends them all.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { RowBatch } from '../model/change.js';
import type { ChunkRange, Source } from '../model/ports.js';
import { type BinlogPosition, serverKey } from '../model/position.js';
import type { KnownSource } from '../model/source-facts.js';
import type { TableName } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { followBinlog } from './binlog/follow.js';
import { splitTable } from './chunks.js';
import { type MySqlSettings, withConnectionOptions } from './connect.js';
import { withGtidsOfNow } from './continuity.js';
import { readFacts } from './facts.js';
import { refusedFilters } from './filters.js';
import { assertReadable } from './log-continuity.js';
import { readLogEnd } from './server-state.js';
import type { Session } from './session.js';
import { type ServerNews, SessionPool } from './session-pool.js';
import { readRows, type SnapshotReading } from './snapshot-reader.js';
import { closeView, openView } from './snapshot-view.js';
import { findStart } from './start-position.js';
import { watchStatement } from './statement-watch.js';

export interface MySqlSourceOptions {
  /** What the task has read: a server that lacks a part of it is refused. Absent: the first connection decides. */
  readonly known?: KnownSource;
  readonly onServer?: (news: ServerNews) => void;
  /** How long a replica may take to catch up before it is refused; default 30 s. */
  readonly lagMsMax?: number;
  /** Told where a failure of the source is waited out instead of told at once, before each wait. */
  readonly onWait?: (error: SyncError, attempt: number, delayMs: number) => void;
  /** A connection that says nothing for so long is looked at, or lost; default 30 s. */
  readonly silenceMs?: number;
  /** The server says so often that it is there while nothing is written; default 10 s. */
  readonly heartbeatMs?: number;
  /** A value of this column became NULL by policy. */
  readonly onNulled?: (table: TableName, columnName: string) => void;
}

export function createMySqlSource(settings: MySqlSettings, clock: Clock, options: MySqlSourceOptions = {}): Source {
  const pool = new SessionPool(settings, clock, options);
  const onNulled = options.onNulled ?? (() => undefined);

  const reading = async (session: Session): Promise<Pick<SnapshotReading, 'onNulled' | 'isAtWork' | 'silenceMs'>> => ({
    onNulled,
    isAtWork: await watchStatement(settings, session),
    silenceMs: options.silenceMs,
  });

  async function* readChunk(plan: TablePlan, range: ChunkRange, signal: AbortSignal): AsyncGenerator<RowBatch> {
    const session = await pool.acquire();
    const { flavor } = pool.identityOf(session);
    let isWhole = false;
    try {
      yield* readRows(session, plan, range, { ...(await reading(session)), flavor, signal });
      if (signal.aborted) return;
      await pool.remember(session);
      isWhole = true;
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
    const reader = await pool.acquire();
    try {
      const identity = pool.identityOf(reader);
      const position = await pool.use((helper) => {
        pool.assertSameServer(reader, helper);
        return openView(reader, helper, plan.source, identity);
      });
      await pool.remember(reader, position);
      await onView(position);
      const { flavor } = identity;
      yield* readRows(reader, plan, { after: null, upTo: null }, { ...(await reading(reader)), flavor, signal });
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
        const position = await readLogEnd(session);
        if (position === null) throw noBinlog();
        return position;
      }),
    refusedFilters: (plans) => pool.use((session) => refusedFilters(session, plans)),
    chunks: (plan, size) => pool.use((session) => splitTable(session, plan, size)),
    readChunk,
    readView,
    async *stream(from, planOf, streamOptions) {
      // A dump from '' would begin with the oldest file of the server.
      if (from.file === '') throw noBinlog();
      const { flavor, server, begin } = await pool.use(async (session) => {
        const identity = pool.identityOf(session);
        await pool.assertHolds(session, [from]);
        const begin = await withGtidsOfNow(session, identity, from);
        await assertReadable(session, identity, begin);
        return { flavor: identity.flavor, server: serverKey(identity), begin };
      });
      const begun = await withConnectionOptions(settings, async (connection) => {
        const all = followBinlog(connection, begin, planOf, {
          ...streamOptions,
          flavor,
          server,
          onNulled,
          clock,
          ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs, answerMs: options.silenceMs }),
          ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
          ...(options.onWait ? { onWait: options.onWait } : {}),
        });
        return { first: await all.next(), all };
      });
      yield* resume(begun);
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** The log-in is over when the first arrival is there: from then on a rejection is a failure like others. */
async function* resume<T>({
  first,
  all,
}: {
  readonly first: IteratorResult<T, void>;
  readonly all: AsyncGenerator<T, void, undefined>;
}): AsyncGenerator<T, void, undefined> {
  if (first.done) return;
  try {
    yield first.value;
    yield* all;
  } finally {
    await all.return();
  }
}

function noBinlog(): SyncError {
  return new SyncError('SOURCE_QUERY_FAILED', {
    seen: 'no position in a binary log: the server keeps none, or the account may not ask',
    wanted: 'log_bin switched on, and REPLICATION CLIENT and REPLICATION SLAVE granted',
    fix: 'Run `mcsync precheck -f FILE`: it prints the statements.',
  });
}
