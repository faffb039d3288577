/** The prepare worker: precheck, target tables, plan. */
import type { SyncTask } from '../api/sync-task.js';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { BinlogPosition } from '../model/position.js';
import { refusal, runPrepare } from '../pipeline/prepare.js';
import { decideFor, markOf } from './decide.js';
import { openSource, openWarehouse } from './ends.js';
import { batcherLimits, chunkBytes } from './limits.js';
import type { WorkerContext } from './worker.js';

export async function runPrepareWorker(context: WorkerContext): Promise<void> {
  const { task, config, documents, secrets, report } = context;
  await using source = openSource(task, secrets);
  await using warehouse = openWarehouse(task, secrets);
  const mark = markOf(task, config.taskId);
  // It starts over from what is stored, so that it can be left at any point.
  const stopped = new Promise<never>((_, reject) => {
    context.stop.addEventListener('abort', () => reject(context.stop.reason), { once: true });
  });
  const prepared = runPrepare({
    documents,
    source,
    warehouse,
    clock: systemClock,
    report,
    decide: decideFor(task, mark),
    recovery: { limits: batcherLimits, stop: context.stop, deadline: context.deadline },
    mark,
    settings: {
      inputHash: config.inputHash,
      mode: task.spec.mode,
      startPosition: startPosition(task),
      chunk: { rows: task.spec.snapshot.chunkRows, bytes: chunkBytes(task.spec.snapshot.parallelism) },
      serverId: task.spec.source.serverId ?? null,
      resnapshot: config.resnapshot,
    },
  });
  const outcome = await Promise.race([prepared, stopped]);
  if (outcome.kind === 'refused') throw refusal(outcome.findings);
}

/** Null means now. */
function startPosition({ spec }: SyncTask): BinlogPosition | null {
  const start = spec.startPosition;
  if (start?.file !== undefined && start.position !== undefined) {
    return { file: start.file, offset: start.position, gtidSet: null };
  }
  if (start === undefined || start.latest) return null;
  throw new SyncError('TASK_INVALID', {
    seen: `spec.startPosition.${start.gtidSet === undefined ? 'timestamp' : 'gtidSet'}`,
    wanted: 'latest: true, or file and position; the others are not supported yet',
    fix: 'Look up file and position with SHOW BINLOG EVENTS on the server.',
  });
}
