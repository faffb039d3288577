/**
 * Progress of a run on stderr: bars that are redrawn in place in a terminal, plain lines elsewhere. In: each status.
 * It never prints more than the terminal's height, since lines that scrolled away cannot be redrawn.
 */
import type { Clock } from '../base/clock.js';
import type { TableStatus, TaskStatus } from '../reconcile/status.js';
import { Rates } from './rates.js';
import { renderCount, renderDuration } from './tables.js';

export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const redrawMs = 250;
/** Plain lines go to logs: one per this time while nothing but numbers changes. */
const plainMs = 10_000;
const tablesMax = 12;

export class ProgressView {
  readonly #out: Terminal;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #rates: Rates;
  readonly #told = new Map<string, string>();
  #drawn: readonly string[] = [];
  #drawnMs = Number.NEGATIVE_INFINITY;
  #lastPhase = '';
  #lastPlain = '';

  constructor(out: Terminal, clock: Pick<Clock, 'monotonicMs'>) {
    this.#out = out;
    this.#clock = clock;
    this.#rates = new Rates();
  }

  update(status: TaskStatus): void {
    const nowMs = this.#clock.monotonicMs();
    this.#rates.add(status, nowMs);
    if (this.#out.isTTY) {
      if (nowMs - this.#drawnMs < redrawMs && status.phase === this.#lastPhase) return;
      this.#redraw(this.#bars(status));
    } else {
      this.#tellTables(status);
      const line = this.#summary(status);
      const isNew = status.phase !== this.#lastPhase || (nowMs - this.#drawnMs >= plainMs && line !== this.#lastPlain);
      if (!isNew) return;
      this.#out.write(`${line}\n`);
      this.#lastPlain = line;
    }
    this.#lastPhase = status.phase;
    this.#drawnMs = nowMs;
  }

  /** A line that stays, above what is redrawn. */
  line(text: string): void {
    const drawn = this.#drawn;
    this.#redraw([]);
    this.#out.write(`${text}\n`);
    this.#redraw(drawn);
  }

  /** Leaves the last picture standing. */
  end(): void {
    this.#drawn = [];
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#drawn.length > 0 ? `\x1b[${this.#drawn.length}A\r\x1b[J` : '';
    const width = (this.#out.columns ?? 80) - 1;
    const clipped = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
    if (up !== '' || clipped.length > 0) this.#out.write(up + clipped.map((line) => `${line}\n`).join(''));
    this.#drawn = clipped;
  }

  #bars(status: TaskStatus): string[] {
    const room = Math.max(1, Math.min(tablesMax, (this.#out.rows ?? 24) - 4));
    const open = status.tables.filter((table) => table.phase === 'Copying' || table.phase === 'CatchingUp');
    const shown = status.phase === 'InitialData' ? open.slice(0, room) : [];
    const name = Math.max(0, ...shown.map((table) => table.table.length));
    const lines = shown.map((table) => this.#bar(table, Math.min(name, 40)));
    const hidden = open.length - shown.length;
    return [
      ...lines,
      ...(status.phase === 'InitialData' && hidden > 0 ? [`  and ${hidden} more tables`] : []),
      this.#summary(status),
    ];
  }

  #bar(table: TableStatus, nameWidth: number): string {
    const cells = 20;
    const full = Math.round((table.percent / 100) * cells);
    const bar = `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
    const name = table.table.length > nameWidth ? `${table.table.slice(0, nameWidth - 1)}…` : table.table;
    const state = table.phase === 'CatchingUp' ? 'catching up' : this.#pace(table);
    return `  ${name.padEnd(nameWidth)} ${bar} ${String(table.percent).padStart(3)} %  ${renderCount(table.rowsCopied)} rows  ${state}`;
  }

  #pace(table: TableStatus): string {
    const rate = this.#rates.rowsPerSecond(table.table);
    if (rate === null || rate < 1) return '';
    const left = Math.max(0, (table.rowsEstimate ?? 0) - table.rowsCopied);
    return `${renderCount(rate)} rows/s${left > 0 ? `  ${renderDuration((left / rate) * 1000)} left` : ''}`;
  }

  #summary(status: TaskStatus): string {
    const parts: string[] = [status.phase];
    if (status.phase === 'InitialData') parts.push(...this.#copySummary(status));
    const isStreaming = status.phase === 'InitialData' || status.phase === 'Synchronizing';
    if (isStreaming && status.position !== null) {
      parts.push(`${renderCount(status.changes)} changes`);
      if (status.lagMs !== null) parts.push(`lag ${renderDuration(status.lagMs)}`);
      parts.push(status.position.split(' ')[0] ?? '');
    }
    if (status.message !== '') parts.push(status.message);
    return parts.join('  ');
  }

  #copySummary({ tables }: TaskStatus): string[] {
    const copied = tables.filter((table) => table.percent === 100).length;
    const rows = tables.reduce((sum, table) => sum + table.rowsCopied, 0);
    const estimate = tables.reduce((sum, table) => sum + (table.rowsEstimate ?? 0), 0);
    const rate = this.#rates.rowsPerSecond(null);
    const parts = [`${copied} of ${tables.length} tables copied`, `${renderCount(rows)} rows`];
    if (estimate > 0 && copied < tables.length) parts.push(`${Math.min(99, Math.floor((rows / estimate) * 100))} %`);
    if (rate !== null && rate >= 1) {
      parts.push(`${renderCount(rate)} rows/s`);
      if (estimate > rows) parts.push(`${renderDuration(((estimate - rows) / rate) * 1000)} left`);
    }
    return parts;
  }

  /** Where lines cannot be redrawn, each table is told once per step. */
  #tellTables({ tables }: TaskStatus): void {
    for (const table of tables) {
      const before = this.#told.get(table.table);
      if (before === table.phase) continue;
      this.#told.set(table.table, table.phase);
      const isCopied = before === 'Copying' && table.percent === 100;
      if (isCopied) this.#out.write(`  ${table.table}: ${renderCount(table.rowsCopied)} rows copied\n`);
    }
  }
}
