/**
 * The config document: the task as its workers get it. In: the task as a person declared it, and what was stored before.
 * Out: the document, with the task's id, which is drawn once and kept. It never takes over documents of a task that
 * copies something else.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { SyncTask } from '../api/sync-task.js';
import { SyncError } from '../base/errors.js';
import { documentNames } from '../model/document-names.js';
import type { ConfigDocument, PlanDocument } from '../model/documents.js';
import { FencedDocument } from '../model/fenced-document.js';
import type { CheckpointStore } from '../model/ports.js';
import { loadConfig, loadDocument } from './observe.js';

export interface ConfigWriter {
  readonly store: CheckpointStore;
  /** Unique for each process that ever starts. */
  readonly writerId: string;
  readonly version: string;
}

export async function saveConfig(writer: ConfigWriter, task: SyncTask): Promise<ConfigDocument> {
  const name = task.metadata.name;
  const before = await loadConfig(writer.store, name);
  const taskId = before?.taskId ?? randomUUID();
  if (before)
    refuseAnotherTask(before, await loadDocument<PlanDocument>(writer.store, documentNames.plan(name), taskId), task);
  return claimConfig(writer, name, taskId, (previous) => ({
    task,
    inputHash: inputHash(task),
    resnapshot: nextResnapshot(previous, task),
  }));
}

/** Asks the task, running or not, for a new snapshot of these tables (none means all), and of those asked for and not yet planned. */
export async function requestResnapshot(
  writer: ConfigWriter,
  config: ConfigDocument,
  tables: readonly string[],
  nowMs: number,
): Promise<ConfigDocument> {
  const name = (config.task as SyncTask).metadata.name;
  const plan = await loadDocument<PlanDocument>(writer.store, documentNames.plan(name), config.taskId);
  return claimConfig(writer, name, config.taskId, (previous) => {
    const base = previous ?? config;
    const nonce = Math.max((base.resnapshot?.nonce ?? 0) + 1, Math.floor(nowMs / 1000));
    const isPending = base.resnapshot !== null && base.resnapshot.nonce !== (plan?.resnapshotNonce ?? null);
    const pending = isPending ? base.resnapshot.tables : tables;
    const isAll = tables.length === 0 || pending.length === 0;
    const both = isAll ? [] : [...new Set([...pending, ...tables])];
    return { task: base.task, inputHash: base.inputHash, resnapshot: { nonce, tables: both } };
  });
}

async function claimConfig(
  { store, writerId, version }: ConfigWriter,
  name: string,
  taskId: string,
  next: (previous: ConfigDocument | null) => Pick<ConfigDocument, 'task' | 'inputHash' | 'resnapshot'>,
): Promise<ConfigDocument> {
  const claim = { store, name: documentNames.config(name), taskId, writerId, version };
  return (await FencedDocument.claim<ConfigDocument>(claim, next)).value;
}

/** A number in the task that differs from the one it had before is a new request; any other request stands. */
function nextResnapshot(previous: ConfigDocument | null, task: SyncTask): ConfigDocument['resnapshot'] {
  const asked = task.spec.resnapshot;
  const askedBefore = (previous?.task as SyncTask | undefined)?.spec.resnapshot;
  if (!asked || asked.nonce === askedBefore?.nonce) return previous?.resnapshot ?? null;
  return { nonce: asked.nonce, tables: asked.tables };
}

/** Over all that the plan depends on; a change of anything else needs no new precheck. */
export function inputHash({ spec }: SyncTask): string {
  const { host, port } = spec.source;
  const { endpoint, project, schema } = spec.target;
  const input = {
    mode: spec.mode,
    source: { host, port },
    target: { endpoint, project, schema },
    objects: spec.objects,
    changeLog: spec.changeLog,
    types: spec.types,
    startPosition: spec.startPosition,
  };
  return createHash('sha256').update(canonicalJson(input)).digest('hex').slice(0, 32);
}

/** Keys in one order, so that an equal task has an equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Objects and addresses may change: prepare takes up what is new, and the workers prove the server's identity. What may
 * not change once tables were made is where they are, and what the task does with them.
 */
export function refuseAnotherTask(before: ConfigDocument, plan: PlanDocument | null, task: SyncTask): void {
  if (!plan) return;
  const was = fixedParts(before.task as SyncTask);
  const is = fixedParts(task);
  const changed = Object.keys(is).filter((key) => was[key] !== is[key]);
  if (changed.length === 0) return;
  const show = (parts: Record<string, string>): string => changed.map((key) => `${key} ${parts[key]}`).join(', ');
  throw new SyncError('CHECKPOINT_OF_ANOTHER_TASK', {
    task: task.metadata.name,
    seen: show(is),
    wanted: `as the stored checkpoint has it: ${show(was)}`,
    fix: 'Restore these lines of the task file, or give the changed task another name or another state folder.',
  });
}

function fixedParts({ spec, metadata }: SyncTask): Record<string, string> {
  return {
    'metadata.namespace': metadata.namespace,
    'spec.mode': spec.mode,
    'spec.target.project': spec.target.project.toLowerCase(),
    'spec.target.schema': (spec.target.schema ?? 'default').toLowerCase(),
  };
}
