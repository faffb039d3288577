/**
 * Initial full data synchronization. In: the plan's tables and chunks. Out: each baseline filled by one committed upload
 * session. Chunk i is block i, so any worker may read any chunk at any time and again; what is done is what the session
 * lists. It takes no locks that outlast an instant, and commits one baseline at a time.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { PlanDocument, PlannedTable, ShardDocument, ShardTable } from '../model/documents.js';
import { FencedDocument } from '../model/fenced-document.js';
import type { Source, Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { NulledCounts } from './nulled-counts.js';
import { copyChunks } from './snapshot-chunks.js';
import { Progress } from './snapshot-progress.js';
import { copyView } from './snapshot-view.js';
import {
  claimOf,
  documentNames,
  loadCheckpoint,
  loadPlan,
  type Reporter,
  type TaskDocuments,
} from './task-documents.js';

export interface SnapshotInput {
  readonly documents: TaskDocuments;
  readonly source: Source;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly report: Reporter;
  readonly stop: AbortSignal;
  /** What the source tells of values that became NULL; absent: nobody counts. */
  readonly nulled?: NulledCounts;
  readonly settings: SnapshotSettings;
}

export interface SnapshotSettings {
  /** Connections that read at the same time. */
  readonly parallelism: number;
  /** Wire bytes after which a table read in one view starts its next block. */
  readonly blockBytesMax: number;
  /** Compressed bytes of a chunk that are held; one that grows beyond is sent in pieces. */
  readonly chunkHeldBytesMax: number;
  /** What one upload session takes; a table of more chunks goes in several. */
  readonly blocksPerSessionMax: number;
  /** False with mode FullOnly: nobody streams, so nothing waits for the stream. */
  readonly hasStream: boolean;
  /** How often progress is saved, and the stream's answers are looked for. */
  readonly pollMs: number;
}

export interface TableCopy extends SnapshotInput {
  readonly planned: PlannedTable;
  readonly progress: Progress;
}

export async function runSnapshot(input: SnapshotInput): Promise<void> {
  const plan = await loadPlan(input.documents);
  assert(plan?.stage === 'done', 'a snapshot starts after prepare');
  const name = documentNames.shard(input.documents.task, 0);
  const shard = await FencedDocument.claim<ShardDocument>(claimOf(input.documents, name), (previous) => {
    const tables = tablesToCopy(plan, previous?.tables ?? {});
    return { tables, nulled: nulledOf(tables, previous), updatedAtMs: input.clock.nowMs() };
  });
  const progress = new Progress(shard, input.clock, input.settings.pollMs, input.nulled ?? new NulledCounts());
  const copied = plan.tables.filter((planned) => planned.snapshot !== null);
  if (input.settings.hasStream) await waitForStream(copied, input);
  const open = copied.filter((planned) => !shard.value.tables[tableKey(planned.plan.source)]?.committed);
  const inOneView = open.filter((planned) => planned.snapshot?.inOneView);
  const byKey = open.filter((planned) => !planned.snapshot?.inOneView);
  for (const planned of inOneView) await copyView({ ...input, planned, progress });
  await copyChunks(byKey.map((planned) => ({ ...input, planned, progress })));
  await progress.save();
  input.report.info('snapshot complete', { tables: copied.length });
}

/** Progress of a table that is copied for the first time, or anew; of others it stays as it stood. */
function tablesToCopy(plan: PlanDocument, known: ShardDocument['tables']): Record<string, ShardTable> {
  const tables: Record<string, ShardTable> = {};
  for (const { plan: table, snapshot, generation } of plan.tables) {
    if (snapshot === null) continue;
    const key = tableKey(table.source);
    const before = known[key];
    tables[key] =
      before?.generation === generation
        ? before
        : {
            generation,
            rowsRead: 0,
            chunksDone: 0,
            chunks: snapshot.chunks.length,
            session: null,
            commitIntent: null,
            committed: false,
            completeAfter: null,
            watch: null,
          };
  }
  return tables;
}

/** Counts of the tables that stay as they stood; one that is copied anew is counted anew. */
function nulledOf(tables: ShardDocument['tables'], previous: ShardDocument | null): Record<string, number> {
  const kept = Object.keys(tables).filter((key) => tables[key] === previous?.tables[key]);
  const counts = Object.entries(previous?.nulled ?? {});
  return Object.fromEntries(counts.filter(([column]) => kept.some((key) => column.startsWith(`${key}.`))));
}

/** The first row is read only when the stream has taken the tables over: what it logs from then on is what we may miss. */
async function waitForStream(copied: readonly PlannedTable[], input: SnapshotInput): Promise<void> {
  for (;;) {
    const checkpoint = await loadCheckpoint(input.documents);
    const isTaken = copied.every(
      (planned) => (checkpoint?.tables[tableKey(planned.plan.source)]?.generation ?? 0) >= planned.generation,
    );
    if (isTaken) return;
    await input.clock.sleep(input.settings.pollMs, input.stop);
  }
}
