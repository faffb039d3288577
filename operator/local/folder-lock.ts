/**
 * One mcsync at a time in a state folder, the first wins. In: the folder. Out: a lock that ends with the process.
 * The lock is a listening socket, because the kernel frees it when its process dies, however it dies; a lock file would
 * outlive a kill -9. It spares people a mistake; what keeps two writers apart is the epoch in the checkpoint.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { makeFolder } from './make-folder.js';
import { storeError } from './store-error.js';
import { writeWholeFile } from './whole-file.js';

/** A holder writes its note within milliseconds of taking the lock. */
const holderReadsMax = 10;
const holderReadDelayMs = 50;

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

export async function lockFolder(dir: string): Promise<AsyncDisposable> {
  try {
    await makeFolder(dir);
    const server = await listenAlone(socketPath(await realpath(dir)));
    if (!server) throw await anotherWriter(dir);
    const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    await writeWholeFile(holderPath(dir), `${JSON.stringify(holder)}\n`).catch((error: unknown) => {
      server.close();
      throw error;
    });
    return {
      async [Symbol.asyncDispose]() {
        await unlink(holderPath(dir)).catch(() => undefined);
        await new Promise<void>((resolve) => server.close(() => resolve()));
      },
    };
  } catch (error) {
    throw storeError(dir, error);
  }
}

/** True while a process holds the folder. */
export async function isFolderLocked(dir: string): Promise<boolean> {
  const real = await realpath(dir).catch(() => null);
  return real !== null && (await answers(socketPath(real)));
}

/** Null where another process listens. */
async function listenAlone(path: string): Promise<Server | null> {
  const server = await listen(path);
  if (server || isFreedByKernel(path) || (await answers(path))) return server;
  await unlink(path).catch(() => undefined); // left by a process that died
  return listen(path);
}

function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen({ path }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Abstract sockets of Linux and pipes of Windows have no file that could be left behind. */
function socketPath(realFolder: string): string {
  const hash = createHash('sha256').update(realFolder).digest('hex').slice(0, 32);
  if (process.platform === 'linux') return `\0mcsync-${hash}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\mcsync-${hash}`;
  const inFolder = join(realFolder, 'lock.sock');
  return Buffer.byteLength(inFolder) < 100 ? inFolder : join(tmpdir(), `mcsync-${hash}.sock`); // sun_path holds 104 bytes
}

function isFreedByKernel(path: string): boolean {
  return path.startsWith('\0') || path.startsWith('\\\\');
}

async function anotherWriter(dir: string): Promise<SyncError> {
  const holder = await readHolder(dir);
  const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another process';
  return new SyncError('ANOTHER_WRITER', {
    seen: `the state folder ${dir} is in use by ${who}`,
    wanted: 'one mcsync per state folder',
    fix: holder
      ? `Stop it first (kill ${holder.pid}), or let it run: \`mcsync status\` shows what it does.`
      : 'Stop it first, or name another folder with --state.',
  });
}

/** Null where nobody can be named: to name a process that is long dead would get another one killed. */
async function readHolder(dir: string): Promise<Holder | null> {
  for (let attempt = 0; attempt < holderReadsMax; attempt += 1) {
    const holder = await readFile(holderPath(dir), 'utf8')
      .then((text) => JSON.parse(text) as Holder)
      .catch(() => null);
    // After a kill -9 the note of the dead stands until the next holder has written its own.
    if (holder && (holder.host !== hostname() || isAlive(holder.pid))) return holder;
    await systemClock.sleep(holderReadDelayMs);
  }
  return null;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, and another user's
  }
}

function holderPath(dir: string): string {
  return join(dir, 'holder.json');
}
