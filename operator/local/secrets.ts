/**
 * Secrets as files, `DIR/<secret>/<key>`, the way a pod mounts them. In: a folder. Out: values, read anew when a file has
 * changed, so that a rotated password needs no restart. No value ever stands in a message.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { makeFolder } from './make-folder.js';
import { storeError } from './store-error.js';
import { writeWholeFile } from './whole-file.js';

export interface SecretReader {
  /** Throws `SECRET_MISSING` where there is none. */
  read(secret: string, key: string): string;
  /** Null where the key may be missing. */
  readOptional(secret: string, key: string): string | null;
}

interface Known {
  readonly value: string | null;
  readonly stamp: string;
  readonly checkedMs: number;
}

/** A file is looked at once in this time at most: requests are signed many times a second. */
const checkIntervalMs = 1_000;

export function createSecretReader(dir: string, clock: Pick<Clock, 'monotonicMs'>): SecretReader {
  const known = new Map<string, Known>();
  const readOptional = (secret: string, key: string): string | null => {
    const path = join(dir, secret, key);
    const before = known.get(path);
    const nowMs = clock.monotonicMs();
    if (before && nowMs - before.checkedMs < checkIntervalMs) return before.value;
    const stamp = stampOf(path);
    const value = before && before.stamp === stamp ? before.value : stamp === '' ? null : readValue(path);
    known.set(path, { value, stamp, checkedMs: nowMs });
    return value;
  };
  return {
    readOptional,
    read(secret, key) {
      const value = readOptional(secret, key);
      if (value !== null) return value;
      throw new SyncError('SECRET_MISSING', {
        seen: `no file ${join(dir, secret, key)}`,
        wanted: `key ${key} of Secret ${secret}`,
        fix: `Put a Secret document named ${secret} with the key ${key} beside the task, or the value into that file with --secrets.`,
      });
    },
  };
}

/** Writes the Secrets of a task file where workers find them; nobody else may read them. */
export async function writeSecrets(
  dir: string,
  secrets: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Promise<void> {
  try {
    await makeFolder(dir);
    for (const [secret, values] of secrets) {
      await makeFolder(join(dir, secret));
      for (const [key, value] of values) await writeWholeFile(join(dir, secret, key), value);
    }
  } catch (error) {
    throw storeError(dir, error);
  }
}

/** What tells one content of a file from the next; empty where there is none. Follows the links that kubelet swaps. */
function stampOf(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? `${stat.ino}/${stat.mtimeMs}/${stat.size}` : '';
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** One line end at the end comes from an editor or `echo`, never from a secret. */
function readValue(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): SyncError {
  return new SyncError('SECRET_MISSING', {
    seen: `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    wanted: 'a file that this user may read',
    fix: 'Give this user the file, or name another folder with --secrets.',
    cause: error,
  });
}
