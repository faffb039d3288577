import type { SyncTask } from '../../operator/api/sync-task.js';
import { parseTaskFile } from '../../operator/api/task-file.js';
import type { CheckpointStore } from '../../operator/model/ports.js';
import { inputHash, requestResnapshot, saveConfig } from '../../operator/reconcile/config-document.js';

const text = `
apiVersion: mcsync.dev/v1alpha1
kind: SyncTask
metadata: {name: shop}
spec:
  source: {host: h, credentials: {secretRef: {name: m}}}
  target: {endpoint: 'http://e/api', project: p, credentials: {secretRef: {name: w}}}
  objects: [{database: shop}]
`;

function taskOf(edit: (text: string) => string = (same) => same): SyncTask {
  return parseTaskFile(edit(text), 'task.yaml').task;
}

function memoryStore(): CheckpointStore & { readonly documents: Map<string, { body: string; version: string }> } {
  const documents = new Map<string, { body: string; version: string }>();
  return {
    documents,
    load: async (name) => documents.get(name) ?? null,
    save: async (name, body, expected) => {
      if ((documents.get(name)?.version ?? null) !== expected) return { saved: false };
      const version = String(Number(expected ?? 0) + 1);
      documents.set(name, { body, version });
      return { saved: true, version };
    },
  };
}

const writer = (store: CheckpointStore, writerId = 'w1') => ({ store, writerId, version: '0' });

/** As prepare leaves it, as far as it matters here. */
function putPlan(store: ReturnType<typeof memoryStore>, taskId: string, resnapshotNonce: number | null = null): void {
  const envelope = { format: 1, minReader: 1, taskId, writer: { id: 'w', epoch: 1, seq: 0, version: '0' } };
  store.documents.set('shop-plan', { body: JSON.stringify({ ...envelope, resnapshotNonce }), version: '1' });
}

test('the id of a task is drawn once; each start claims a higher epoch', async () => {
  const store = memoryStore();
  const first = await saveConfig(writer(store), taskOf());
  const second = await saveConfig(writer(store, 'w2'), taskOf());
  expect(second.taskId).toBe(first.taskId);
  expect([first.writer.epoch, second.writer.epoch]).toEqual([1, 2]);
  expect((await saveConfig(writer(memoryStore()), taskOf())).taskId).not.toBe(first.taskId);
});

test('the input hash follows what the plan depends on, and nothing else', () => {
  const hash = (edit?: (text: string) => string): string => inputHash(taskOf(edit));
  expect(hash((t) => `${t}  changeLog: {columnNaming: Prefixed}\n`)).not.toBe(hash());
  expect(hash((t) => t.replace('[{database: shop}]', '[{database: shop, tables: [a]}]'))).not.toBe(hash());
  expect(hash((t) => t.replace('host: h', 'host: i'))).not.toBe(hash());
  expect(hash((t) => `${t}  streaming: {flushInterval: 5s}\n`)).toBe(hash());
  expect(hash((t) => t.replace('[{database: shop}]', '[{targetTable: "{table}", database: shop}]'))).toBe(hash());
});

test('once there is a plan, mode and place of the target stand; objects and addresses may change', async () => {
  const store = memoryStore();
  const { taskId } = await saveConfig(writer(store), taskOf());
  const elsewhere = taskOf((t) => t.replace('project: p', 'project: q'));
  await saveConfig(writer(store), elsewhere);
  await saveConfig(writer(store), taskOf());
  putPlan(store, taskId);
  await expect(saveConfig(writer(store), elsewhere)).rejects.toMatchObject({
    code: 'CHECKPOINT_OF_ANOTHER_TASK',
    seen: 'spec.target.project q',
  });
  await expect(
    saveConfig(
      writer(store),
      taskOf((t) => `${t}  mode: FullOnly\n`),
    ),
  ).rejects.toMatchObject({
    code: 'CHECKPOINT_OF_ANOTHER_TASK',
  });
  await saveConfig(
    writer(store),
    taskOf((t) => t.replace('host: h', 'host: replica').replace('shop}]', 'shop}, {database: more}]')),
  );
});

test('a request for a new snapshot joins one that is not planned yet, and all means all', async () => {
  const store = memoryStore();
  const config = await saveConfig(writer(store), taskOf());
  const ask = async (...tables: string[]) => (await requestResnapshot(writer(store), config, tables, 0)).resnapshot;
  expect(await ask('shop.a', 'shop.b')).toEqual({ nonce: 1, tables: ['shop.a', 'shop.b'] });
  expect(await ask('shop.b', 'shop.c')).toEqual({ nonce: 2, tables: ['shop.a', 'shop.b', 'shop.c'] });
  putPlan(store, config.taskId, 2);
  expect(await ask('shop.d')).toEqual({ nonce: 3, tables: ['shop.d'] });
  expect(await ask()).toEqual({ nonce: 4, tables: [] });
  expect(await ask('shop.e')).toEqual({ nonce: 5, tables: [] });
});

test('a request for a new snapshot stands until another one comes; a number in the task counts when it changes', async () => {
  const store = memoryStore();
  const config = await saveConfig(writer(store), taskOf());
  const asked = await requestResnapshot(writer(store), config, ['shop.a'], 5_000_000);
  expect(asked.resnapshot).toEqual({ nonce: 5_000, tables: ['shop.a'] });
  putPlan(store, config.taskId, 5_000);
  expect((await requestResnapshot(writer(store), asked, ['shop.b'], 5_000_000)).resnapshot?.nonce).toBe(5_001);
  expect((await saveConfig(writer(store), taskOf())).resnapshot).toEqual({ nonce: 5_001, tables: ['shop.b'] });
  const numbered = taskOf((t) => `${t}  resnapshot: {nonce: 7, tables: [shop.c]}\n`);
  expect((await saveConfig(writer(store), numbered)).resnapshot).toEqual({ nonce: 7, tables: ['shop.c'] });
  putPlan(store, config.taskId, 7);
  const again = await requestResnapshot(writer(store), config, ['shop.d'], 9_000);
  expect((await saveConfig(writer(store), numbered)).resnapshot).toEqual(again.resnapshot);
});
