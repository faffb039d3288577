/** The task's wishes as functions of facts: what the pipeline calls without knowing of tasks. */
import type { SyncTask } from '../api/sync-task.js';
import { systemClock } from '../base/clock.js';
import type { TableMark } from '../model/target-table.js';
import type { Decide } from '../pipeline/prepare.js';
import { prepareTask, targetTableNames } from '../prepare/prepare.js';

export function decideFor({ spec }: SyncTask, mark: TableMark): Decide {
  return {
    targetTables: (tables) => targetTableNames(spec, tables),
    prepare: (source, target, hasCheckpoint) =>
      prepareTask({ spec, mark, hasCheckpoint, source, target, nowMs: systemClock.nowMs() }),
  };
}

export function markOf({ metadata }: SyncTask, taskId: string): TableMark {
  return { namespace: metadata.namespace, name: metadata.name, taskId };
}
