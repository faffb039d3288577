import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from '../../operator/base/exit-codes.js';
import { lockFolder } from '../../operator/local/folder-lock.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the second is refused with 68 and told who holds the folder, also by another path to it', async () => {
  const lock = await lockFolder(join(dir, 'state'));
  await symlink(join(dir, 'state'), join(dir, 'alias'));
  for (const path of [join(dir, 'state'), join(dir, 'alias')]) {
    await expect(lockFolder(path)).rejects.toMatchObject({
      code: 'ANOTHER_WRITER',
      exitCode: exitCodes.anotherWriter,
      seen: expect.stringContaining(`process ${process.pid} on `),
    });
  }
  await lock[Symbol.asyncDispose]();
  await (await lockFolder(join(dir, 'state')))[Symbol.asyncDispose]();
});

test('other folders are free', async () => {
  const one = await lockFolder(join(dir, 'one'));
  const two = await lockFolder(join(dir, 'two'));
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
});

test('a killed holder leaves the folder free', async () => {
  const script = join(dir, 'holder.mjs');
  await writeFile(
    script,
    `import { createServer } from 'node:net'; import { createHash } from 'node:crypto'; import { realpathSync } from 'node:fs';
     const hash = createHash('sha256').update(realpathSync(process.argv[2])).digest('hex').slice(0, 32);
     const path = process.platform === 'linux' ? '\\0mcsync-' + hash : realpathSync(process.argv[2]) + '/lock.sock';
     createServer().listen({ path }, () => console.log('held'));`,
  );
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const note = (pid: number): Promise<void> =>
    writeFile(join(dir, 'holder.json'), JSON.stringify({ pid, host: hostname(), since: '2026-01-01T00:00:00.000Z' }));
  // Of a holder before this one, which died: whoever were told to kill it would kill another process.
  await note(await pidOfDead());
  await expect(lockFolder(dir)).rejects.toMatchObject({
    code: 'ANOTHER_WRITER',
    seen: expect.stringContaining('in use by another process'),
    fix: expect.not.stringContaining('kill'),
  });
  await note(child.pid ?? 0);
  await expect(lockFolder(dir)).rejects.toMatchObject({ fix: expect.stringContaining(`kill ${child.pid}`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await lockFolder(dir))[Symbol.asyncDispose]();
});

test('where the note of the holder cannot be written, nothing is left behind and the folder is free', async () => {
  await mkdir(join(dir, 'holder.json'));
  await expect(lockFolder(dir)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await readdir(dir)).toEqual(['holder.json']);
  await rm(join(dir, 'holder.json'), { recursive: true });
  await (await lockFolder(dir))[Symbol.asyncDispose]();
});

async function pidOfDead(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}
