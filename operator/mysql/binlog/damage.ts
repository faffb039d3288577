/**
 * Tells a damaged binary log, or a position that is no beginning of an event, from bytes that were bent on their way. In: an
 * event that could not be read, and how to read again. Out: the error to end with. What is broken each time it is read will
 * not mend by itself: the position is lost. What is read well the next time was the line's fault, and is tried again.
 */
import { SyncError } from '../../base/errors.js';
import { type BinlogPosition, renderPosition } from '../../model/position.js';

/** Reads from `from` until it is past the place of the failure. Null where that went well, else what was wrong again. */
export type ReadAgain = (from: BinlogPosition) => Promise<SyncError | null>;

/** Beside the first time: a line that bends the same bytes three times in a row is as good as a damaged file. */
const readingsMax = 2;

export async function judgeDamage(error: SyncError, from: BinlogPosition, readAgain: ReadAgain): Promise<SyncError> {
  for (let reading = 1; reading <= readingsMax; reading += 1) {
    try {
      if ((await readAgain(from)) === null) return error;
    } catch (failure) {
      // The server is away, or says something else now: nothing is proved, and the next start hears it too.
      if (failure instanceof SyncError) return error;
      throw failure;
    }
  }
  return new SyncError('POSITION_LOST', {
    seen: `from ${renderPosition(from)} on the binary log cannot be read, ${readingsMax + 1} times with the same end: ${error.seen}`,
    wanted: 'whole events from a place on where one begins',
    fix: 'Correct spec.startPosition if the task has one (SHOW BINLOG EVENTS lists where events begin). Otherwise the file is damaged on the server, as by a crash of it: take the tables again (mcsync resnapshot).',
    position: error.position ?? renderPosition(from),
    cause: error,
  });
}

/** A start inside a transaction would give its last rows as if they were the whole. */
export function startsInsideTransaction(position: string): SyncError {
  return new SyncError('POSITION_LOST', {
    seen: 'the position to start at stands inside a transaction: the first event there belongs to one that began before',
    wanted: 'a position between two transactions',
    fix: 'Correct spec.startPosition if the task has one (SHOW BINLOG EVENTS lists where transactions begin). Otherwise the server has another log under this name: take the tables again (mcsync resnapshot).',
    position,
  });
}
