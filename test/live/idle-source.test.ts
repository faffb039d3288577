/**
 * A source where nothing happens but that its binary logs are flushed and purged, every minute for an hour, on a clock that
 * runs 120 times as fast: the checkpoint follows, so that the place where the stream would go on is always there.
 * With MCSYNC_LIVE=1.
 */
import type { Clock } from '../../operator/base/clock.js';
import { systemClock } from '../../operator/base/clock.js';
import type { CheckpointDocument, PlanDocument } from '../../operator/model/documents.js';
import type { SourceStart } from '../../operator/model/ports.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import { logTableSpec } from '../../operator/model/target-table.js';
import { createMySqlSource } from '../../operator/mysql/source.js';
import { NulledCounts } from '../../operator/pipeline/nulled-counts.js';
import { runStream, type StreamSettings } from '../../operator/pipeline/stream.js';
import { documentNames } from '../../operator/pipeline/task-documents.js';
import { settingsOf } from '../mysql/servers.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { mysql97, startMySql97 } from '../parts/mysql97.js';
import { describeWhenLive } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { Life, MemoryMaxCompute, MemoryStore } from '../pipeline/memory-world.js';
import { mark, planFor, quiet, taskId } from '../pipeline/stream-bench.js';

const minutes = 60;
const rate = 120;
const minuteMs = 60_000;
/** The rule is a minute. A machine that is busy elsewhere takes this for longer, 120 times as long by this clock. */
const followMsMax = 20 * minuteMs;

const fastClock: Clock = {
  nowMs: () => Date.now() + performance.now() * (rate - 1),
  monotonicMs: () => performance.now() * rate,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / rate, signal),
};

/** What a task has by default. */
const settings: StreamSettings = {
  flushIntervalMs: 60_000,
  flushBytesMax: 64 * 1024 * 1024,
  blockBytesMax: 8 * 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
  shardPollMs: 500,
  shards: 1,
};

const servers = [
  { part: mysql56, title: 'mysql56', start: startMySql56, status: 'SHOW MASTER STATUS' },
  { part: mariadb, title: 'mariadb', start: startMariaDb, status: 'SHOW MASTER STATUS' },
  { part: mysql97, title: 'mysql97', start: startMySql97, status: 'SHOW BINARY LOG STATUS' },
];

for (const { part, title, start, status } of servers) {
  describeWhenLive(part, `${minutes} minutes of an idle ${title}`, () => {
    let server: TestServer;
    let nextId = 0;
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY)');
      await server.query('CREATE TABLE shop.unselected (id INT PRIMARY KEY AUTO_INCREMENT)');
    }, 60_000);
    afterAll(() => server?.stop());

    async function now(): Promise<BinlogPosition> {
      const [row] = await server.query(status);
      return { file: row?.File ?? '', offset: Number(row?.Position), gtidSet: null };
    }

    /** The server keeps what was just in use a while longer. */
    async function purgeTo(file: string): Promise<void> {
      for (;;) {
        await server.query(`PURGE BINARY LOGS TO '${file}'`);
        if ((await server.query('SHOW BINARY LOGS'))[0]?.Log_name === file) return;
        await fastClock.sleep(1_000);
      }
    }

    it.each([
      ['where nothing is written', 0],
      ['where other tables are written', 10_000],
    ])(
      'never loses its position, %s',
      async (_, writePauseMs) => {
        const worker = new Worker(server, await startOf(server));
        const rows: number[] = [];
        for (let minute = 1; minute <= minutes; minute += 1) {
          const minuteEndMs = fastClock.monotonicMs() + minuteMs;
          await server.query('FLUSH LOGS');
          const { file } = await now();
          await worker.reaches({ file, offset: 0 });
          await purgeTo(file);
          if (minute % 4 === 1) await worker.kill();
          if (minute % 4 === 2) {
            nextId += 1;
            await server.query(`INSERT INTO shop.orders VALUES (${nextId})`);
            rows.push(nextId);
          }
          // The server purges while nobody has the next file yet, and the worker ends in order: it saves where it stands.
          if (minute % 4 === 3) {
            await server.query('FLUSH LOGS');
            const next = (await now()).file;
            await worker.reaches({ file: next, offset: 0 });
            await worker.stop();
            await purgeTo(next);
          }
          worker.start();
          do {
            if (writePauseMs > 0) await server.query('INSERT INTO shop.unselected VALUES ()');
            await fastClock.sleep(writePauseMs || 10_000);
            worker.isWell();
          } while (fastClock.monotonicMs() < minuteEndMs);
        }
        const end = await now();
        await worker.reaches(end);
        await worker.stop();
        expect(worker.maxCompute.rows('orders_log').map((row) => row.cells[0])).toEqual(rows);
        expect(worker.checkpoint?.position.file).toBe((await now()).file);
      },
      180_000,
    );
  });
}

async function startOf(server: TestServer): Promise<SourceStart> {
  await using source = createMySqlSource(settingsOf(server), systemClock);
  return await source.start([{ database: 'shop', table: 'orders' }]);
}

/** The streaming process over the real server and a target in memory. */
class Worker {
  readonly maxCompute = new MemoryMaxCompute(fastClock);
  readonly #store = new MemoryStore();
  readonly #server: TestServer;
  #life: Life | null = null;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #failure: unknown = null;
  #starts = 0;

  constructor(server: TestServer, start: SourceStart) {
    this.#server = server;
    const plan = planFor('orders');
    const spec = logTableSpec(plan, mark);
    this.maxCompute.tables.set(spec.table, { spec, rows: [], partitions: new Set() });
    // By file and offset alone: with a GTID set a purged file that held nothing is no loss.
    const from = { ...start.position, gtidSet: null };
    const document: PlanDocument = {
      format: 1,
      minReader: 1,
      taskId,
      writer: { id: 'prepare', epoch: 1, seq: 0, version: 'test' },
      inputHash: 'h',
      stage: 'done',
      start: { position: from, method: start.method, identity: start.identity },
      tables: [{ plan, from, generation: 1, isMade: true, snapshot: null }],
      serverId: 4_000 + (process.pid % 1_000),
      resnapshotNonce: null,
      firstRecordId: 1,
      lastGeneration: 1,
    };
    this.#store.documents.set(documentNames.plan('shop'), { body: JSON.stringify(document), version: 1 });
    this.start();
  }

  get checkpoint(): CheckpointDocument | null {
    const name = documentNames.checkpoint('shop');
    return this.#store.documents.has(name) ? this.#store.read<CheckpointDocument>(name) : null;
  }

  start(): void {
    if (this.#life !== null) return;
    const life = new Life();
    this.#life = life;
    this.#stop = new AbortController();
    this.#starts += 1;
    const source = createMySqlSource(settingsOf(this.#server), fastClock, {
      heartbeatMs: 10_000 / rate,
      silenceMs: 2_000,
    });
    const run = runStream({
      documents: {
        store: this.#store.as(life),
        task: 'shop',
        taskId,
        writerId: `stream-${this.#starts}`,
        version: 'test',
      },
      source,
      warehouse: this.maxCompute.as(life),
      clock: life.clock(fastClock),
      report: quiet,
      nulled: new NulledCounts(),
      decideColumn: () => {
        throw new Error('no column is added');
      },
      settings,
      stop: this.#stop.signal,
      deadline: new AbortController().signal,
    });
    this.#running = run
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => source[Symbol.asyncDispose]());
  }

  isWell(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Waits until the checkpoint stands there, while nothing else happens. */
  async reaches({ file, offset }: Pick<BinlogPosition, 'file' | 'offset'>): Promise<void> {
    const sinceMs = fastClock.monotonicMs();
    for (;;) {
      this.isWell();
      const position = this.checkpoint?.position;
      if (position?.file === file && position.offset >= offset) return;
      if (fastClock.monotonicMs() - sinceMs > followMsMax) throw new Error(`the checkpoint does not follow to ${file}`);
      await fastClock.sleep(500);
    }
  }

  /** With a last flush, as SIGTERM asks for. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('asked to stop'));
    await this.#running;
    this.#life = null;
    this.isWell();
  }

  /** Nothing that it does from now on is seen by anyone; its connections end. */
  async kill(): Promise<void> {
    this.#life?.end();
    this.#stop.abort(new Error('killed'));
    this.#life = null;
  }
}
