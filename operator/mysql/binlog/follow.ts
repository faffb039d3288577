/**
 * The binary log for a worker that will start again when it ends. In and out: as `streamBinlog`, whose failures pass. A reader
 * with our server id is not answered at once: each start cuts the other one off, and both would do nothing else.
 */
import type { ConnectionOptions } from 'mysql2';
import type { Clock } from '../../base/clock.js';
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent } from '../../model/change.js';
import type { BinlogPosition } from '../../model/position.js';
import type { TableName } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { type BinlogStreamOptions, streamBinlog } from './stream.js';

export interface FollowOptions extends BinlogStreamOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Told before a failure is held back for a while. */
  readonly onWait?: (error: SyncError, attempt: number, delayMs: number) => void;
}

/** Between half of it and all of it, at random: two that wait alike would meet again. */
const clashPauseMsMax = 60_000;

export async function* followBinlog(
  connection: ConnectionOptions,
  from: BinlogPosition,
  planOf: (name: TableName) => TablePlan | null,
  options: FollowOptions,
): AsyncGenerator<Iterable<ChangeEvent>, void, undefined> {
  const { clock, signal, onWait } = options;
  try {
    yield* streamBinlog(connection, from, planOf, options);
  } catch (error) {
    if (error instanceof SyncError && error.code === 'SOURCE_SERVER_ID_CLASH') {
      const pauseMs = Math.round((clashPauseMsMax / 2) * (1 + Math.random()));
      onWait?.(error, 1, pauseMs);
      await clock.sleep(pauseMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
    throw error;
  }
}
