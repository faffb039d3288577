import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../operator/base/clock.js';
import { createChildRuntime } from '../../operator/local/child-runtime.js';
import type { ObservedWorker, Runtime } from '../../operator/model/ports.js';

let dir: string;
let program: string;
const lines: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-runtime-'));
  program = join(dir, 'worker.mjs');
  await writeFile(
    program,
    `const [, , word, role, mode] = process.argv;
     process.on('disconnect', () => process.exit(75));
     if (mode === 'fail') process.send({ kind: 'lastWords', failure: { code: 'POSITION_LOST', seen: 's', wanted: 'w', fix: 'f' } }, () => process.exit(65));
     if (mode === 'stay') process.on('SIGTERM', () => { console.error('flushed'); process.exit(0); });
     console.error(word + ' ' + role + ' ' + process.pid);
     setInterval(() => {}, 1000);`,
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(() => {
  lines.length = 0;
});

function runtimeOf(mode: string): Runtime {
  return createChildRuntime({
    program,
    args: [mode],
    clock: systemClock,
    onLine: (role, line) => lines.push(`${role}: ${line}`),
  });
}

const spec = { role: 'stream', inputHash: 'h1' } as const;

test('a stop lets the worker flush, and resolves when it is gone', async () => {
  const runtime = runtimeOf('stay');
  await runtime.start(spec);
  expect(await runtime.observe()).toEqual([
    { ...spec, state: 'running', exitCode: null, lastWords: null, endedAtMs: null },
  ]);
  await until(() => lines.some((line) => line.startsWith('stream: worker stream ')));
  await runtime.stop('stream');
  const [worker] = await runtime.observe();
  expect(worker).toMatchObject({ state: 'ended', exitCode: 0, endedAtMs: expect.any(Number) });
  expect(lines).toContain('stream: flushed');
  await runtime.stop('stream');
});

test('last words and exit code of a worker that fails are seen', async () => {
  const runtime = runtimeOf('fail');
  await runtime.start(spec);
  let worker: ObservedWorker | undefined;
  await until(async () => (worker = (await runtime.observe())[0])?.state === 'ended');
  expect(worker).toMatchObject({ exitCode: 65, lastWords: { code: 'POSITION_LOST', fix: 'f' } });
});

test('a killed worker has ended by a signal, and may be started again', async () => {
  const runtime = runtimeOf('stay');
  await runtime.start(spec);
  await until(() => lines.length > 0);
  process.kill(Number(lines[0]?.split(' ').at(-1)), 'SIGKILL');
  await until(async () => (await runtime.observe())[0]?.state === 'ended');
  expect((await runtime.observe())[0]).toMatchObject({ exitCode: null, lastWords: null });
  await runtime.start({ ...spec, inputHash: 'h2' });
  expect((await runtime.observe())[0]).toMatchObject({ state: 'running', inputHash: 'h2' });
  await runtime.stop('stream');
});

test('a worker whose parent is killed ends with it', async () => {
  const parent = join(dir, 'parent.mjs');
  await writeFile(
    parent,
    `import { spawn } from 'node:child_process';
     const child = spawn(process.execPath, [${JSON.stringify(program)}, 'worker', 'stream', 'stay'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true });
     child.stderr.once('data', () => console.log(child.pid));`,
  );
  const process_ = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(process_.stdout, 'data')) as [Buffer];
  const pid = Number(printed.toString());
  expect(isAlive(pid)).toBe(true);
  process_.kill('SIGKILL');
  await until(() => !isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error('10 s have passed');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
