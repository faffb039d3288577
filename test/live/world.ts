/**
 * One end-to-end world: a MySQL or MariaDB server, an emulator as its own process, and the command line as users run
 * it. Everything of ours is started as a process of the built program; what it wrote is read by PyODPS.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { pyodpsModules } from '../parts/pyodps.js';
import type { TestServer } from '../parts/test-server.js';
import { descendantsOf } from './processes.js';

const program = fileURLToPath(new URL('../../operator/dist/cli/main.js', import.meta.url));
const readerScript = fileURLToPath(new URL('read_tables.py', import.meta.url));
export const accessKey = { id: 'live', secret: 'live-secret' };
const commandMsMax = 120_000;

export interface CommandResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReadTable {
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly partitionColumns: readonly string[];
  /** Values as texts: column by column, then the partition's. */
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface World {
  readonly server: TestServer;
  readonly folder: string;
  readonly stateDir: string;
  /** Of the emulator, whose one project is `live`. */
  readonly endpoint: string;
  /** Writes a task file; `spec` is laid over what connects source and target. */
  writeTask(name: string, spec: Record<string, unknown>): string;
  /** Runs `mcsync` to its end. */
  run(...args: readonly string[]): Promise<CommandResult>;
  start(...args: readonly string[]): RunningProgram;
  /** Waits until the emulator has ended, and starts it on the same data and port. */
  emulatorAgain(): Promise<void>;
  /** By name, read by PyODPS. */
  read<Name extends string>(...tables: readonly Name[]): Promise<Record<Name, ReadTable>>;
  close(): Promise<void>;
}

export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<CommandResult>;
  /** What it has written so far. */
  stderr(): string;
  /** As Ctrl-C does. */
  stop(): void;
  /** SIGKILL: to `mcsync run` alone, or to it and its workers at the same moment. */
  kill(whom: 'parent' | 'group'): void;
}

export interface WorldOptions {
  /** More of `mcsync emulator`, such as `--faults`. */
  readonly emulatorFlags?: readonly string[];
  /** Of mcsync and its workers, beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function openWorld(
  startServer: () => Promise<TestServer>,
  { emulatorFlags = [], env = {} }: WorldOptions = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'mcsync-live-'));
  const [server, port] = await Promise.all([startServer(), freePort()]);
  const endpoint = `http://127.0.0.1:${port}/api`;
  const emulatorArgs = [
    ...['emulator', '--port', String(port), '--data', join(folder, 'maxcompute')],
    ...['--project', 'live', '--access-key', `${accessKey.id}:${accessKey.secret}`],
    ...emulatorFlags,
  ];
  let emulator = await startEmulator(emulatorArgs, endpoint);
  return {
    server,
    folder,
    stateDir: join(folder, 'state'),
    endpoint,
    writeTask(name, spec) {
      const path = join(folder, `${name}.yaml`);
      writeFileSync(path, taskFile(name, server.port, endpoint, spec));
      return path;
    },
    run: (...args) => withLimit(startProgram(args, { env }), args),
    start: (...args) => startProgram(args, { env }),
    read: (...tables) => readTables(endpoint, tables),
    async emulatorAgain() {
      await emulator.ended;
      emulator = await startEmulator(emulatorArgs, endpoint);
    },
    async close() {
      emulator.kill('parent');
      await emulator.ended;
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startEmulator(args: readonly string[], endpoint: string): Promise<RunningProgram> {
  const emulator = startProgram(args, { isGroup: false, env: {} });
  await Promise.race([
    answering(`${endpoint}/projects/live`),
    emulator.ended.then(({ code, stderr }) => {
      throw new Error(`the emulator ended with ${code}: ${stderr}`);
    }),
  ]);
  return emulator;
}

function taskFile(name: string, port: number, endpoint: string, spec: Record<string, unknown>): string {
  const secret = (secretName: string, stringData: Record<string, string>): unknown => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName },
    stringData,
  });
  const task = {
    apiVersion: 'mcsync.dev/v1alpha1',
    kind: 'SyncTask',
    metadata: { name },
    spec: {
      source: {
        host: '127.0.0.1',
        port,
        credentials: { secretRef: { name: 'source' } },
        tls: { mode: 'Disabled' },
      },
      target: { endpoint, project: 'live', credentials: { secretRef: { name: 'target' } } },
      streaming: { flushInterval: '1s' },
      ...spec,
    },
  };
  return [
    task,
    secret('source', { username: 'root', password: '' }),
    secret('target', { accessKeyId: accessKey.id, accessKeySecret: accessKey.secret }),
  ]
    .map((document) => stringify(document))
    .join('---\n');
}

interface ProgramOptions {
  readonly isGroup?: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/** A group of its own is spared what a terminal sends to the test run; without one, it ends with the test run. */
function startProgram(args: readonly string[], { isGroup = true, env }: ProgramOptions): RunningProgram {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isGroup,
    env: { ...process.env, ...env },
  });
  const output = { stdout: '', stderr: '' };
  const pid = child.pid as number;
  return {
    pid,
    ended: resultOf(child, output),
    stderr: () => output.stderr,
    stop: () => signal(pid, 'SIGINT'),
    kill(whom) {
      // Workers have groups of their own. They are looked up first: those of a dead parent are nobody's children.
      const workers = whom === 'group' ? descendantsOf(pid) : [];
      for (const each of [pid, ...workers]) signal(each, 'SIGKILL');
    },
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It was faster.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function resultOf(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<CommandResult> {
  child.stdout?.on('data', (chunk: Buffer) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // A worker that outlives a killed parent holds the pipes open: then `close` is a long way off.
    child.once('exit', (code, byWhat) => {
      if (byWhat) resolve({ code, ...output });
      else child.once('close', () => resolve({ code, ...output }));
    });
  });
}

async function withLimit(running: RunningProgram, args: readonly string[]): Promise<CommandResult> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      running.kill('group');
      void running.ended.then(({ stderr }) =>
        reject(new Error(`mcsync ${args.join(' ')}: not done after ${commandMsMax / 1000} s: ${stderr.slice(-2_000)}`)),
      );
    }, commandMsMax);
  });
  try {
    return await Promise.race([running.ended, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function readTables<Name extends string>(endpoint: string, tables: readonly Name[]): Promise<Record<Name, ReadTable>> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'python3',
      [readerScript, endpoint, 'live', accessKey.id, accessKey.secret],
      { env: { ...process.env, PYTHONPATH: pyodpsModules }, maxBuffer: 1 << 30 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`PyODPS: ${stderr.slice(-3_000)}`));
        else resolve(JSON.parse(stdout) as Record<Name, ReadTable>);
      },
    );
    child.stdin?.end(JSON.stringify(tables));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Any answer will do: whether it is the right one is for the suites. */
async function answering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the emulator did not answer within 15 s');
}
