/**
 * A session that writes transactions until it is stopped, and keeps the history of them. When the server is killed under
 * it, it comes back, and asks its own row in `turns` whether a COMMIT without an answer was done.
 */
import mysql from 'mysql2/promise';
import type { TestServer } from '../parts/test-server.js';
import { HistoryFile } from './history.js';
import type { Random } from './random.js';
import { campaignSteps, takeTurn } from './steps.js';
import { database } from './tables.js';
import { Transaction } from './transaction.js';

export interface Writer {
  /** Number of the transaction that it works at, or did last. */
  readonly seq: number;
  readonly committed: number;
  readonly rolledBack: number;
  readonly settled: number;
  readonly changes: number;
  /** Rejects where the writer found something that cannot be. */
  readonly failed: Promise<never>;
  /** Ends it between two transactions, each with a known outcome. */
  stop(): Promise<void>;
  /** Ends it as it is. */
  abandon(): void;
}

export interface WriterOptions {
  readonly server: TestServer;
  readonly writer: number;
  readonly writers: number;
  readonly bigRows: number;
  readonly folder: string;
  readonly random: Random;
  /** Mean rest between two transactions. */
  readonly pauseMs: number;
}

/** A killed server is started again soon; one that stays away for so long is a failure of the campaign. */
const awayMsMax = 180_000;
const deadlocks = new Set([1205, 1213]);

type Outcome = 'committed' | 'rolled back' | 'unknown' | 'lost';

export function startWriter(options: WriterOptions): Writer {
  const writer = new WriterSession(options);
  const running = writer.run();
  const failed = running.then(() => new Promise<never>(() => {}));
  failed.catch(() => undefined);
  return Object.assign(writer, {
    failed,
    stop: () => {
      writer.isStopping = true;
      return running;
    },
  });
}

class WriterSession {
  seq = 0;
  committed = 0;
  rolledBack = 0;
  settled = 0;
  changes = 0;
  isStopping = false;
  #isAbandoned = false;
  readonly #options: WriterOptions;
  readonly #history: HistoryFile;
  readonly #steps: ReturnType<typeof campaignSteps>;
  #connection: mysql.Connection | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#history = new HistoryFile(options.folder, options.writer);
    this.#steps = campaignSteps(options.writers, options.bigRows);
  }

  async run(): Promise<void> {
    const { random, pauseMs } = this.#options;
    let inBurst = 0;
    try {
      while (!this.isStopping) {
        await this.#writeOne();
        if (inBurst > 0) inBurst -= 1;
        else if (random.chance(0.02)) inBurst = random.between(10, 40);
        else await sleep(random.below(2 * pauseMs));
      }
    } finally {
      this.#connection?.destroy();
      await this.#history.close();
    }
  }

  abandon(): void {
    this.isStopping = true;
    this.#isAbandoned = true;
    this.#connection?.destroy();
  }

  async #writeOne(): Promise<void> {
    const connection = (this.#connection ??= await this.#connect());
    this.seq += 1;
    const transaction = new Transaction(connection, this.#options.writer, this.seq, this.#options.random);
    const from = Math.floor(Date.now() / 1000);
    let outcome = await this.#perform(connection, transaction);
    const isSettled = outcome === 'unknown';
    if (outcome === 'unknown' || outcome === 'lost') {
      connection.destroy();
      this.#connection = await this.#connect();
      if (outcome === 'unknown')
        outcome = (await this.#lastTurn(this.#connection)) === this.seq ? 'committed' : 'rolled back';
    }
    const isCommitted = outcome === 'committed';
    if (isCommitted) this.committed += 1;
    else this.rolledBack += 1;
    if (isSettled) this.settled += 1;
    if (isCommitted) this.changes += transaction.changes.length;
    await this.#history.add({
      seq: this.seq,
      outcome: isCommitted ? 'committed' : 'rolled back',
      settled: isSettled,
      from,
      to: Math.ceil(Date.now() / 1000),
      changes: transaction.changes,
    });
  }

  async #perform(connection: mysql.Connection, transaction: Transaction): Promise<Outcome> {
    const { random } = this.#options;
    const steps = Array.from({ length: random.between(1, 3) }, () => random.weighted(this.#steps).step);
    steps.splice(random.below(steps.length + 1), 0, takeTurn);
    const isUndone = random.chance(0.08);
    let isAsked = false;
    try {
      await connection.query('START TRANSACTION');
      for (const step of steps) await step(transaction);
      isAsked = !isUndone;
      await connection.query(isUndone ? 'ROLLBACK' : 'COMMIT');
      return isUndone ? 'rolled back' : 'committed';
    } catch (error) {
      if (isLost(error)) return isAsked ? 'unknown' : 'lost';
      if (!deadlocks.has((error as { errno?: number }).errno ?? 0)) throw error;
    }
    try {
      await connection.query('ROLLBACK');
      return 'rolled back';
    } catch (error) {
      if (!isLost(error)) throw error;
      return 'lost';
    }
  }

  async #connect(): Promise<mysql.Connection> {
    const deadlineMs = performance.now() + awayMsMax;
    for (;;) {
      try {
        const connection = await mysql.createConnection({
          ...this.#options.server.connectionOptions(),
          database,
          // The server counts rows that it changed, not rows that it found.
          flags: ['-FOUND_ROWS'],
          charset: 'utf8mb4_general_ci',
          dateStrings: true,
          supportBigNumbers: true,
          bigNumberStrings: true,
          typeCast: (field) => field.string(),
        });
        // A connection that breaks between two queries says so by an event, and once more by the next query.
        connection.on('error', () => undefined);
        await connection.query(
          "SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', innodb_lock_wait_timeout = 20",
        );
        await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
        return connection;
      } catch (error) {
        if (!isLost(error) || this.#isAbandoned || performance.now() > deadlineMs) throw error;
        await sleep(100);
      }
    }
  }

  async #lastTurn(connection: mysql.Connection): Promise<number> {
    const [rows] = await connection.query(`SELECT seq FROM turns WHERE writer = ${this.#options.writer}`);
    return Number((rows as { seq: string }[])[0]?.seq);
  }
}

/** The server is gone, and with it whatever was not committed. */
function isLost(error: unknown): boolean {
  const { code = '', fatal, message = '' } = error as { code?: string; fatal?: boolean; message?: string };
  return (
    fatal === true ||
    ['PROTOCOL_CONNECTION_LOST', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ER_SERVER_SHUTDOWN'].includes(code) ||
    message.includes('closed state')
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
