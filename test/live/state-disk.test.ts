/**
 * State folders on a disk that is full, out of inodes or read-only, at the start and in mid-stream, and folders that are
 * deleted under a run. Each is told by its code, nothing is overwritten, and where it can be mended the task goes on.
 * With MCSYNC_LIVE=1.
 */
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWhenLive } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import { mountSmallDisk, type SmallDisk, tmpfs } from '../parts/tmpfs.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { bytesOf, readNewest, versionsOf } from './folder-copies.js';
import { type CommandResult, openWorld, type ReadTable, type RunningProgram, type World } from './world.js';

describeWhenLive([mysql56, pyodps, tmpfs], 'a state folder on a disk that fails', () => {
  let world: World;
  let task: string;
  let sound: string;
  let disk: SmallDisk | null = null;
  const started: RunningProgram[] = [];

  beforeAll(async () => {
    world = await openWorld(() => startMySql56());
    await world.server.query(`CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, n INT);
      INSERT INTO shop.orders (n) VALUES (1), (2), (3)`);
    task = world.writeTask('shop', { objects: [{ database: 'shop' }] });
    sound = join(world.folder, 'sound');
    await settle(sound);
  }, 60_000);
  afterEach(() => {
    for (const each of started.splice(0)) each.kill('group');
    disk?.unmount();
    disk = null;
  });
  afterAll(() => world?.close(), 30_000);

  async function settle(state: string): Promise<void> {
    const { code, stderr } = await world.run('run', '-f', task, '--state', state, '--until', 'caught-up');
    expect(code === 0 ? '' : stderr).toBe('');
  }

  /** The task's state moves to a small disk, and back when `then` is over. */
  async function onDisk(options: string, then: (state: string, folder: string) => Promise<void>): Promise<void> {
    disk = mountSmallDisk(options);
    const state = join(disk.folder, 'state');
    cpSync(sound, state, { recursive: true });
    await then(state, disk.folder);
    rmSync(sound, { recursive: true });
    cpSync(state, sound, { recursive: true });
  }

  const command = (name: string, state: string, ...more: readonly string[]): Promise<CommandResult> =>
    world.run(name, '-f', task, '--state', state, ...more);
  const recordId = (state: string): number => JSON.parse(readNewest(state, 'shop-checkpoint')).recordId;

  async function streaming(state: string): Promise<RunningProgram> {
    const run = world.start('run', '-f', task, '--state', state);
    started.push(run);
    await until(() => run.stderr().includes('Synchronizing'), run);
    const before = recordId(state);
    await world.server.query('INSERT INTO shop.orders (n) VALUES (7)');
    await until(() => recordId(state) > before, run);
    return run;
  }

  async function expectEqual(): Promise<void> {
    const into = `now_${recordId(sound)}`;
    const merge = await command('merge', sound, 'shop.orders', '--into', into);
    expect(merge.code === 0 ? '' : merge.stderr).toBe('');
    const read = await world.read(into, 'orders_log');
    const found = await targetRows(world.server, 'shop', 'orders', read[into] as ReadTable);
    expect(found).toEqual(await sourceRows(world.server, 'shop', 'orders'));
    expect(logFaults({ orders_log: read.orders_log as ReadTable })).toEqual(noFaults);
  }

  const fullDisks = [
    ['full', 'size=256k', fill],
    ['out of inodes', 'size=4m,nr_inodes=64', useUpInodes],
  ] as const;

  it.each(fullDisks)(
    '%s at the start: 75, nothing overwritten, and the task goes on when there is room again',
    async (_, options, use) => {
      await world.server.query('UPDATE shop.orders SET n = n + 1');
      await onDisk(options, async (state, folder) => {
        const release = use(folder);
        const before = bytesOf(state);
        for (const name of ['run', 'resnapshot']) {
          const { code, stderr } = await command(name, state, ...(name === 'resnapshot' ? ['shop.orders'] : []));
          expect({ name, code, stderr }).toEqual({
            name,
            code: 75,
            stderr: expect.stringContaining('STORE_UNAVAILABLE'),
          });
          expect(stderr).toContain('disk full');
          expect(bytesOf(state)).toEqual(before);
        }
        expect((await command('status', state)).code).toBe(0);
        expect((await command('precheck', state)).code).toBe(0);
        expect((await command('merge', state, 'shop.orders', '--print')).code).toBe(0);
        expect(bytesOf(state)).toEqual(before);
        const empty = await command('run', join(folder, 'new'));
        expect({ code: empty.code, stderr: empty.stderr }).toEqual({
          code: 75,
          stderr: expect.stringContaining('disk full'),
        });
        release();
        await settle(state);
      });
      await expectEqual();
    },
    120_000,
  );

  it.each(fullDisks)(
    '%s in mid-stream: goes on by itself when there is room again',
    async (_, options, use) => {
      await onDisk(options, async (state, folder) => {
        const run = await streaming(state);
        const before = recordId(state);
        const release = use(folder);
        await world.server.query('INSERT INTO shop.orders (n) VALUES (8), (9); UPDATE shop.orders SET n = n + 1');
        await until(() => run.stderr().includes('disk full'), run);
        expect(recordId(state)).toBe(before);
        release();
        await until(() => recordId(state) > before, run);
        run.stop();
        expect((await run.ended).code).toBe(0);
      });
      await settle(sound);
      await expectEqual();
    },
    120_000,
  );

  it('read-only at the start: what writes ends with 64, what reads works', async () => {
    await onDisk('size=1m', async (state) => {
      disk?.remount('ro');
      for (const [name, ...more] of [['run'], ['resnapshot', 'shop.orders']] as const) {
        const { code, stderr } = await command(name, state, ...more);
        expect({ name, code, stderr }).toEqual({ name, code: 64, stderr: expect.stringContaining('STORE_READ_ONLY') });
      }
      expect((await command('status', state)).code).toBe(0);
      expect((await command('precheck', state)).code).toBe(0);
      expect((await command('merge', state, 'shop.orders', '--print')).code).toBe(0);
      disk?.remount('rw');
    });
  }, 60_000);

  it('read-only in mid-stream: ends with 64, and resumes when it may write again', async () => {
    await onDisk('size=1m', async (state) => {
      const run = await streaming(state);
      await remountReadOnly(disk as SmallDisk);
      await world.server.query('INSERT INTO shop.orders (n) VALUES (10)');
      const { code, stderr } = await run.ended;
      expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('STORE_READ_ONLY') });
      disk?.remount('rw');
      await settle(state);
    });
    await expectEqual();
  }, 120_000);

  it('without its newest checkpoint while it runs: ends with 64, and nothing is written in its place', async () => {
    const state = join(world.folder, 'beheaded');
    cpSync(sound, state, { recursive: true });
    const run = await streaming(state);
    rmSync(sound, { recursive: true });
    cpSync(state, sound, { recursive: true });
    for (const path of versionsOf(state, 'shop-checkpoint')) unlinkSync(path);
    await world.server.query('INSERT INTO shop.orders (n) VALUES (11)');
    const { code, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('STORE_CORRUPT') });
    expect(versionsOf(state, 'shop-checkpoint')).toEqual([]);
  }, 60_000);

  it('deleted while it runs: ends with 64, is not made again, and its tables are not taken for a new task', async () => {
    const state = join(world.folder, 'deleted');
    cpSync(sound, state, { recursive: true });
    const run = world.start('run', '-f', task, '--state', state);
    started.push(run);
    await until(() => run.stderr().includes('Synchronizing'), run);
    await until(() => deleteWhole(state), run);
    await world.server.query('INSERT INTO shop.orders (n) VALUES (12)');
    const { code, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('STORE_CORRUPT') });
    expect(existsSync(state) ? readdirSync(state).filter((name) => name.startsWith('shop-')) : []).toEqual([]);
    const again = await command('run', state, '--until', 'caught-up');
    expect(again.code).toBe(2);
  }, 60_000);
});

/** Takes all room that is left; the answer gives it back. */
function fill(folder: string): () => void {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  try {
    for (const size of [4096, 1]) {
      const block = Buffer.alloc(size);
      for (let isFull = false; !isFull; ) isFull = !tryOnce(() => writeSync(file, block) === size);
    }
  } finally {
    closeSync(file);
  }
  return () => unlinkSync(path);
}

function useUpInodes(folder: string): () => void {
  const made: string[] = [];
  const makeOne = (): boolean => {
    const path = join(folder, `inode-${made.length}`);
    writeFileSync(path, '');
    made.push(path);
    return true;
  };
  while (tryOnce(makeOne));
  return () => {
    for (const path of made) unlinkSync(path);
  };
}

/** False where the disk takes no more. */
function tryOnce(step: () => boolean): boolean {
  try {
    return step();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  }
}

/** Refused for as long as somebody has a file open for writing: a save takes milliseconds. */
async function remountReadOnly(disk: SmallDisk): Promise<void> {
  for (let isDone = false; !isDone; ) {
    try {
      disk.remount('ro');
      isDone = true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** False where a file came in while the folder was being emptied. */
function deleteWhole(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    return false;
  }
}

/** Bounded by the test's own limit; an end before that is told with its reasons. */
async function until(isSo: () => boolean, running: RunningProgram): Promise<void> {
  let end: number | null | undefined;
  void running.ended.then(({ code }) => {
    end = code;
  });
  while (!isSo()) {
    if (end !== undefined) throw new Error(`ended with ${end}: ${running.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
