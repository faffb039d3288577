/** What every command on a task begins with: the task, where its state is, and its secrets, checked at once. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SyncTask } from '../api/sync-task.js';
import { parseTaskFile, type SecretValues } from '../api/task-file.js';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { createFileStore } from '../local/file-store.js';
import { createSecretReader, type SecretReader } from '../local/secrets.js';
import type { CheckpointStore } from '../model/ports.js';
import type { TaskFlags } from './program.js';

export interface TaskContext {
  readonly task: SyncTask;
  readonly name: string;
  readonly stateDir: string;
  readonly store: CheckpointStore;
  readonly secrets: SecretReader;
  /** Secrets that stand beside the task; empty where `--secrets` names a folder. */
  readonly inlineSecrets: SecretValues;
  /** As given with `--secrets`. */
  readonly secretsDir: string | null;
}

export async function loadTask(flags: TaskFlags): Promise<TaskContext> {
  const { task, secrets } = parseTaskFile(await readTaskText(flags.file), flags.file);
  const { name, namespace } = task.metadata;
  const stateDir = resolve(flags.state ?? join('.mcsync', `${namespace}-${name}`));
  const secretsDir = flags.secrets === undefined ? null : resolve(flags.secrets);
  return {
    task,
    name,
    stateDir,
    store: createFileStore(stateDir),
    secrets: secretsDir === null ? inlineReader(secrets, flags.file) : createSecretReader(secretsDir, systemClock),
    inlineSecrets: secretsDir === null ? secrets : new Map(),
    secretsDir,
  };
}

/** Every secret that the task needs and that is not there, at once. */
export function checkSecrets({ task, secrets, secretsDir, name }: TaskContext, file: string): void {
  const missing = neededSecrets(task).filter(([secret, key]) => secrets.readOptional(secret, key) === null);
  if (missing.length === 0) return;
  const list = missing.map(([secret, key]) => `key ${key} of Secret ${secret}`).join(', ');
  throw new SyncError('SECRET_MISSING', {
    task: name,
    seen: `missing in ${secretsDir ?? file}: ${list}`,
    wanted: 'every secret that the task names',
    fix:
      secretsDir === null
        ? 'Put Secret documents with these keys (stringData) beside the task, or name a folder with --secrets.'
        : `Put each value into its file, ${join(secretsDir, '<secret>', '<key>')}.`,
  });
}

function neededSecrets({ spec }: SyncTask): [secret: string, key: string][] {
  const mysql = spec.source.credentials.secretRef;
  const access = spec.target.credentials.secretRef;
  const { caSecretRef: ca, clientCertSecretRef: client } = spec.source.tls;
  const needed: [string, string][] = [
    [mysql.name, mysql.usernameKey],
    [mysql.name, mysql.passwordKey],
  ];
  if (access) needed.push([access.name, access.accessKeyIdKey], [access.name, access.accessKeySecretKey]);
  if (ca) needed.push([ca.name, ca.key]);
  if (client) needed.push([client.name, client.certKey], [client.name, client.keyKey]);
  return needed;
}

function inlineReader(secrets: SecretValues, file: string): SecretReader {
  const readOptional = (secret: string, key: string): string | null => secrets.get(secret)?.get(key) ?? null;
  return {
    readOptional,
    read(secret, key) {
      const value = readOptional(secret, key);
      if (value !== null) return value;
      throw new SyncError('SECRET_MISSING', {
        seen: `no Secret ${secret} with the key ${key} in ${file}`,
        wanted: `key ${key} of Secret ${secret}`,
        fix: `Put a Secret document named ${secret} with the key ${key} beside the task, or name a folder with --secrets.`,
      });
    },
  };
}

async function readTaskText(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new SyncError('TASK_INVALID', {
      seen: code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code})`,
      wanted: 'a task file: one SyncTask in YAML, and beside it Secrets only',
      fix: 'Name the file with -f. `mcsync quickstart` writes one that works to .mcsync/quickstart.',
      cause: error,
    });
  }
}
