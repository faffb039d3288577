/**
 * Documents in a folder, with compare-and-swap between processes that share it.
 * In: a name, a body, and the version that the caller read. Out: saved, or lost to another writer.
 * It must never replace a file: write-and-rename is no compare-and-swap, since the later of two writers wins unseen.
 * So each version is a file of its own, `<name>.<version>`, made by link(), which fails where the name is taken.
 * A save is answered only after the file and the folder are on disk.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SyncError } from '../base/errors.js';
import type { CheckpointStore, StoredDocument } from '../model/ports.js';
import { makeFolder } from './make-folder.js';
import { storeError } from './store-error.js';

/** A load meets a version that was pruned after the listing; each round means that another writer saved twice. */
const loadRoundsMax = 20;
/** Temporary files of a writer that died are swept after this time; no save takes as long. */
const orphanAgeMs = 10 * 60_000;

export function createFileStore(dir: string): CheckpointStore {
  return {
    load: (name) => guard(dir, () => load(dir, name)),
    save: (name, body, expected) => guard(dir, () => save(dir, name, body, expected)),
  };
}

async function load(dir: string, name: string): Promise<StoredDocument | null> {
  for (let round = 0; round < loadRoundsMax; round += 1) {
    const newest = (await listVersions(dir, name)).at(-1);
    if (newest === undefined) return null;
    const body = await readFile(versionPath(dir, name, newest), 'utf8').catch(ignore('ENOENT'));
    if (body !== undefined) return { body, version: String(newest) };
  }
  throw new SyncError('STORE_UNAVAILABLE', {
    seen: `document ${name} in ${dir} was replaced ${loadRoundsMax} times while it was read`,
    wanted: 'one writer at a time',
    fix: 'Stop the other mcsync processes that use this state folder.',
  });
}

async function save(
  dir: string,
  name: string,
  body: string,
  expected: string | null,
): Promise<{ saved: true; version: string } | { saved: false }> {
  // Only a first version makes the folder: one that went away under its writer must not come back without its documents.
  if (expected === null) await makeFolder(dir);
  const base = expected === null ? 0 : Number(expected);
  if (((await listVersions(dir, name)).at(-1) ?? 0) !== base) return { saved: false };
  const version = base + 1;
  const path = versionPath(dir, name, version);
  if (!(await linkDurably(dir, name, body, path))) return { saved: false };

  const versions = await listVersions(dir, name);
  if (versions.some((other) => other > version)) {
    // Our number had been used and pruned between the listing and the link: the link proves nothing.
    await unlink(path).catch(ignore('ENOENT'));
    return { saved: false };
  }
  await syncFolder(dir);
  await prune(dir, name, versions, version);
  return { saved: true, version: String(version) };
}

/** False where the name is taken. */
async function linkDurably(dir: string, name: string, body: string, path: string): Promise<boolean> {
  const temporary = join(dir, `.${name}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(body);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary).catch(ignore('ENOENT'));
  }
}

/** Without it a power cut may take the new name back after the caller was told that it is saved. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r').catch(ignore('EPERM', 'EISDIR')); // Windows opens no folder, and needs no sync
  if (!folder) return;
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Keeps the newest version and the one before it, for a person who must look back. */
async function prune(dir: string, name: string, versions: readonly number[], newest: number): Promise<void> {
  for (const version of versions) {
    if (version < newest - 1) await unlink(versionPath(dir, name, version)).catch(ignore('ENOENT'));
  }
  for (const entry of await readdir(dir)) {
    if (!entry.startsWith(`.${name}.`) || !entry.endsWith('.tmp')) continue;
    const path = join(dir, entry);
    const found = await stat(path).catch(ignore('ENOENT'));
    if (found && Date.now() - found.mtimeMs > orphanAgeMs) await unlink(path).catch(ignore('ENOENT'));
  }
}

/** Names of all documents in the folder; empty where there is none. */
export function listDocuments(dir: string): Promise<ReadonlySet<string>> {
  return guard(dir, async () => {
    const entries = (await readdir(dir).catch(ignore('ENOENT'))) ?? [];
    return new Set(entries.flatMap((entry) => /^([^.].*)\.[1-9]\d*$/.exec(entry)?.[1] ?? []));
  });
}

/** Versions of one document, lowest first. */
async function listVersions(dir: string, name: string): Promise<number[]> {
  const entries = (await readdir(dir).catch(ignore('ENOENT'))) ?? [];
  const prefix = `${name}.`;
  return entries
    .filter((entry) => entry.startsWith(prefix) && /^[1-9]\d*$/.test(entry.slice(prefix.length)))
    .map((entry) => Number(entry.slice(prefix.length)))
    .sort((a, b) => a - b);
}

function versionPath(dir: string, name: string, version: number): string {
  return join(dir, `${name}.${version}`);
}

async function guard<T>(dir: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw storeError(dir, error);
  }
}

function ignore(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
