/**
 * The emulator is restarted exactly between an intent and its commits, after a commit whose answer is lost, and with its
 * upload sessions forgotten; the worker lives on, or is killed at the same moment. Right each time.
 */
import { mergeCommand } from '../../operator/cli/merge.js';
import type { CheckpointDocument, Envelope, ShardDocument } from '../../operator/model/documents.js';
import type { CommitAnswer, UploadRef } from '../../operator/model/ports.js';
import { tableKey } from '../../operator/model/source-table.js';
import { loadCheckpoint, loadPlan } from '../../operator/pipeline/task-documents.js';
import { describeWithPart } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { liveServersOr } from './servers.js';
import { type Hooks, Killed, openWorkbench, settledRecordId, type Workbench } from './workbench.js';
import type { ReadTable } from './world.js';

interface Fault {
  readonly when: 'before the first commit' | 'after a lost answer' | 'after the last commit';
  readonly forgetSessions: boolean;
  readonly isKilled: boolean;
}

const faults: readonly Fault[] = (
  ['before the first commit', 'after a lost answer', 'after the last commit'] as const
).flatMap((when) =>
  [false, true].flatMap((forgetSessions) => [false, true].map((isKilled) => ({ when, forgetSessions, isKilled }))),
);
const inWords = ({ when, forgetSessions, isKilled }: Fault): string =>
  `${when}${forgetSessions ? ', its sessions forgotten' : ''}, ${isKilled ? 'the worker killed too' : 'the worker alive'}`;
const named = faults.map((fault) => [inWords(fault), fault] as const);

const tables = ['orders', 'ticks'] as const;
const tenMinutesMs = 600_000;

for (const { title, parts, start } of liveServersOr('MySQL 5.6')) {
  describeWithPart(parts, `the emulator is restarted, its source is ${title}`, () => {
    let bench: Workbench;

    beforeAll(async () => {
      bench = await openWorkbench(start, 'shop');
      await bench.server.query(`CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT, t VARCHAR(20));
        CREATE TABLE shop.ticks (v INT); INSERT INTO shop.orders VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, NULL);
        INSERT INTO shop.ticks VALUES (7), (7), (NULL)`);
      await bench.prepare();
      await Promise.all([bench.stream(isComplete), bench.snapshot()]);
    }, 120_000);
    afterAll(() => bench?.close(), 60_000);

    async function isComplete(): Promise<boolean> {
      const [plan, checkpoint] = [await loadPlan(bench.documents()), await loadCheckpoint(bench.documents())];
      return (plan?.tables ?? []).every(({ plan: { source }, generation }) => {
        const known = checkpoint?.tables[tableKey(source)];
        return known?.generation === generation && known.state === 'complete';
      });
    }

    /**
     * Restarts the emulator once, at the fault's moment. `isIntent` knows the save that the moment follows; `atOnce` is how
     * many commits are asked for side by side.
     */
    function hooksOf(
      fault: Fault,
      isIntent: (value: Envelope) => boolean,
      atOnce: number,
    ): { hooks: Hooks; hits: () => number } {
      let restarted: Promise<void> | null = null;
      /** One at a time, so that it is known which of them have landed. */
      let landed: Promise<unknown> = Promise.resolve();
      let commits = 0;
      const strike = async (): Promise<void> => {
        restarted ??= bench.emulator.faults.restart({ forgetSessions: fault.forgetSessions });
        await restarted;
        if (fault.isKilled) throw new Killed();
      };
      return {
        hits: () => (restarted === null ? 0 : 1),
        hooks: {
          async onSaved(_, value) {
            if (fault.when === 'before the first commit' && restarted === null && isIntent(value)) await strike();
          },
          async onCommit(_: UploadRef, commit: () => Promise<CommitAnswer>) {
            if (fault.when === 'before the first commit' || restarted !== null) return await commit();
            commits += 1;
            // The requests for the others are lost on their way, or all are answered to nobody.
            if (fault.when === 'after the last commit' || commits === 1) landed = landed.then(commit);
            while (commits < atOnce) await new Promise((resolve) => setImmediate(resolve));
            await landed;
            await strike();
            return { kind: 'unknown', reason: 'the answer was lost' };
          },
        },
      };
    }

    async function readLogs(): Promise<Record<string, ReadTable>> {
      const logs: Record<string, ReadTable> = {};
      for (const table of tables) {
        const { columns, rows } = await bench.query(`SELECT * FROM ${table}_log`);
        const [own, keys] = [columns.slice(0, -4), columns.slice(-4)];
        logs[table] = {
          columns: own.map(({ name, type }) => [name, type]),
          partitionColumns: keys.map(({ name }) => name),
          rows,
        };
      }
      return logs;
    }

    async function expectEqual(): Promise<void> {
      expect(logFaults(await readLogs())).toEqual(noFaults);
      for (const table of tables) {
        await silently(() =>
          mergeCommand([`shop.${table}`], {
            file: bench.taskFile,
            state: bench.context.stateDir,
            into: `${table}_now`,
          }),
        );
        const { columns, rows } = await bench.query(`SELECT * FROM ${table}_now`);
        const read: ReadTable = { columns: columns.map(({ name, type }) => [name, type]), partitionColumns: [], rows };
        expect(await targetRows(bench.server, 'shop', table, read)).toEqual(
          await sourceRows(bench.server, 'shop', table),
        );
      }
    }

    describe('while it streams', () => {
      it.each(named)(
        '%s',
        async (_, fault) => {
          const before = (await settledRecordId(bench)) as number;
          await bench.server.query(`BEGIN; UPDATE shop.orders SET n = n + 1; INSERT INTO shop.ticks VALUES (8), (8);
          DELETE FROM shop.ticks WHERE v = 7 LIMIT 1; INSERT INTO shop.ticks VALUES (7); COMMIT`);
          const { hooks, hits } = hooksOf(
            fault,
            (value) => Boolean((value as CheckpointDocument).intent),
            tables.length,
          );
          const skippedMs = bench.skippedMs();
          bench.told();
          await bench.stream(async () => (await settledRecordId(bench)) === before + 7, hooks);
          const told = bench.told();
          expect(hits()).toBe(1);
          const counts = told
            .filter(({ event }) => event === 'session counted')
            .map(({ facts }) => Number(facts.count) > 0);
          const isWaited = bench.skippedMs() - skippedMs >= tenMinutesMs;
          // What is committed is seen by its rows at once; what is not, only by two counts that lie ten minutes apart.
          const expected = {
            'before the first commit': [false],
            'after a lost answer': [false, true],
            'after the last commit': [true],
          }[fault.when];
          expect({ counts: [...new Set(counts)].sort(), isWaited }).toEqual({
            counts: fault.forgetSessions ? expected : [],
            isWaited: fault.forgetSessions && expected.includes(false),
          });
          await expectEqual();
        },
        60_000,
      );
    });

    describe('while it copies', () => {
      it.each(named.filter(([, { when }]) => when !== 'after the last commit'))(
        '%s',
        async (_, fault) => {
          await bench.prepareAnew(tables.map((table) => `shop.${table}`));
          await bench.server.query('UPDATE shop.orders SET n = n + 1 WHERE id = 2');
          const isIntent = (value: Envelope): boolean =>
            Object.values((value as ShardDocument).tables ?? {}).some(
              (table) => table.commitIntent && !table.committed,
            );
          const { hooks, hits } = hooksOf(fault, isIntent, 1);
          bench.told();
          await Promise.all([bench.stream(isComplete), bench.snapshot(hooks)]);
          expect(hits()).toBe(1);
          expect(bench.told().some(({ event }) => event === 'session counted')).toBe(fault.forgetSessions);
          for (const table of tables) {
            const base = (await bench.query(`SELECT COUNT(*) FROM ${table}_base`)).rows[0]?.[0];
            const [source] = await bench.server.query(`SELECT COUNT(*) AS n FROM shop.${table}`);
            expect({ table, rows: base }).toEqual({ table, rows: source?.n });
          }
          await expectEqual();
        },
        60_000,
      );
    });
  });
}

async function silently(command: () => Promise<number>): Promise<void> {
  const { stdout, stderr } = process;
  const [writeOut, writeErr] = [stdout.write, stderr.write];
  stdout.write = () => true;
  stderr.write = () => true;
  try {
    expect(await command()).toBe(0);
  } finally {
    stdout.write = writeOut;
    stderr.write = writeErr;
  }
}
