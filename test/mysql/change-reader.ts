/**
 * A consumer of the binary log as the pipeline is one, without a target: it keeps what a commit has ended, forgets the rest
 * when a connection ends, and reads on from the last commit.
 */
import { systemClock } from '../../operator/base/clock.js';
import { SyncError } from '../../operator/base/errors.js';
import { type BinlogPosition, placeKey } from '../../operator/model/position.js';
import { tableKey } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { MySqlSettings } from '../../operator/mysql/connect.js';
import { createMySqlSource, type MySqlSourceOptions } from '../../operator/mysql/source.js';
import { type Row, toSeen } from './binlog-helpers.js';

export interface ReaderOptions extends MySqlSourceOptions {
  readonly settings: MySqlSettings;
  readonly from: BinlogPosition;
  readonly plans: ReadonlyMap<string, TablePlan>;
  readonly serverId?: number;
}

let nextServerId = 170_000 + (process.pid % 10_000) * 10;
const pauseMs = 20;
const waitMsMax = 45_000;

export class ChangeReader implements AsyncDisposable {
  /** Rows of ended transactions, in order. */
  readonly rows: Row[] = [];
  /** Retryable failures, each followed by another connection. */
  readonly failures: SyncError[] = [];
  position: BinlogPosition;
  heartbeats = 0;
  /** Null where it was stopped, else what no restart can mend. */
  readonly ended: Promise<SyncError | null>;
  readonly #options: ReaderOptions;
  readonly #stop = new AbortController();
  readonly #rolledBack = new Set<string>();

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.position = options.from;
    this.ended = this.#run();
    this.ended.catch(() => undefined);
  }

  get ids(): number[] {
    return this.rows.map((row) => Number(row.cells.id));
  }

  /** Waits until `isTrue`; fails where the reader ended before, with the reason. */
  async until(isTrue: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + waitMsMax;
    const end = this.ended.then((error) => {
      throw error ?? new Error('stopped');
    });
    end.catch(() => undefined);
    while (!isTrue()) {
      if (performance.now() > deadlineMs) {
        throw new Error(`waited for ${isTrue} in vain: ${this.ids.length} rows, ${this.failures.map(String)}`);
      }
      await Promise.race([end, systemClock.sleep(pauseMs)]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended.catch(() => undefined);
  }

  async #run(): Promise<SyncError | null> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#connectOnce();
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        if (!error.isRetryable) return error;
        this.failures.push(error);
        await systemClock.sleep(pauseMs, this.#stop.signal).catch(() => undefined);
      }
    }
    return null;
  }

  async #connectOnce(): Promise<void> {
    const { settings, plans, serverId = (nextServerId += 1), from: _, ...options } = this.#options;
    await using source = createMySqlSource(settings, systemClock, { heartbeatMs: 150, silenceMs: 500, ...options });
    const ending = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, ending.signal]);
    const planOf = (name: { database: string; table: string }) => plans.get(tableKey(name)) ?? null;
    const arrivals = source.stream(this.position, planOf, { serverId, signal, rolledBack: this.#rolledBack });
    let open: Row[] = [];
    for await (const arrival of arrivals) {
      for (const event of arrival) {
        const seen = toSeen(event);
        if (seen.kind === 'rows') {
          open.push(...seen.rows);
        } else if (seen.kind === 'rollback') {
          // The rows are in nobody's hands yet: the next connection leaves them out.
          this.#rolledBack.add(placeKey(seen.begin));
          ending.abort();
          return;
        } else if (seen.kind === 'alive') {
          this.heartbeats += 1;
          if (open.length === 0) this.position = seen.position;
        } else {
          this.rows.push(...open);
          open = [];
          this.position = seen.position;
        }
      }
    }
  }
}
