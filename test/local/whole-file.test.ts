import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '../../operator/local/folder-lock.js';
import { makeFolder } from '../../operator/local/make-folder.js';
import { writeWholeFile } from '../../operator/local/whole-file.js';
import { describeWithPart } from '../parts/part.js';
import { mountSmallDisk, tmpfs } from '../parts/tmpfs.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-whole-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a file is replaced, by its owner alone, and nothing else is left', async () => {
  await writeWholeFile(join(dir, 'a'), 'one');
  await writeWholeFile(join(dir, 'a'), 'two');
  expect(await readFile(join(dir, 'a'), 'utf8')).toBe('two');
  expect((await stat(join(dir, 'a'))).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(['a']);
});

test('what cannot be replaced stays, and what was written for it goes', async () => {
  await mkdir(join(dir, 'a'));
  await expect(writeWholeFile(join(dir, 'a'), 'one')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await readdir(dir)).toEqual(['a']);
});

describeWithPart(tmpfs, 'a disk that takes no more', () => {
  it('takes nothing away: the file holds what it held', async () => {
    const disk = mountSmallDisk('size=16k');
    try {
      const path = join(disk.folder, 'a');
      await writeWholeFile(path, 'one');
      await expect(writeWholeFile(path, 'x'.repeat(64_000))).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await readFile(path, 'utf8')).toBe('one');
      expect(await readdir(disk.folder)).toEqual(['a']);
    } finally {
      disk.unmount();
    }
  });

  it('is told as such where a folder is to be made, and by the lock of one', async () => {
    const disk = mountSmallDisk('size=64k,nr_inodes=3');
    try {
      for (const name of ['a', 'b']) await writeFile(join(disk.folder, name), '');
      await expect(makeFolder(join(disk.folder, 'c'))).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(lockFolder(join(disk.folder, 'c'))).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        seen: expect.stringContaining('disk full'),
      });
    } finally {
      disk.unmount();
    }
  });
});
