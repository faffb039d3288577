/**
 * Where the changes of tables begin that are taken beside others, or anew. In: the start that the server gives, and how far
 * the stream has read. Out: a place that the stream has not passed. Where the server does not hold what was read (another
 * one, one restored to an older state, a log begun anew) nothing goes on but a task that takes all its tables again.
 */
import { SyncError } from '../base/errors.js';
import type { CheckpointDocument, PlanDocument } from '../model/documents.js';
import { gtidFlavorOf, gtidSetContains } from '../model/gtid-set.js';
import type { Source, SourceStart } from '../model/ports.js';
import {
  type BinlogPosition,
  hasReached,
  isOtherHistory,
  isSameServer,
  onServer,
  renderPosition,
} from '../model/position.js';
import type { PrepareSettings } from './prepare.js';

export interface History {
  /** How far the stream has read; null before the first plan, and where nothing is streamed. */
  readonly reached: BinlogPosition | null;
  /** Set where the server does not hold what was read: the end of its log. */
  readonly otherAt: BinlogPosition | null;
}

export async function historyAt(
  { position }: SourceStart,
  task: {
    readonly source: Source;
    readonly known: PlanDocument | null;
    readonly checkpoint: CheckpointDocument | null;
    readonly mode: PrepareSettings['mode'];
  },
): Promise<History> {
  const { source, known, checkpoint, mode } = task;
  if (known === null || mode === 'FullOnly') return { reached: null, otherAt: null };
  const reached = onServer(checkpoint?.position ?? known.start.position, known.start.identity);
  return holds(position, reached) ? { reached, otherAt: null } : await historyOf(source, reached);
}

/** By the end of the server's log: the stream cannot have read beyond it. */
export async function historyOf(source: Source, reached: BinlogPosition): Promise<History> {
  const end = await source.position();
  return { reached, otherAt: holds(end, reached) ? null : end };
}

function holds(position: BinlogPosition, reached: BinlogPosition): boolean {
  if (!isSameServer(position, reached)) return !isOtherHistory(position, reached);
  return hasReached(position, reached) && containsGtids(position, reached) !== false;
}

/** Null where one of the two has no GTIDs. */
function containsGtids(position: BinlogPosition, reached: BinlogPosition): boolean | null {
  if (position.gtidSet === null || reached.gtidSet === null) return null;
  return gtidSetContains(gtidFlavorOf(reached.gtidSet), position.gtidSet, reached.gtidSet);
}

/**
 * Two ways to find a start give a place at the beginning of the file, before the one that the stream has reached, and what it
 * has passed is not read again. So tables begin where it stands, if everything up to there is known to be visible to the
 * reads of their baselines.
 */
export function newTablesFrom(
  { position, method }: SourceStart,
  { reached, otherAt }: History,
  mode: PrepareSettings['mode'],
): BinlogPosition {
  if (reached === null || otherAt !== null || hasReached(position, reached)) return position;
  if (containsGtids(position, reached) === true || mode === 'IncrementalOnly') return reached;
  throw new SyncError('START_BEHIND_STREAM', {
    seen: `${renderPosition(position)} (${method}); the stream stands at ${renderPosition(reached)}`,
    wanted: 'a position at or past the one that the stream has reached, or GTIDs that say what is visible',
    fix: 'It is tried again, and succeeds at the latest when the server begins its next binary log file. To be independent of that, grant LOCK TABLES on the databases, or RELOAD.',
  });
}

/** Another server with GTIDs may be a replica that is behind for a moment: it is tried again. */
export function refuseOtherHistory({ reached, otherAt }: History): void {
  if (reached === null || otherAt === null) return;
  const mayCatchUp = otherAt.gtidSet !== null && reached.gtidSet !== null;
  const codeElsewhere = mayCatchUp ? 'START_BEHIND_STREAM' : 'SOURCE_IDENTITY_CHANGED';
  throw new SyncError(isSameServer(otherAt, reached) ? 'POSITION_LOST' : codeElsewhere, {
    seen: `the server's log ends at ${renderPosition(otherAt)}, and does not hold what was read up to ${renderPosition(reached)}`,
    wanted: 'a server that has all transactions up to there, or a task that takes all its tables anew',
    fix: 'Let the replica catch up, or point spec.source at the server that has these transactions. If they are lost, take all tables again: mcsync resnapshot.',
  });
}
