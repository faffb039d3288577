/**
 * What the quickstart plays on: MySQL with the sample shop, the emulator, and a task file that joins them.
 * In: a folder. Out: addresses and connections; `close` ends the servers. A note in the folder lets another process
 * (`mcsync quickstart --verify`) find a stage that was left up.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../base/clock.js';
import { SyncError } from '../../base/errors.js';
import { startEmulator } from '../../emulator/emulator.js';
import { createWarehouse } from '../../maxcompute/warehouse.js';
import type { Warehouse } from '../../model/ports.js';
import { type MySqlSettings, openSession } from '../../mysql/connect.js';
import type { Session } from '../../mysql/session.js';
import { version } from '../version.js';
import { startEmbeddedMySql } from './embedded-mysql.js';
import { fillShop, shopDatabase } from './sample-shop.js';

/** Where the parts of a stage are; written into its folder. */
export interface StageNote {
  readonly mysqlPort: number;
  readonly emulatorUrl: string;
  readonly project: string;
  /** Source position at the last comparison, as `file:offset`; while it stands, the merged tables must equal the source as they are. */
  readonly comparedAt: string | null;
}

export interface Stage {
  readonly taskFile: string;
  readonly stateDir: string;
  readonly note: StageNote;
  readonly rows: number;
  close(): Promise<void>;
}

const account = { username: 'mcsync', password: 'quickstart' };
const accessKey = { accessKeyId: 'quickstart', accessKeySecret: 'quickstart-secret' };
const project = 'quickstart';

export const taskPath = (folder: string): string => join(folder, 'shop.yaml');
export const statePath = (folder: string): string => join(folder, 'state');
const notePath = (folder: string): string => join(folder, 'quickstart.json');

/** `folder` is emptied: a stage always begins from nothing. */
export async function openStage(folder: string): Promise<Stage> {
  const mysqlDir = join(folder, 'mysql');
  const emulatorDir = join(folder, 'maxcompute');
  for (const path of [mysqlDir, emulatorDir, statePath(folder), notePath(folder)])
    await rm(path, { recursive: true, force: true });
  await mkdir(emulatorDir, { recursive: true });
  const mysql = await startEmbeddedMySql({ dataDir: mysqlDir });
  const closers = [() => mysql.stop()];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    const emulator = await startEmulator({ port: 0, dataDir: emulatorDir, project, ...accessKey });
    closers.push(() => emulator.close());
    const note: StageNote = { mysqlPort: mysql.port, emulatorUrl: emulator.endpoint, project, comparedAt: null };
    await using session = await openAdminSession(note);
    const rows = await fillShop(session, account);
    await writeTask(folder, note);
    await writeNote(folder, note);
    return { taskFile: taskPath(folder), stateDir: statePath(folder), note, rows, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function writeNote(folder: string, note: StageNote): Promise<void> {
  await writeFile(notePath(folder), `${JSON.stringify(note)}\n`);
}

export async function readNote(folder: string): Promise<StageNote> {
  try {
    return JSON.parse(await readFile(notePath(folder), 'utf8')) as StageNote;
  } catch (cause) {
    throw new SyncError('QUICKSTART_NOT_UP', {
      seen: `no quickstart in ${folder}`,
      wanted: 'a quickstart that was left up',
      fix: 'Run `mcsync quickstart --stay` in another terminal first, in the same folder.',
      cause,
    });
  }
}

export function openAdminSession(note: StageNote): Promise<Session> {
  const settings: MySqlSettings = {
    host: '127.0.0.1',
    port: note.mysqlPort,
    credentials: async () => ({ username: 'root', password: '' }),
    tls: { mode: 'Disabled' },
  };
  return openSession(settings);
}

export async function openShopSession(note: StageNote): Promise<Session> {
  const session = await openAdminSession(note);
  await session.query(`USE ${shopDatabase}`);
  return session;
}

export function openWarehouse(note: StageNote): Warehouse & AsyncDisposable {
  const settings = { endpoint: note.emulatorUrl, project: note.project, userAgent: `mcsync/${version()} quickstart` };
  return createWarehouse({ ...settings, credentials: () => accessKey }, systemClock);
}

/** The sample task, with the addresses of this stage; its comments stay, since people read it. */
async function writeTask(folder: string, note: StageNote): Promise<void> {
  const sample = fileURLToPath(new URL('../../../samples/quickstart.yaml', import.meta.url));
  const documents = parseAllDocuments(await readFile(sample, 'utf8'));
  for (const document of documents) {
    if (document.get('kind') !== 'SyncTask') continue;
    document.setIn(['spec', 'source', 'port'], note.mysqlPort);
    document.setIn(['spec', 'target', 'endpoint'], note.emulatorUrl);
  }
  await writeFile(taskPath(folder), documents.map(String).join(''), { mode: 0o600 });
}
