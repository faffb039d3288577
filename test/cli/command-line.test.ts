/** What scripts rely on where nothing is reachable: exit codes, which stream says what, and that no secret is told. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../operator/emulator/emulator.js';
import { lockFolder } from '../../operator/local/folder-lock.js';
import { mcsync, taskText } from './mcsync.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-cli-'));
  // Port 1 is reserved and closed.
  await writeFile(join(dir, 'task.yaml'), taskText({ mysqlPort: 1, endpoint: 'http://127.0.0.1:1/api' }));
  const [task] = taskText({ mysqlPort: 1, endpoint: 'http://127.0.0.1:1/api' }).split('---');
  await writeFile(join(dir, 'bare.yaml'), task ?? '');
  await writeFile(join(dir, 'wrong.yaml'), (task ?? '').replace('objects', 'objcts').replace('host', 'hots'));
  await writeFile(join(dir, 'file'), '');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('help teaches: what to start with, an example, and the exit codes, on stdout with 0', async () => {
  const { code, stdout, stderr } = await mcsync(['--help'], dir);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  for (const text of ['mcsync quickstart', 'mcsync run -f task.yaml', '75 try again later'])
    expect(stdout).toContain(text);
});

test.each([
  ['a command that is not there, with the one meant', ['rnu'], 'Did you mean run?'],
  [
    'an option that is not there, with the one meant',
    ['run', '-f', 'task.yaml', '--untill', 'caught-up'],
    'Did you mean --until?',
  ],
  ['a missing task file option', ['run'], "required option '-f, --file <file>'"],
  ['a point that is none', ['run', '-f', 'task.yaml', '--until', 'done'], 'synchronizing, caught-up'],
  ['a time without a zone', ['merge', '-f', 'task.yaml', 'a.b', '--at', '2026-01-01T00:00:00'], 'with zone'],
  ['an access key without its secret', ['emulator', '--access-key', 'ak'], 'ID:SECRET'],
  ['a task file that is not there', ['run', '-f', 'nix.yaml'], 'TASK_INVALID'],
  ['a task with faults, all of them', ['run', '-f', 'wrong.yaml'], 'did you mean'],
  [
    'secrets that are missing, all of them',
    ['run', '-f', 'bare.yaml'],
    'key password of Secret m, key accessKeyId of Secret w',
  ],
  ['a secrets folder without them', ['precheck', '-f', 'task.yaml', '--secrets', 'none'], 'SECRET_MISSING'],
  ['a state folder that is a file', ['run', '-f', 'task.yaml', '--state', 'file'], 'STORE_READ_ONLY'],
  ['status of a task that was never started', ['status', '-f', 'task.yaml'], 'TASK_NOT_STARTED'],
  ['merge of a task that was never started', ['merge', '-f', 'task.yaml', 'shop.orders'], 'TASK_NOT_STARTED'],
  ['resnapshot of a task that was never started', ['resnapshot', '-f', 'task.yaml', 'shop.orders'], 'TASK_NOT_STARTED'],
  ['a worker role that is none', ['worker', 'x', '--task', 't', '--store', 'dir:x', '--secrets', 's'], 'USAGE'],
])('%s: 64, told on stderr', async (_, args, text) => {
  const { code, stdout, stderr } = await mcsync(args, dir);
  expect(stderr).toContain(text);
  expect(stderr).not.toContain('    at ');
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
});

test('a folder in use: 68, with the process that holds it', async () => {
  const lock = await lockFolder(join(dir, 'held'));
  const { code, stderr } = await mcsync(['run', '-f', 'task.yaml', '--state', 'held'], dir);
  expect(stderr).toContain(`in use by process ${process.pid}`);
  expect(code).toBe(68);
  await lock[Symbol.asyncDispose]();
});

test('a closed port: a finding and 2; no stack trace, no secret, and a status that says so', async () => {
  const emulator = await startEmulator({
    port: 0,
    dataDir: null,
    project: 'p',
    accessKeyId: 'ak',
    accessKeySecret: 'secret-of-the-target',
  });
  await writeFile(join(dir, 'closed.yaml'), taskText({ mysqlPort: 1, endpoint: emulator.endpoint }));
  const { code, stdout, stderr } = await mcsync(['run', '-f', 'closed.yaml'], dir);
  const precheck = await mcsync(['precheck', '-f', 'closed.yaml', '-o', 'json'], dir);
  const status = await mcsync(['status', '-f', 'closed.yaml', '-o', 'json'], dir);
  await emulator.close();
  expect(stderr).toContain('SOURCE_UNREACHABLE');
  expect(stderr).not.toContain('    at ');
  expect(stderr).not.toMatch(/pw-of-the-source|secret-of-the-target/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(precheck.code).toBe(2);
  expect(JSON.parse(precheck.stdout)).toMatchObject({ task: 'shop', result: 'Failed' });
  expect(JSON.parse(status.stdout)).toMatchObject({
    isRunning: false,
    phase: 'PrecheckFailed',
    failure: { code: 'PRECHECK_FAILED' },
  });
});
