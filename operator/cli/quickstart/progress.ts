/** Waits for what the task's documents will say: that it streams, that it has caught up. Reads them; writes nothing. */
import { systemClock } from '../../base/clock.js';
import { SyncError } from '../../base/errors.js';
import { createFileStore } from '../../local/file-store.js';
import type { CheckpointDocument } from '../../model/documents.js';
import { comparePositions, renderPosition } from '../../model/position.js';
import { openAdminSession, type StageNote } from './stage.js';

const pollMs = 250;
/** Longer than any machine needs for 200,000 rows; a quickstart that hangs must say so. */
const patienceMsMax = 180_000;
const checkpointName = 'shop-checkpoint';

/** Until every baseline is complete and the stream has passed the end of its copy. */
export async function awaitSynchronizing(stateDir: string, signal: AbortSignal): Promise<void> {
  await awaitCheckpoint(stateDir, 'every table to be copied', signal, ({ tables, position }) => {
    const states = Object.values(tables);
    return (
      states.length > 0 &&
      states.every(
        ({ state, completeAfter }) =>
          state === 'complete' && (completeAfter === null || comparePositions(completeAfter, position) <= 0),
      )
    );
  });
}

/** Until the checkpoint stands at or after the place where the source stands now. */
export async function awaitCaughtUp(note: StageNote, stateDir: string, signal: AbortSignal): Promise<void> {
  const position = await sourcePosition(note);
  const wanted = `the stream to reach ${renderPosition(position)}`;
  await awaitCheckpoint(stateDir, wanted, signal, (checkpoint) => comparePositions(checkpoint.position, position) >= 0);
}

export async function sourcePosition(note: StageNote): Promise<{ file: string; offset: number; gtidSet: null }> {
  await using session = await openAdminSession(note);
  const [row] = await session.query('SHOW MASTER STATUS');
  return { file: row?.[0] ?? '', offset: Number(row?.[1]), gtidSet: null };
}

async function awaitCheckpoint(
  stateDir: string,
  wanted: string,
  signal: AbortSignal,
  isReached: (checkpoint: CheckpointDocument) => boolean,
): Promise<void> {
  const store = createFileStore(stateDir);
  const deadlineMs = systemClock.monotonicMs() + patienceMsMax;
  while (systemClock.monotonicMs() < deadlineMs) {
    const document = await store.load(checkpointName);
    if (document && isReached(JSON.parse(document.body) as CheckpointDocument)) return;
    await systemClock.sleep(pollMs, signal);
  }
  throw new SyncError('QUICKSTART_STEP_FAILED', {
    seen: `${patienceMsMax / 1000} s passed without it`,
    wanted,
    fix: 'Look at what `mcsync run` printed above. A machine with less than two cores may be too slow.',
  });
}
