/**
 * Incremental data synchronization. In: the plan and, where there is one, the checkpoint. Out: every change of the selected
 * tables in the change logs, once each, and the checkpoint that says how far. It never commits what no stored intent
 * names, and never moves the checkpoint into a transaction.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { CheckpointDocument, PlanDocument } from '../model/documents.js';
import { type Body, FencedDocument } from '../model/fenced-document.js';
import type { Source, Warehouse } from '../model/ports.js';
import { hasReached, isSameServer, renderPosition } from '../model/position.js';
import type { ColumnDecider } from '../model/schema-history.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type BatcherLimits, partitionedSessions } from './batcher.js';
import { nameServers } from './known-source.js';
import { guardLogs } from './log-guard.js';
import type { NulledCounts } from './nulled-counts.js';
import { PlanBook } from './plan-book.js';
import { recoverIntent } from './recovery.js';
import { diverged } from './replay.js';
import { storeVersions } from './schema-change.js';
import { readOnce } from './stream-pass.js';
import { foldPlan, streamFrom } from './table-states.js';
import { claimOf, documentNames, loadPlan, loadSchema, type Reporter, type TaskDocuments } from './task-documents.js';

export interface StreamInput {
  readonly documents: TaskDocuments;
  readonly source: Source;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly report: Reporter;
  readonly decideColumn: ColumnDecider;
  /** Fed by the source while rows are driven. */
  readonly nulled: NulledCounts;
  /** The server that answers now; absent: the one that the checkpoint names. */
  readonly servedBy?: () => SourceIdentity;
  readonly settings: StreamSettings;
  /** Asks for an end at the next transaction's end, with a last flush. */
  readonly stop: AbortSignal;
  /** The grace period is over: waits end at once. */
  readonly deadline: AbortSignal;
}

export interface StreamSettings extends BatcherLimits {
  readonly flushIntervalMs: number;
  /** Wire bytes before compression after which a flush does not wait for the interval. */
  readonly flushBytesMax: number;
  /** How often the snapshot workers' documents are read while a table is being copied. */
  readonly shardPollMs: number;
  readonly shards: number;
}

export async function runStream(input: StreamInput): Promise<void> {
  const { documents, source, warehouse, clock, report } = input;
  const stored = await loadPlan(documents);
  assert(stored?.stage === 'done', 'a stream starts after prepare');
  const { identity } = stored.start;
  const plan = nameServers(stored, identity);
  const checkpoint = await FencedDocument.claim<CheckpointDocument>(
    claimOf(documents, documentNames.checkpoint(documents.task)),
    (previous) => (previous ? nameServers(previous, identity) : firstCheckpoint(plan, clock.nowMs())),
  );
  const schema = await loadSchema(documents);
  const batching = { warehouse, clock, limits: input.settings, openSession: partitionedSessions(warehouse) };
  const book = new PlanBook(plan, schema, checkpoint.value);
  await recoverIntent({ ...input, ...batching, checkpoint, book });
  const { partial, position: stoodAt } = checkpoint.value;
  const lastId = Math.max(checkpoint.value.recordId, partial?.done ?? 0);
  const position = streamFrom(checkpoint.value.tables, plan, stoodAt);
  const tables = foldPlan(checkpoint.value.tables, plan, { position, recordId: lastId });
  const goesOn = position === stoodAt ? {} : { recordId: lastId, partial: null };
  const caughtUpAt = await source.position();
  // Ids of its other part depend on what another server logged before it.
  if (partial && position === stoodAt && !isSameServer(stoodAt, caughtUpAt))
    throw diverged('another server, amid a transaction that is committed in parts', 'the server that it began on');
  // A later plan may name other versions; what the checkpoint names must be found for as long as it does.
  await storeVersions(
    plan.tables.map((planned) => planned.plan),
    { documents, checkpoint },
  );
  await checkpoint.update((value) => ({
    ...value,
    ...goesOn,
    identity: input.servedBy?.() ?? value.identity,
    position,
    tables,
    configHash: plan.inputHash,
    caughtUp: hasReached(position, caughtUpAt),
  }));
  const { recordId } = checkpoint.value;
  report.info('streaming', { position: renderPosition(position), recordId, tables: Object.keys(tables).length });
  const logsAreBehind = guardLogs(warehouse, plan, lastId).catch(async (error: unknown) => {
    // Where another writer has taken over meanwhile, the log runs ahead of what was ours.
    await checkpoint.confirm();
    throw error;
  });
  logsAreBehind.catch(() => undefined);
  const rolledBack = new Set<string>();
  for (;;) {
    const book = new PlanBook(plan, await loadSchema(documents), checkpoint.value);
    const ending = await readOnce({ ...input, ...batching, checkpoint, book, caughtUpAt, rolledBack, logsAreBehind });
    if (ending.kind === 'stopped') return;
    report.warn('transaction rolled back', { begin: ending.begin });
    rolledBack.add(ending.begin);
  }
}

function firstCheckpoint(plan: PlanDocument, nowMs: number): Body<CheckpointDocument> {
  return {
    configHash: plan.inputHash,
    identity: plan.start.identity,
    serverId: plan.serverId,
    position: plan.start.position,
    recordId: plan.firstRecordId - 1,
    utcSeconds: 0,
    intent: null,
    tables: {},
    counts: { changes: 0, flushes: 0, nulled: {} },
    savedAtMs: nowMs,
    caughtUp: false,
  };
}
