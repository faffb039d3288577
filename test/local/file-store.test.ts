import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformFile } from '@swc/core';
import fc from 'fast-check';
import { SyncError } from '../../operator/base/errors.js';
import { createFileStore, listDocuments } from '../../operator/local/file-store.js';
import { storeError } from '../../operator/local/store-error.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-store-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a document that was never saved is null', async () => {
  expect(await createFileStore(join(dir, 'not-there')).load('a-plan')).toBeNull();
});

test('a save is read back with its version, and the next save needs that version', async () => {
  const store = createFileStore(dir);
  expect(await store.save('a', 'one', null)).toEqual({ saved: true, version: '1' });
  expect(await store.load('a')).toEqual({ body: 'one', version: '1' });
  expect(await store.save('a', 'two', '1')).toEqual({ saved: true, version: '2' });
  expect(await store.save('a', 'three', '1')).toEqual({ saved: false });
  expect(await store.save('a', 'three', null)).toEqual({ saved: false });
  expect(await store.save('a', 'three', '7')).toEqual({ saved: false });
  expect(await store.load('a')).toEqual({ body: 'two', version: '2' });
});

test('names that are prefixes of each other are apart', async () => {
  const store = createFileStore(dir);
  await store.save('shop', 'a', null);
  await store.save('shop.1', 'b', null);
  expect(await store.load('shop')).toEqual({ body: 'a', version: '1' });
  expect(await store.load('shop.1')).toEqual({ body: 'b', version: '1' });
});

test('only the newest version and the one before it stay, and no temporary file', async () => {
  const store = createFileStore(dir);
  for (let i = 0; i < 12; i += 1) await store.save('a', `${i}`, i === 0 ? null : String(i));
  expect((await readdir(dir)).sort()).toEqual(['a.11', 'a.12']);
});

test('a folder that went away under its writer is not made again; a first document makes it', async () => {
  const folder = join(dir, 'gone');
  const store = createFileStore(folder);
  await store.save('a', 'one', null);
  await rm(folder, { recursive: true });
  expect(await store.save('a', 'two', '1')).toEqual({ saved: false });
  expect(await readdir(dir)).toEqual([]);
  expect(await store.save('b', 'one', null)).toEqual({ saved: true, version: '1' });
});

test('what a dead writer left is no document; it is swept by a save once it is old', async () => {
  const store = createFileStore(dir);
  await store.save('a', 'one', null);
  const [old, young] = ['.a.1.0123456789ab.tmp', '.a.2.0123456789ab.tmp'];
  for (const name of [old, young]) await writeFile(join(dir, name), 'ha');
  const longAgo = Date.now() / 1000 - 3_600;
  await utimes(join(dir, old), longAgo, longAgo);
  expect(await store.load('a')).toEqual({ body: 'one', version: '1' });
  expect([...(await listDocuments(dir))]).toEqual(['a']);
  await store.save('a', 'two', '1');
  expect((await readdir(dir)).sort()).toEqual([young, 'a.1', 'a.2']);
});

test('documents are listed by name, whatever else is in the folder', async () => {
  const store = createFileStore(dir);
  for (const name of ['shop-config', 'shop-config-plan', 'shop.1']) await store.save(name, 'x', null);
  await store.save('shop-config', 'y', '1');
  for (const name of ['holder.json', 'run.json', 'shop-plan.0', 'shop-plan.01', 'shop-plan'])
    await writeFile(join(dir, name), '');
  expect([...(await listDocuments(dir))].sort()).toEqual(['shop-config', 'shop-config-plan', 'shop.1']);
  expect((await listDocuments(join(dir, 'not-there'))).size).toBe(0);
});

test('of many writers that read the same version, one at most saves, and no answered save is ever lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 12 }), async (writers, rounds) => {
      const folder = await mkdtemp(join(dir, 'race-'));
      const append = async (id: number): Promise<string[]> => {
        const store = createFileStore(folder);
        const mine: string[] = [];
        for (let round = 0; round < rounds; round += 1) {
          const before = await store.load('doc');
          const entry = `${id}:${round}`;
          const answer = await store.save('doc', `${before?.body ?? ''}${entry},`, before?.version ?? null);
          if (answer.saved) mine.push(entry);
        }
        return mine;
      };
      const saved = (await Promise.all(Array.from({ length: writers }, (_, id) => append(id)))).flat();
      const stored = (await createFileStore(folder).load('doc'))?.body.split(',').filter(Boolean) ?? [];
      expect(stored.toSorted()).toEqual(saved.toSorted());
    }),
    { numRuns: 25 },
  );
});

test('processes that are killed while saving leave a document that can be read and saved over', async () => {
  const base = ['base/error-codes', 'base/errors', 'base/exit-codes'];
  await transpile([...base, 'local/file-store', 'local/make-folder', 'local/store-error'], dir);
  const script = join(dir, 'writer.mjs');
  await writeFile(
    script,
    `import { createFileStore } from './local/file-store.js';
     const store = createFileStore(process.argv[2]);
     for (;;) {
       const before = await store.load('doc');
       const n = Number(before?.version ?? 0) + 1;
       await store.save('doc', JSON.stringify({ n, pad: 'x'.repeat(20_000) }), before?.version ?? null);
     }`,
  );
  const folder = join(dir, 'state');
  const store = createFileStore(folder);
  for (let round = 0; round < 5; round += 1) {
    const before = await versionOf(store);
    const children = [0, 1].map(() =>
      spawn(process.execPath, [script, folder], { stdio: ['ignore', 'inherit', 'inherit'] }),
    );
    while ((await versionOf(store)) < before + 3) await new Promise((resolve) => setImmediate(resolve));
    const exits = children.map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(exits);
    const found = await store.load('doc');
    expect(JSON.parse(found?.body ?? '').n).toBe(Number(found?.version));
    const answer = await store.save('doc', JSON.stringify({ n: Number(found?.version) + 1 }), found?.version ?? null);
    expect(answer.saved).toBe(true);
  }
});

test('a folder that may not be written is a coded error', async () => {
  if (process.getuid?.() === 0) {
    expect(codeOf(storeError(dir, Object.assign(new Error('x'), { code: 'EACCES' })))).toBe('STORE_READ_ONLY');
    return;
  }
  await chmod(dir, 0o500);
  await expect(createFileStore(dir).save('a', 'x', null)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
  await chmod(dir, 0o700);
});

test('a file where the folder should be is a coded error', async () => {
  const file = join(dir, 'file');
  await writeFile(file, '');
  await expect(createFileStore(file).load('a')).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('a full disk is retryable and says so; a bug stays a bug', () => {
  const error = storeError(dir, Object.assign(new Error('write'), { code: 'ENOSPC' }));
  expect(error).toBeInstanceOf(SyncError);
  expect(error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    isRetryable: true,
    seen: expect.stringContaining('disk full'),
  });
  const bug = new TypeError('x is not a function');
  expect(storeError(dir, bug)).toBe(bug);
});

async function versionOf(store: ReturnType<typeof createFileStore>): Promise<number> {
  return Number((await store.load('doc'))?.version ?? 0);
}

function codeOf(error: unknown): string | null {
  return error instanceof SyncError ? error.code : null;
}

/** The product's own modules as a plain Node process runs them. */
async function transpile(modules: readonly string[], to: string): Promise<void> {
  for (const module of modules) {
    const { code } = await transformFile(new URL(`../../operator/${module}.ts`, import.meta.url).pathname, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
      swcrc: false,
    });
    await mkdir(dirname(join(to, module)), { recursive: true });
    await writeFile(join(to, `${module}.js`), code);
  }
  await writeFile(join(to, 'package.json'), '{"type":"module"}');
}
