/**
 * State folders that a task cannot go on from: cut, torn apart, a later version's, another task's. Each command says so
 * with its code, and leaves every byte as it was. Where an older state is all that is left, nothing is lost or doubled.
 * With MCSYNC_LIVE=1.
 */
import { cpSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../operator/base/error-codes.js';
import { SyncError } from '../../operator/base/errors.js';
import { mergeCommand } from '../../operator/cli/merge.js';
import { precheckCommand } from '../../operator/cli/precheck.js';
import { resnapshotCommand } from '../../operator/cli/resnapshot.js';
import { runCommand } from '../../operator/cli/run.js';
import { statusCommand } from '../../operator/cli/status.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWhenLive } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import type { TestServer } from '../parts/test-server.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { bytesOf, copyFolder, newestOf, tamper, truncate, versionsOf } from './folder-copies.js';
import { openWorld, type ReadTable, type World } from './world.js';

const documents = ['config', 'precheck', 'plan', 'shard-0', 'schema', 'checkpoint'].map((each) => `shop-${each}`);
const cuts: Readonly<Record<string, (whole: number) => number>> = {
  'to nothing': () => 0,
  'after one byte': () => 1,
  'in half': (whole) => Math.floor(whole / 2),
  'before its last byte': (whole) => whole - 1,
};

describeWhenLive([mysql56, pyodps], 'a state folder that is not as it was left', () => {
  let world: World;
  let task: string;
  let sound: string;

  beforeAll(async () => {
    world = await openWorld(() => startMySql56());
    await world.server.query(`CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT);
      INSERT INTO shop.orders VALUES (1, 1), (2, 2), (3, 3)`);
    task = world.writeTask('shop', { objects: [{ database: 'shop' }] });
    sound = join(world.folder, 'sound');
    await settle(sound);
    await world.server.query(`UPDATE shop.orders SET n = n + 1; ALTER TABLE shop.orders ADD COLUMN t VARCHAR(20);
      INSERT INTO shop.orders VALUES (4, 4, 'four'); DELETE FROM shop.orders WHERE id = 2`);
    await settle(sound);
  }, 60_000);
  afterAll(() => world?.close(), 30_000);

  const damaged = (): string => copyFolder(sound, join(world.folder, 'damaged'));

  async function settle(state: string): Promise<void> {
    const { code, stderr } = await world.run('run', '-f', task, '--state', state, '--until', 'caught-up');
    expect(code === 0 ? '' : stderr).toBe('');
  }

  /** Every command on a folder; what each ended with, and whether all bytes are as before. */
  async function tryAll(state: string, file = task): Promise<Record<string, string>> {
    const before = bytesOf(state);
    const flags = { file, state };
    const codes = {
      run: await codeOf(() => runCommand(flags)),
      precheck: await codeOf(() => precheckCommand({ ...flags, output: 'json' })),
      status: await codeOf(() => statusCommand({ ...flags, output: 'json' })),
      merge: await codeOf(() => mergeCommand(['shop.orders'], { ...flags, print: true })),
      resnapshot: await codeOf(() => resnapshotCommand(['shop.orders'], flags)),
    };
    expect(bytesOf(state)).toEqual(before);
    return codes;
  }

  const all = (code: ErrorCode): Record<string, string> => ({
    run: code,
    precheck: code,
    status: code,
    merge: code,
    resnapshot: code,
  });

  it.each(documents)('is refused with %s cut anywhere, or filled with zeros', async (document) => {
    for (const [where, length] of Object.entries(cuts)) {
      const state = damaged();
      truncate(newestOf(state, document), length);
      expect({ where, ...(await tryAll(state)) }).toEqual({ where, ...all('STORE_CORRUPT') });
    }
    const state = damaged();
    writeFileSync(newestOf(state, document), Buffer.alloc(4096));
    expect(await tryAll(state)).toEqual(all('STORE_CORRUPT'));
  });

  it.each(documents)('is refused with %s of a later version, or of another task', async (document) => {
    let state = damaged();
    tamper(state, document, (value) => Object.assign(value, { format: 99, minReader: 99 }));
    expect(await tryAll(state)).toEqual(all('STORE_FORMAT_NEWER'));
    state = damaged();
    tamper(state, document, (value) => Object.assign(value, { taskId: 'f6a2' }));
    expect(await tryAll(state)).toEqual(all('CHECKPOINT_OF_ANOTHER_TASK'));
  });

  it.each(documents)(
    'may be looked at, and not written to, with %s of a later version that lets us read it',
    async (document) => {
      const state = damaged();
      tamper(state, document, (value) => Object.assign(value, { format: 99 }));
      const before = bytesOf(state);
      const flags = { file: task, state };
      expect(await codeOf(() => statusCommand({ ...flags, output: 'json' }))).toBe('0');
      expect(await codeOf(() => mergeCommand(['shop.orders'], { ...flags, print: true }))).toBe('0');
      expect(await codeOf(() => runCommand(flags))).toBe('STORE_FORMAT_NEWER');
      expect(await codeOf(() => resnapshotCommand(['shop.orders'], flags))).toBe('STORE_FORMAT_NEWER');
      expect(bytesOf(state)).toEqual(before);
    },
  );

  it.each(documents.filter((document) => document !== 'shop-precheck'))(
    'is refused without any %s',
    async (document) => {
      const state = damaged();
      for (const path of versionsOf(state, document)) unlinkSync(path);
      expect(await tryAll(state)).toEqual(all('STORE_CORRUPT'));
    },
  );

  it('is refused to another task: by name, namespace, target or mode', async () => {
    const objects = [{ database: 'shop' }];
    const target = { endpoint: world.endpoint, project: 'other', credentials: { secretRef: { name: 'target' } } };
    const others = {
      name: world.writeTask('shop2', { objects }),
      target: world.writeTask('shop', { objects, target }),
      mode: '',
    };
    const state = damaged();
    expect(await tryAll(state, others.name)).toEqual(all('CHECKPOINT_OF_ANOTHER_TASK'));
    expect(await tryAll(state, others.target)).toEqual(all('CHECKPOINT_OF_ANOTHER_TASK'));
    others.mode = world.writeTask('shop', { objects, mode: 'FullOnly' });
    expect(await tryAll(state, others.mode)).toEqual(all('CHECKPOINT_OF_ANOTHER_TASK'));
    task = world.writeTask('shop', { objects });
    expect((await world.run('run', '-f', others.name, '--state', state)).code).toBe(64);
  });

  it('keeps its documents when the address leads to another server, which is refused with 69', async () => {
    const state = damaged();
    const kept = (): Record<string, string> =>
      Object.fromEntries(
        Object.entries(bytesOf(state)).filter(([path]) => /-(plan|shard-0|schema|checkpoint)\.\d+$/.test(path)),
      );
    const before = kept();
    const other: TestServer = await startMySql56({ serverOptions: ['--server-id=77'] });
    try {
      await other.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT, t VARCHAR(20))');
      const source = {
        host: '127.0.0.1',
        port: other.port,
        credentials: { secretRef: { name: 'source' } },
        tls: { mode: 'Disabled' },
      };
      const file = world.writeTask('shop', { objects: [{ database: 'shop' }], source });
      const { code, stderr } = await world.run('run', '-f', file, '--state', state);
      expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining('SOURCE_IDENTITY_CHANGED') });
      expect(kept()).toEqual(before);
    } finally {
      task = world.writeTask('shop', { objects: [{ database: 'shop' }] });
      await other.stop();
    }
  });

  it.each(['shop-plan', 'shop-schema'])('is refused with an old %s below a newer checkpoint', async (document) => {
    const state = damaged();
    unlinkSync(newestOf(state, document));
    expect(await tryAll(state)).toEqual(all('STORE_CORRUPT'));
  });

  it.each(['shop-config', 'shop-shard-0', 'shop-checkpoint'])(
    'goes on right without the newest %s, with a gap in its numbers and what a dead writer left',
    async (document) => {
      const id = 10 + documents.indexOf(document);
      await world.server.query(`INSERT INTO shop.orders VALUES (${id}, 0, '${document}')`);
      await settle(sound);
      unlinkSync(newestOf(sound, document));
      renameSync(newestOf(sound, document), join(sound, `${document}.1000`));
      writeFileSync(join(sound, `.${document}.4711.0123456789ab.tmp`), '{"format":1,');
      await settle(sound);
      const merge = await world.run('merge', '-f', task, '--state', sound, 'shop.orders', '--into', `now_${id}`);
      expect(merge.code === 0 ? '' : merge.stderr).toBe('');
      const read = await world.read(`now_${id}`, 'orders_log');
      const wanted = await sourceRows(world.server, 'shop', 'orders');
      expect(await targetRows(world.server, 'shop', 'orders', read[`now_${id}`] as ReadTable)).toEqual(wanted);
      expect(logFaults({ orders_log: read.orders_log as ReadTable })).toEqual(noFaults);
    },
    60_000,
  );

  it('is an old one: what the log holds beyond it is seen, and nothing is written', async () => {
    const old = join(world.folder, 'old');
    rmSync(old, { recursive: true, force: true });
    cpSync(sound, old, { recursive: true });
    await world.server.query("INSERT INTO shop.orders VALUES (99, 9, 'later')");
    await settle(sound);
    const logBefore = (await world.read('orders_log')).orders_log.rows.length;
    const { code, stderr } = await world.run('run', '-f', task, '--state', old, '--until', 'caught-up');
    expect({ code, stderr }).toEqual({ code: 67, stderr: expect.stringContaining('CHECKPOINT_BEHIND_LOG') });
    expect((await world.read('orders_log')).orders_log.rows.length).toBe(logBefore);
  }, 60_000);
});

/** The code of a failure of the world, or the exit code. */
async function codeOf(command: () => Promise<number>): Promise<string> {
  const { write } = process.stdout;
  process.stdout.write = () => true;
  try {
    return String(await command());
  } catch (error) {
    if (error instanceof SyncError) return error.code;
    throw error;
  } finally {
    process.stdout.write = write;
  }
}
