/**
 * The pipeline of one task in this process, between a real server and an emulator that is restarted at will. Its store and
 * its warehouse pass through hooks, so that a fault falls exactly where a test wants it, and waits of minutes pass at once.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../operator/base/clock.js';
import { SyncError } from '../../operator/base/errors.js';
import { openSource, openWarehouse } from '../../operator/cli/ends.js';
import { batcherLimits, blocksPerSessionMax, chunkHeldBytes, viewBlockBytesMax } from '../../operator/cli/limits.js';
import { loadTask, type TaskContext } from '../../operator/cli/task-context.js';
import { runPrepareWorker } from '../../operator/cli/worker-prepare.js';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';
import type { ConfigDocument, Envelope } from '../../operator/model/documents.js';
import type { CheckpointStore, CommitAnswer, Source, UploadRef, Warehouse } from '../../operator/model/ports.js';
import { knownSource } from '../../operator/pipeline/known-source.js';
import { NulledCounts } from '../../operator/pipeline/nulled-counts.js';
import { runSnapshot } from '../../operator/pipeline/snapshot.js';
import { runStream } from '../../operator/pipeline/stream.js';
import { loadCheckpoint, type Reporter, type TaskDocuments } from '../../operator/pipeline/task-documents.js';
import { columnDecider } from '../../operator/prepare/columns.js';
import { requestResnapshot, saveConfig } from '../../operator/reconcile/config-document.js';
import type { TestServer } from '../parts/test-server.js';
import { accessKey } from './world.js';

/** What a process does that is killed: nothing more. */
export class Killed extends Error {}

/** Asked around the steps of one life of a worker. */
export interface Hooks {
  /** After a save was answered. */
  readonly onSaved?: (name: string, value: Envelope) => Promise<void>;
  /** In place of a commit. */
  readonly onCommit?: (ref: UploadRef, commit: () => Promise<CommitAnswer>) => Promise<CommitAnswer>;
}

export interface Workbench {
  readonly server: TestServer;
  readonly emulator: Emulator;
  readonly context: TaskContext;
  readonly taskFile: string;
  /** Milliseconds that were skipped instead of slept. */
  skippedMs(): number;
  /** What the workers reported, in order, since the last call. */
  told(): { readonly event: string; readonly facts: Readonly<Record<string, unknown>> }[];
  prepare(): Promise<void>;
  /** Prepares a new snapshot of these tables. */
  prepareAnew(tables: readonly string[]): Promise<void>;
  /** Streams until `isDone`; a life that ends by a kill or asks for another try is followed by the next one, without hooks. */
  stream(isDone: () => Promise<boolean>, hooks?: Hooks): Promise<void>;
  /** Copies what is not copied yet, in as many lives as it takes. */
  snapshot(hooks?: Hooks): Promise<void>;
  documents(): TaskDocuments;
  query(sql: string): ReturnType<Warehouse['query']>;
  close(): Promise<void>;
}

/** From here on a wait is one for the world to settle, not for work to come. */
const longWaitMs = 30_000;
const livesMax = 6;

export async function openWorkbench(startServer: () => Promise<TestServer>, database: string): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'mcsync-bench-'));
  const server = await startServer();
  const emulator = await startEmulator({
    port: 0,
    dataDir: join(folder, 'maxcompute'),
    project: 'live',
    accessKeyId: accessKey.id,
    accessKeySecret: accessKey.secret,
  });
  const taskFile = join(folder, 'task.yaml');
  await writeFile(taskFile, taskText(server.port, emulator.endpoint, database));
  const context = await loadTask({ file: taskFile, state: join(folder, 'state') });
  const clock = skippingClock();
  const told: { event: string; facts: Readonly<Record<string, unknown>> }[] = [];
  const report: Reporter = {
    info: (event, facts = {}) => void told.push({ event, facts }),
    warn: (event, facts = {}) => void told.push({ event, facts }),
    retrying: (error, attempt, delayMs) => void told.push({ event: error.code, facts: { attempt, delayMs } }),
  };
  const writer = () => ({ store: context.store, writerId: `bench/${process.pid}/${randomUUID()}`, version: '0' });
  const configure = (): Promise<ConfigDocument> => saveConfig(writer(), context.task);
  let config = await configure();

  const documents = (hooks: Hooks = {}): TaskDocuments => ({
    store: hooked(context.store, hooks),
    task: context.name,
    taskId: config.taskId,
    writerId: writer().writerId,
    version: '0',
  });
  const never = new AbortController().signal;
  const common = (hooks: Hooks, warehouse: Warehouse) => ({
    documents: documents(hooks),
    warehouse: withCommits(warehouse, hooks),
    clock,
    report,
    nulled: new NulledCounts(),
    deadline: never,
  });
  const { secrets, task } = context;
  const openKnown = async (): Promise<Source> => openSource(task, secrets, { known: await knownSource(documents()) });

  async function streamOnce(stop: AbortSignal, hooks: Hooks): Promise<void> {
    await using source = await openKnown();
    await using warehouse = openWarehouse(task, secrets);
    const settings = { flushIntervalMs: 200, flushBytesMax: 1 << 28, ...batcherLimits, shardPollMs: 100, shards: 1 };
    const decideColumn = columnDecider(task.spec);
    await runStream({ ...common(hooks, warehouse), source, decideColumn, settings, stop });
  }

  async function snapshotOnce(hooks: Hooks): Promise<void> {
    await using source = await openKnown();
    await using warehouse = openWarehouse(task, secrets);
    const parallelism = 2;
    const settings = {
      parallelism,
      blockBytesMax: viewBlockBytesMax,
      chunkHeldBytesMax: chunkHeldBytes(parallelism),
      blocksPerSessionMax,
      hasStream: true,
      pollMs: 100,
    };
    await runSnapshot({ ...common(hooks, warehouse), source, settings, stop: never });
  }

  async function live(once: (hooks: Hooks) => Promise<void>, hooks: Hooks): Promise<void> {
    for (let life = 1; ; life += 1) {
      try {
        return await once(life === 1 ? hooks : {});
      } catch (error) {
        const isOver = error instanceof Killed || (error instanceof SyncError && error.isRetryable);
        if (!isOver || life === livesMax) throw error;
        told.push({ event: 'life ended', facts: { by: error instanceof SyncError ? error.code : 'kill' } });
      }
    }
  }

  async function prepare(): Promise<void> {
    const prepared = { task, config, documents: documents(), secrets, report, stop: never, deadline: never };
    await runPrepareWorker(prepared);
  }

  return {
    server,
    emulator,
    context,
    taskFile,
    skippedMs: clock.skippedMs,
    told: () => told.splice(0),
    prepare,
    async prepareAnew(tables) {
      config = await requestResnapshot(writer(), config, tables, clock.nowMs());
      await prepare();
    },
    async stream(isDone, hooks = {}) {
      const stop = new AbortController();
      const streaming = live((each) => streamOnce(stop.signal, each), hooks);
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      streaming.then(end, end);
      while (!isOver && !(await isDone())) await systemClock.sleep(50);
      stop.abort();
      await streaming;
    },
    snapshot: (hooks = {}) => live(snapshotOnce, hooks),
    documents: () => documents(),
    async query(sql) {
      await using warehouse = openWarehouse(task, secrets);
      return await warehouse.query(sql, { 'odps.sql.allow.fullscan': 'true' });
    },
    async close() {
      await emulator.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The record id that is committed, once nothing is open; null before that. */
export async function settledRecordId(bench: Workbench): Promise<number | null> {
  const checkpoint = await loadCheckpoint(bench.documents());
  return checkpoint && checkpoint.intent === null ? checkpoint.recordId : null;
}

function hooked(store: CheckpointStore, { onSaved }: Hooks): CheckpointStore {
  return {
    load: (name) => store.load(name),
    async save(name, body, expected) {
      const answer = await store.save(name, body, expected);
      if (answer.saved) await onSaved?.(name, JSON.parse(body) as Envelope);
      return answer;
    },
  };
}

function withCommits(warehouse: Warehouse, { onCommit }: Hooks): Warehouse {
  if (!onCommit) return warehouse;
  return new Proxy(warehouse, {
    get(target, key) {
      if (key === 'commitUpload') return (ref: UploadRef) => onCommit(ref, () => target.commitUpload(ref));
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function skippingClock(): Clock & { skippedMs(): number } {
  let skippedMs = 0;
  return {
    skippedMs: () => skippedMs,
    nowMs: () => systemClock.nowMs() + skippedMs,
    monotonicMs: () => systemClock.monotonicMs() + skippedMs,
    async sleep(durationMs, signal) {
      if (durationMs < longWaitMs) return await systemClock.sleep(durationMs, signal);
      signal?.throwIfAborted();
      skippedMs += durationMs;
    },
  };
}

function taskText(port: number, endpoint: string, database: string): string {
  return `apiVersion: mcsync.dev/v1alpha1
kind: SyncTask
metadata: {name: bench}
spec:
  source: {host: 127.0.0.1, port: ${port}, credentials: {secretRef: {name: source}}, tls: {mode: Disabled}}
  target: {endpoint: '${endpoint}', project: live, credentials: {secretRef: {name: target}}}
  objects: [{database: ${database}}]
---
{apiVersion: v1, kind: Secret, metadata: {name: source}, stringData: {username: root, password: ''}}
---
{apiVersion: v1, kind: Secret, metadata: {name: target}, stringData: {accessKeyId: ${accessKey.id}, accessKeySecret: ${accessKey.secret}}}
`;
}
