/**
 * Two processes on one task. By the front door the second is told who holds the folder; where it gets in all the same (a lock
 * that does not hold, a process that stood still), the one that claimed last goes on and the other ends with 68. Either way
 * each change stands in the log once.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describeWithPart } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { readNewest } from './folder-copies.js';
import { descendantsOf, isAlive } from './processes.js';
import { liveServersOr } from './servers.js';
import { openWorld, type RunningProgram, type World } from './world.js';
import { startWriters, type Transaction, type Writers } from './writers.js';

const swaps = process.env.MCSYNC_LIVE === '1' ? 10 : 3;
const tables = ['accounts', 'notes'] as const;

const transfer: Transaction = (writer, round) => [
  `UPDATE bank.accounts SET balance = balance - 1 WHERE id = ${(writer * 7 + round) % 50}`,
  `UPDATE bank.accounts SET balance = balance + 1 WHERE id = ${(writer * 3 + round * 5) % 50}`,
  `INSERT INTO bank.notes VALUES (${writer}, ${round})`,
  `DELETE FROM bank.notes WHERE writer = ${writer} AND round = ${round - 50} LIMIT 1`,
];

for (const { title, parts, start } of liveServersOr('MySQL 5.6')) {
  describeWithPart(parts, `two processes on one task, on ${title}`, () => {
    let world: World;
    let task: string;
    let command: readonly string[];
    const started: RunningProgram[] = [];
    const writing: Writers[] = [];

    beforeAll(async () => {
      world = await openWorld(start);
      await world.server.query(`CREATE DATABASE bank; CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance INT);
        CREATE TABLE bank.notes (writer INT, round INT)`);
      const rows = Array.from({ length: 50 }, (_, id) => `(${id}, 1000)`).join(', ');
      await world.server.query(`INSERT INTO bank.accounts VALUES ${rows}`);
      task = world.writeTask('bank', { objects: [{ database: 'bank' }] });
      command = ['run', '-f', task, '--state', world.stateDir];
      const first = await world.run(...command, '--until', 'caught-up');
      expect(first.code === 0 ? '' : first.stderr).toBe('');
    }, 60_000);
    afterEach(async () => {
      for (const each of started.splice(0)) each.kill('group');
      for (const writers of writing.splice(0)) await writers.stop();
    });
    afterAll(() => world?.close(), 30_000);

    const go = (...args: readonly string[]): RunningProgram => {
      const running = world.start(...args);
      started.push(running);
      return running;
    };
    const write = async (count: number): Promise<Writers> => {
      const writers = await startWriters(world.server, count, transfer, 20);
      writing.push(writers);
      return writers;
    };
    /** As `run` starts it, without the lock that `run` takes. */
    const goStreaming = (): RunningProgram => {
      const [file, secrets] = [join(world.stateDir, 'task.json'), join(world.stateDir, 'secrets')];
      return go('worker', 'stream', '--task', file, '--store', `dir:${world.stateDir}`, '--secrets', secrets);
    };
    const checkpoint = (): { recordId: number; writer: { id: string; epoch: number; seq: number } } =>
      JSON.parse(readNewest(world.stateDir, 'bank-checkpoint'));

    /** Waits for saves of a process after its claim: it streams. */
    async function streams(pid: number, ended: RunningProgram): Promise<void> {
      const isOurs = (): boolean => checkpoint().writer.id.includes(`/${pid}/`) && checkpoint().writer.seq > 0;
      await until(isOurs, ended);
    }

    async function goesOn(running: RunningProgram): Promise<void> {
      const { recordId } = checkpoint();
      await world.server.query('UPDATE bank.accounts SET balance = balance + 1 WHERE id < 5');
      await until(() => checkpoint().recordId >= recordId + 5, running);
    }

    it('lets the first run go on, and tells the second who holds the folder', async () => {
      const first = go(...command);
      await until(() => first.stderr().includes('Synchronizing'), first);
      const second = await world.run(...command);
      expect(second.code).toBe(68);
      expect(second.stderr).toContain('ANOTHER_WRITER');
      expect(second.stderr).toContain(`in use by process ${first.pid} on ${hostname()} since 20`);
      await goesOn(first);
      first.stop();
      expect((await first.ended).code).toBe(0);
    }, 120_000);

    it(
      `is swapped ${swaps} times by kill -9, at once`,
      async () => {
        const writers = await write(3);
        let running = go(...command);
        for (let swap = 0; swap < swaps; swap += 1) {
          const epoch = checkpoint().writer.epoch;
          await until(() => checkpoint().writer.epoch > epoch && checkpoint().writer.seq > swap % 3, running);
          const workers = descendantsOf(running.pid);
          expect(workers.length).toBeGreaterThan(0);
          running.kill(swap % 2 === 0 ? 'parent' : 'group');
          await running.ended;
          // Orphans may be about to end while the next run starts already.
          running = go(...command);
          await until(() => !workers.some(isAlive), running);
        }
        await goesOn(running);
        await writers.stop();
        running.stop();
        expect((await running.ended).code).toBe(0);
      },
      60_000 + swaps * 20_000,
    );

    it('fences the first of two stream workers that both got in', async () => {
      const writers = await write(2);
      const first = goStreaming();
      await streams(first.pid, first);
      const second = goStreaming();
      const { code, stderr } = await first.ended;
      expect({ code, stderr }).toEqual({ code: 68, stderr: expect.stringContaining('ANOTHER_WRITER') });
      expect(stderr).toMatch(new RegExp(`bank-checkpoint is held by process ${second.pid} on ${hostname()} `));
      await streams(second.pid, second);
      await goesOn(second);
      await writers.stop();
      second.stop();
      expect((await second.ended).code).toBe(0);
    }, 120_000);

    it('lets one of two that start at the same moment go on', async () => {
      const writers = await write(2);
      const both = [goStreaming(), goStreaming()] as const;
      const loser = await Promise.race(both.map(({ ended }, at) => ended.then((end) => ({ ...end, at }))));
      expect(loser).toMatchObject({ code: 68, stderr: expect.stringContaining('ANOTHER_WRITER') });
      const winner = both[1 - loser.at] as RunningProgram;
      await streams(winner.pid, winner);
      await goesOn(winner);
      await writers.stop();
      winner.stop();
      expect((await winner.ended).code).toBe(0);
    }, 120_000);

    it('fences one that stood still while another took over', async () => {
      const writers = await write(2);
      const zombie = goStreaming();
      await streams(zombie.pid, zombie);
      process.kill(zombie.pid, 'SIGSTOP');
      // With the one server id of the task the zombie may cut off the dump of its heir, once: `run` starts it again.
      const heir = go(...command);
      await until(() => !checkpoint().writer.id.includes(`/${zombie.pid}/`) && checkpoint().writer.seq > 0, heir);
      await goesOn(heir);
      process.kill(zombie.pid, 'SIGCONT');
      const { code, stderr } = await zombie.ended;
      expect({ code, stderr }).toEqual({
        code: 68,
        stderr: expect.stringContaining('bank-checkpoint is held by process'),
      });
      await goesOn(heir);
      await writers.stop();
      heir.stop();
      expect((await heir.ended).code).toBe(0);
    }, 120_000);

    it('has lost and doubled nothing in all of this', async () => {
      const last = await world.run(...command, '--until', 'caught-up');
      expect(last.code === 0 ? '' : last.stderr).toBe('');
      const logs = await world.read('accounts_log', 'notes_log');
      expect(logFaults(logs)).toEqual(noFaults);
      for (const table of tables) {
        const into = `${table}_${checkpoint().recordId}`;
        const merge = await world.run('merge', '-f', task, '--state', world.stateDir, `bank.${table}`, '--into', into);
        expect(merge.code === 0 ? '' : merge.stderr).toBe('');
        const { [into]: merged } = await world.read(into);
        expect(merged && (await targetRows(world.server, 'bank', table, merged))).toEqual(
          await sourceRows(world.server, 'bank', table),
        );
      }
    }, 120_000);
  });
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
