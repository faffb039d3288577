import { ProgressView, type Terminal } from '../../operator/cli/progress.js';
import { renderDuration, renderTable } from '../../operator/cli/tables.js';
import type { TableStatus, TaskStatus } from '../../operator/reconcile/status.js';

function tableStatus(
  table: string,
  rowsCopied: number,
  percent: number,
  phase: TableStatus['phase'] = 'Copying',
): TableStatus {
  return {
    table,
    baseTable: 'b',
    logTable: 'l',
    phase,
    rowsCopied,
    rowsEstimate: 10_000,
    percent,
    completeSince: null,
  };
}

function statusOf(over: Partial<TaskStatus>): TaskStatus {
  return {
    phase: 'InitialData',
    message: '',
    failure: null,
    conditions: [],
    precheck: null,
    tables: [],
    position: null,
    recordId: null,
    lagMs: null,
    changes: 0,
    caughtUp: false,
    nulled: {},
    restarts: 0,
    savedAt: null,
    ...over,
  };
}

/** Interprets what the view uses of a terminal, and shows its lines. */
class Screen implements Terminal {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  lines: string[] = [''];
  constructor(isTTY: boolean, columns = 80, rows = 24) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }
  write(text: string): void {
    for (const token of text.replaceAll('\x1b[', '⎋').match(/⎋\d*[AJ]|\r|\n|[^⎋\r\n]+/g) ?? []) {
      const up = /^⎋(\d+)A$/.exec(token);
      if (up) this.lines.splice(this.lines.length - Number(up[1]) - 1, Number(up[1]));
      else if (token === '\n') this.lines.push('');
      else if (!token.startsWith('⎋') && token !== '\r') this.lines[this.lines.length - 1] += token;
    }
  }
}

let nowMs = 0;
const clock = { monotonicMs: () => nowMs };
beforeEach(() => {
  nowMs = 0;
});

test('a terminal shows a bar per table with rows, rate and time left, redrawn in place below lines that stay', () => {
  const screen = new Screen(true);
  const view = new ProgressView(screen, clock);
  view.update(statusOf({ tables: [tableStatus('shop.orders', 0, 0), tableStatus('shop.a', 0, 0)] }));
  nowMs = 2_000;
  view.line('a warning');
  view.update(
    statusOf({ tables: [tableStatus('shop.orders', 4_000, 40), tableStatus('shop.a', 10_000, 100, 'Synchronizing')] }),
  );
  expect(screen.lines).toEqual([
    'a warning',
    '  shop.orders ████████░░░░░░░░░░░░  40 %  4,000 rows  2,000 rows/s  3 s left',
    'InitialData  1 of 2 tables copied  14,000 rows  70 %  7,000 rows/s  1 s left',
    '',
  ]);
});

test('a terminal is never filled beyond its height and width', () => {
  const screen = new Screen(true, 40, 8);
  const view = new ProgressView(screen, clock);
  const tables = Array.from({ length: 30 }, (_, index) => tableStatus(`shop.a_long_name_of_a_table_${index}`, 1, 1));
  for (let round = 0; round < 5; round += 1) {
    nowMs += 1_000;
    view.update(statusOf({ tables }));
  }
  expect(screen.lines).toHaveLength(7);
  expect(screen.lines[4]).toBe('  and 26 more tables');
  expect(Math.max(...screen.lines.map((line) => line.length))).toBeLessThan(40);
});

test('elsewhere each phase is a line, then one now and then; each table is told when it is copied', () => {
  const screen = new Screen(false);
  const view = new ProgressView(screen, clock);
  for (; nowMs <= 25_000; nowMs += 500) {
    const rows = Math.min(10_000, nowMs);
    view.update(
      statusOf({
        tables: [
          tableStatus('shop.a', rows, rows === 10_000 ? 100 : 50, rows === 10_000 ? 'Synchronizing' : 'Copying'),
        ],
      }),
    );
  }
  view.update(
    statusOf({ phase: 'Synchronizing', position: 'binlog.000001:4 (GTID 0-1-1)', lagMs: 2_000, changes: 12_345 }),
  );
  expect(screen.lines.join('\n')).not.toContain('\x1b');
  expect(screen.lines).toEqual([
    'InitialData  0 of 1 tables copied  0 rows  0 %',
    '  shop.a: 10,000 rows copied',
    expect.stringMatching(/^InitialData {2}1 of 1 tables copied {2}10,000 rows/),
    expect.stringMatching(/^InitialData/),
    'Synchronizing  12,345 changes  lag 2 s  binlog.000001:4',
    '',
  ]);
});

test('tables put numbers to the right', () => {
  expect(
    renderTable(
      ['TABLE', 'ROWS', 'DONE'],
      [
        ['a', '1,234', '99 %'],
        ['long', '5', '-'],
      ],
    ),
  ).toBe(['TABLE   ROWS  DONE', 'a      1,234  99 %', 'long       5     -'].join('\n'));
});

test.each([
  [0, '0 s'],
  [59_400, '59 s'],
  [130_000, '2 min'],
  [7_200_000, '2 h'],
  [7_500_000, '2 h 5 min'],
  [90_000_000 * 2, '2 d 2 h'],
])('%d ms are %s', (durationMs, text) => {
  expect(renderDuration(durationMs)).toBe(text);
});
