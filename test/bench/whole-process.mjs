// The whole way as users run it: `mcsync run` streams a binary log into the emulator until all of it is committed.
// Out: rows a second while the stream worker lived, its start included, and its peak memory (VmHWM, which the kernel keeps).
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const program = fileURLToPath(new URL('../../operator/dist/cli/main.js', import.meta.url));
const sampleMs = 50;

export async function measureWholeProcess(mysqlPort, { table, from, rows }, folder) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}/api`;
  const emulator = start([
    'emulator',
    '--port',
    port,
    '--data',
    join(folder, 'data'),
    '--project',
    'bench',
    '--access-key',
    'k:s',
  ]);
  try {
    await answering(endpoint);
    const task = join(folder, 'task.yaml');
    const state = join(folder, 'state');
    writeFileSync(task, taskFile(mysqlPort, endpoint, table, from));
    const run = start(['run', '-f', task, '--state', state, '--until', 'caught-up']);
    const samples = sampleWorker(state);
    const code = await run.ended;
    const { aliveMs, rssMiB } = samples.stop();
    if (code !== 0) throw new Error(`mcsync run ended with ${code}: ${run.said()}`);
    return { rows, aliveMs, rowsPerSecond: (rows / aliveMs) * 1000, rssMiB };
  } finally {
    emulator.child.kill('SIGTERM');
    await emulator.ended;
  }
}

function taskFile(port, endpoint, table, from) {
  const task = {
    apiVersion: 'mcsync.dev/v1alpha1',
    kind: 'SyncTask',
    metadata: { name: `bench-${table.table}` },
    spec: {
      mode: 'IncrementalOnly',
      startPosition: { file: from.file, position: from.offset },
      source: { host: '127.0.0.1', port, credentials: { secretRef: { name: 'source' } }, tls: { mode: 'Disabled' } },
      target: { endpoint, project: 'bench', credentials: { secretRef: { name: 'target' } } },
      objects: [{ database: table.database, tables: [table.table] }],
    },
  };
  const secret = (name, stringData) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });
  return [
    task,
    secret('source', { username: 'root', password: '' }),
    secret('target', { accessKeyId: 'k', accessKeySecret: 's' }),
  ]
    .map((document) => stringify(document))
    .join('---\n');
}

/** Finds the stream worker by its command line, and reads its high-water mark until it is gone. */
function sampleWorker(state) {
  let firstMs = 0;
  let lastMs = 0;
  let rssKiB = 0;
  const timer = setInterval(() => {
    const pid = findWorker(state);
    if (pid === null) return;
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readQuietly(`/proc/${pid}/status`))?.[1] ?? 0);
    if (peak === 0) return;
    firstMs ||= performance.now();
    lastMs = performance.now();
    rssKiB = Math.max(rssKiB, peak);
  }, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      return { aliveMs: lastMs - firstMs, rssMiB: rssKiB / 1024 };
    },
  };
}

function findWorker(state) {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const words = readQuietly(`/proc/${pid}/cmdline`).split('\0');
    if (words.includes('worker') && words.includes('stream') && words.some((word) => word.includes(state))) return pid;
  }
  return null;
}

function readQuietly(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended between the listing and the reading
  }
}

function start(args) {
  const child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-2_000);
  });
  return { child, said: () => said, ended: new Promise((resolve) => child.once('close', resolve)) };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answering(endpoint) {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the emulator did not answer within 15 s');
}
