/**
 * Looks at a state folder before anything of it is believed or changed. In: the task as its file has it, and the folder.
 * Out: nothing, or why this folder is not one that the task can go on from: another task's, a later version's, cut or
 * torn apart. It writes nothing, and what it refuses nobody has written to before.
 */
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { listDocuments } from '../local/file-store.js';
import { documentNames } from '../model/document-names.js';
import type { CheckpointDocument, Envelope, PlanDocument, SchemaDocument } from '../model/documents.js';
import { refuseNewerFormat } from '../model/fenced-document.js';
import type { CheckpointStore } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { refuseAnotherTask } from '../reconcile/config-document.js';
import { loadDocument, type ObservedDocuments, observeDocuments } from '../reconcile/observe.js';
import type { TaskContext } from './task-context.js';

/** Documents are read one after the other: one that a running worker has just written may seem to lack the one before it. */
const secondLookMs = 300;

/** `for` write: a document of a later version is refused even where that version lets us read it. */
export async function checkStateFolder(context: TaskContext, use: { readonly for: 'read' | 'write' }): Promise<void> {
  if ((await look(context, use)) === null) return;
  await systemClock.sleep(secondLookMs);
  const torn = await look(context, use);
  if (torn) throw torn;
}

/** The store of a run: documents that go away under it are told apart from a task that has yet to begin. */
export function storeInUse({ store, name, stateDir }: TaskContext): CheckpointStore {
  const config = documentNames.config(name);
  return {
    save: (document, body, expected) => store.save(document, body, expected),
    async load(document) {
      const stored = await store.load(document);
      if (stored !== null || document !== config) return stored;
      throw new SyncError('STORE_CORRUPT', {
        task: name,
        seen: `the documents of the task have gone from ${stateDir} while it was running`,
        wanted: 'the state folder as this run left it',
        fix: 'Bring the folder back from a backup as a whole, then start again. Nothing was written in its place.',
      });
    },
  };
}

/** Throws what is certain; answers what a second look must confirm. */
async function look(context: TaskContext, use: { readonly for: 'read' | 'write' }): Promise<SyncError | null> {
  const { task, name, stateDir, store } = context;
  const stored = await listDocuments(stateDir);
  refuseOtherTasks(stored, context);
  const observed = await observeDocuments(store, name, 1);
  const { config, precheck, plan, shards, checkpoint } = observed;
  if (config === null) return findWithoutConfig(stored, context);
  const schema = await loadDocument<SchemaDocument>(store, documentNames.schema(name), config.taskId);
  if (use.for === 'write') {
    const all: [string, Envelope | null | undefined][] = [
      [documentNames.config(name), config],
      [documentNames.precheck(name), precheck],
      [documentNames.plan(name), plan],
      [documentNames.shard(name, 0), shards[0]],
      [documentNames.schema(name), schema],
      [documentNames.checkpoint(name), checkpoint],
    ];
    for (const [document, value] of all) if (value) refuseNewerFormat(document, value);
  }
  refuseAnotherTask(config, plan, task);
  return findTorn(observed, schema, context);
}

function refuseOtherTasks(stored: ReadonlySet<string>, { name, stateDir }: TaskContext): void {
  const others = [...stored].flatMap((document) => /^(.+)-config$/.exec(document)?.[1] ?? []);
  const other = others.find((task) => task !== name);
  if (other === undefined) return;
  throw new SyncError('CHECKPOINT_OF_ANOTHER_TASK', {
    task: name,
    seen: `the state folder ${stateDir} holds task ${other}`,
    wanted: `a state folder of task ${name}, or a new one`,
    fix: `Name another folder with --state, or the file of task ${other} with -f.`,
  });
}

function findWithoutConfig(stored: ReadonlySet<string>, context: TaskContext): SyncError | null {
  const { name } = context;
  const ours = [
    documentNames.precheck(name),
    documentNames.plan(name),
    documentNames.shard(name, 0),
    documentNames.schema(name),
    documentNames.checkpoint(name),
  ];
  const found = ours.find((document) => stored.has(document));
  return found === undefined ? null : tornFolder(documentNames.config(name), found, context);
}

/** Each document is written before the one that builds on it: one that is missing was taken away. */
function findTorn(observed: ObservedDocuments, schema: SchemaDocument | null, context: TaskContext): SyncError | null {
  const { plan, shards, checkpoint } = observed;
  const { name } = context;
  const hasTables = Object.keys(checkpoint?.tables ?? {}).length > 0;
  const isCopied = Object.values(checkpoint?.tables ?? {}).some((table) => table.completeAfter !== null);
  const copies = plan?.tables.some((planned) => planned.snapshot !== null) ?? false;
  const checkpointName = documentNames.checkpoint(name);
  if (checkpoint && !plan) return tornFolder(documentNames.plan(name), checkpointName, context);
  if (shards[0] && !plan) return tornFolder(documentNames.plan(name), documentNames.shard(name, 0), context);
  if (plan && checkpoint && isOlder(plan, checkpoint))
    return tornFolder(documentNames.plan(name), checkpointName, context);
  if (schema && !checkpoint) return tornFolder(checkpointName, documentNames.schema(name), context);
  const unknown = Object.entries(checkpoint?.tables ?? {}).find(
    ([table, { schemaVersion }]) => !knowsVersion(plan, schema, table, schemaVersion),
  );
  if (!schema ? hasTables : unknown) return tornFolder(documentNames.schema(name), checkpointName, context);
  if (isCopied && copies && !shards[0]) return tornFolder(documentNames.shard(name, 0), checkpointName, context);
  return null;
}

/** The stream takes a generation over only when its tables stand: a plan that has yet to make them would make them twice. */
function isOlder(plan: PlanDocument, checkpoint: CheckpointDocument): boolean {
  return plan.tables.some(({ plan: { source }, generation, isMade }) => {
    const taken = checkpoint.tables[tableKey(source)]?.generation ?? 0;
    return isMade ? taken > generation : taken >= generation;
  });
}

function knowsVersion(
  plan: PlanDocument | null,
  schema: SchemaDocument | null,
  table: string,
  version: number,
): boolean {
  const known = [...(plan?.tables.map((planned) => planned.plan) ?? []), ...(schema?.versions ?? [])];
  return known.some(({ source, schemaVersion }) => tableKey(source) === table && schemaVersion === version);
}

function tornFolder(missing: string, present: string, { name, stateDir }: TaskContext): SyncError {
  return new SyncError('STORE_CORRUPT', {
    task: name,
    seen: `${stateDir} holds ${present}, and not the ${missing} that was written before it`,
    wanted: 'all documents of the task, none older than one that builds on it',
    fix: 'Bring the folder back from a backup as a whole, or begin anew: another folder with --state, and new target tables. Nothing was overwritten.',
  });
}
