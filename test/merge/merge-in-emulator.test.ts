/** The merge's SQL, run by the local MaxCompute, against a model of the source in memory. */
import fc from 'fast-check';
import { systemClock } from '../../operator/base/clock.js';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import { type MergeInput, mergeScript, mergeStatements } from '../../operator/merge/merge-sql.js';
import type { Warehouse } from '../../operator/model/ports.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import type { TablePlan, TargetType } from '../../operator/model/table-plan.js';
import { baseTableSpec, logTableSpec } from '../../operator/model/target-table.js';

let emulator: Emulator;
let warehouse: Warehouse & AsyncDisposable;
let tables = 0;

beforeAll(async () => {
  emulator = await startEmulator({
    port: 0,
    dataDir: null,
    project: 'p',
    accessKeyId: 'ak',
    accessKeySecret: 'sk',
    quotas: null,
  });
  warehouse = createWarehouse(
    {
      endpoint: emulator.endpoint,
      project: 'p',
      userAgent: 'test',
      credentials: () => ({ accessKeyId: 'ak', accessKeySecret: 'sk' }),
    },
    systemClock,
  );
});

afterAll(async () => {
  await warehouse[Symbol.asyncDispose]();
  await emulator.close();
});

const hour = Date.UTC(2026, 10, 22, 9) / 1000;
const mark = { namespace: 'default', name: 'shop', taskId: 't1' };

type Row = readonly (string | null)[];

interface LogRow {
  readonly recordId: number;
  readonly utcSeconds: number;
  readonly flag: 'I' | 'U' | 'D';
  readonly before: 'Y' | 'N';
  readonly after: 'Y' | 'N';
  readonly row: Row;
}

function planOf(columns: readonly (readonly [string, TargetType])[], over: Partial<TablePlan> = {}): TablePlan {
  tables += 1;
  return {
    source: { database: 'shop', table: `t${tables}` },
    schemaVersion: 1,
    sourceColumns: columns.map(
      ([name]): SourceColumn => ({
        name,
        type: { kind: 'int', bytes: 8, unsigned: false },
        typeText: 'bigint',
        nullable: true,
        defaultText: null,
        generated: null,
      }),
    ),
    columns: columns.map(([targetName, targetType], sourceIndex) => ({
      sourceIndex,
      targetName,
      targetType,
      onUnrepresentable: 'Fail',
    })),
    key: null,
    baseTable: `t${tables}_base`,
    logTable: `t${tables}_log`,
    partitionKeys: ['year', 'month', 'day', 'hour'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
    ...over,
  };
}

/** Fills both tables and gives the rows of the merge, sorted. Values are SQL. */
async function mergeOf(
  plan: TablePlan,
  base: readonly Row[],
  log: readonly LogRow[],
  cut: Partial<MergeInput> = {},
): Promise<string[]> {
  const values = (row: Row): string => row.map((value) => value ?? 'NULL').join(', ');
  if (plan.baseTable !== null) await warehouse.createTable(baseTableSpec(plan, mark));
  if (plan.logTable !== null) await warehouse.createTable(logTableSpec(plan, mark));
  for (const row of base) await warehouse.query(`INSERT INTO ${plan.baseTable} SELECT ${values(row)}`);
  for (const entry of log) {
    const iso = new Date(entry.utcSeconds * 1000).toISOString();
    const partition = `modifytime_year='${iso.slice(0, 4)}', modifytime_month='${iso.slice(5, 7)}', modifytime_day='${iso.slice(8, 10)}', modifytime_hour='${iso.slice(11, 13)}'`;
    await warehouse.query(
      `INSERT INTO ${plan.logTable} PARTITION (${partition}) SELECT ${entry.recordId}L, '${entry.flag}', ${entry.utcSeconds}L, '${entry.before}', '${entry.after}', ${values(entry.row)}`,
    );
  }
  const into = `${plan.source.table}_now`;
  const { settings, statements } = mergeScript({
    plan,
    baseWatermark: 0,
    recordId: 1_000_000,
    beforeUtcSeconds: null,
    into,
    comment: 'mcsync-merge:test',
    ...cut,
  });
  for (const statement of statements) await warehouse.query(statement, settings);
  return rowsOf(into);
}

async function rowsOf(table: string): Promise<string[]> {
  const { rows } = await warehouse.query(`SELECT * FROM ${table}`);
  return rows.map((row) => JSON.stringify(row)).sort();
}

const insert = (recordId: number, row: Row, utcSeconds = hour): LogRow[] => [
  { recordId, utcSeconds, flag: 'I', before: 'N', after: 'Y', row },
];
const remove = (recordId: number, row: Row, utcSeconds = hour): LogRow[] => [
  { recordId, utcSeconds, flag: 'D', before: 'Y', after: 'N', row },
];
const update = (recordId: number, before: Row, after: Row, utcSeconds = hour): LogRow[] => [
  { recordId, utcSeconds, flag: 'U', before: 'Y', after: 'N', row: before },
  { recordId, utcSeconds, flag: 'U', before: 'N', after: 'Y', row: after },
];

const two = [
  ['id', 'BIGINT'],
  ['select', 'STRING'],
] as const;

test('with a composite key: latest images win, a changed key leaves its old place, NULL is a value', async () => {
  const columns = [
    ['id', 'BIGINT'],
    ['order', 'STRING'],
    ['v', 'STRING'],
  ] as const;
  const base = [
    ['1', "'a'", "'x'"],
    ['1', "'b'", 'NULL'],
    ['2', "'a'", "'y'"],
  ];
  const log = [
    ...update(1, ['1', "'a'", "'x'"], ['1', "'a'", 'NULL']),
    ...update(2, ['1', "'b'", 'NULL'], ['3', "'b'", 'NULL']),
    ...remove(3, ['2', "'a'", "'y'"]),
    ...insert(4, ['2', "'a'", "'again'"]),
  ];
  expect(await mergeOf(planOf(columns, { key: ['order', 'id'] }), base, log)).toEqual([
    '["1","a",null]',
    '["2","a","again"]',
    '["3","b",null]',
  ]);
});

test('without a key equal rows are counted, NULLs among them, and log rows up to the watermark are skipped', async () => {
  const base = [
    ['1', "'a'"],
    ['1', "'a'"],
    ['NULL', 'NULL'],
    ['NULL', 'NULL'],
  ];
  const log = [
    ...insert(1, ['1', "'a'"]), // in the baseline already: one of the two
    ...insert(2, ['1', "'a'"]),
    ...remove(3, ['NULL', 'NULL']),
    ...update(4, ['NULL', 'NULL'], ['5', 'NULL']),
  ];
  expect(await mergeOf(planOf(two), base, log, { baseWatermark: 1 })).toEqual([
    '["1","a"]',
    '["1","a"]',
    '["1","a"]',
    '["5",null]',
  ]);
});

test('nothing beyond the cut is read: neither later ids nor later seconds', async () => {
  const plan = planOf(two, { key: ['id'] });
  const log = [
    ...insert(1, ['1', "'a'"]),
    ...insert(2, ['2', "'b'"], hour + 30),
    ...insert(3, ['3', "'c'"], hour + 3_600),
    ...insert(4, ['4', "'d'"]),
  ];
  expect(await mergeOf(plan, [], log, { recordId: 3 })).toEqual(['["1","a"]', '["2","b"]', '["3","c"]']);
  const again = planOf(two, { key: ['id'] });
  expect(await mergeOf(again, [], log, { beforeUtcSeconds: hour + 30 })).toEqual(['["1","a"]', '["4","d"]']);
});

test('keys and rows of every type that can be compared', async () => {
  const columns = [
    ['k', 'BINARY'],
    ['f', 'FLOAT'],
    ['d', 'DOUBLE'],
    ['n', 'DECIMAL(10,2)'],
    ['b', 'BOOLEAN'],
    ['t', 'TIMESTAMP_NTZ'],
    ['i', 'TIMESTAMP'],
    ['dt', 'DATE'],
  ] as const;
  const row = [
    "UNBASE64('AAH/')",
    'CAST(1.5 AS FLOAT)',
    '2.5',
    "CAST('1.50' AS DECIMAL(10,2))",
    'TRUE',
    "CAST('2026-01-02 03:04:05.000006' AS TIMESTAMP_NTZ)",
    "CAST('2026-01-02 03:04:05' AS TIMESTAMP)",
    "CAST('2026-01-02' AS DATE)",
  ];
  const nulls = columns.map(() => 'NULL');
  expect(await mergeOf(planOf(columns), [row, row, nulls], [...remove(1, row), ...remove(2, nulls)])).toHaveLength(1);
  expect(await mergeOf(planOf(columns, { key: ['k'] }), [row], remove(1, row))).toEqual([]);
});

test('DEFAULT of an added column stands in rows written before it', async () => {
  const plan = planOf([...two, ['note', 'STRING'], ['n', 'DECIMAL(10,2)']], {
    key: ['id'],
    addedColumns: [
      { targetName: 'note', defaultText: `it's; a \\n`, afterRecordId: 1 },
      { targetName: 'n', defaultText: '1.50', afterRecordId: 1 },
    ],
  });
  const old = ['NULL', 'NULL'];
  const log = [...insert(1, ['2', "'old'", ...old]), ...insert(2, ['3', "'new'", 'NULL', 'NULL'])];
  expect(await mergeOf(plan, [['1', "'base'", ...old]], log)).toEqual([
    JSON.stringify(['1', 'base', `it's; a \\n`, '1.50']),
    JSON.stringify(['2', 'old', `it's; a \\n`, '1.50']),
    JSON.stringify(['3', 'new', null, null]),
  ]);
});

test('a baseline alone, and a log alone', async () => {
  expect(await mergeOf(planOf(two, { logTable: null, key: ['id'] }), [['1', "'a'"]], [])).toEqual(['["1","a"]']);
  expect(await mergeOf(planOf(two, { baseTable: null, key: ['id'] }), [], insert(1, ['1', "'a'"]))).toEqual([
    '["1","a"]',
  ]);
});

test('the printed script runs as it stands', async () => {
  const plan = planOf(two, { key: ['id'] });
  await mergeOf(plan, [['1', "'a'"]], insert(1, ['2', "'b'"]));
  const text = mergeStatements({
    plan,
    baseWatermark: 0,
    recordId: 9,
    beforeUtcSeconds: hour + 1,
    into: 'printed',
    comment: 'mcsync-merge:x',
  });
  await warehouse.query(text, { 'odps.sql.submit.mode': 'script' });
  expect(await rowsOf('printed')).toEqual(['["1","a"]', '["2","b"]']);
});

type Step =
  | { readonly kind: 'insert'; readonly k: number; readonly v: number | null }
  | { readonly kind: 'delete'; readonly at: number }
  | { readonly kind: 'update'; readonly at: number; readonly k: number; readonly v: number | null };

const small = fc.integer({ min: 0, max: 3 });
const value = fc.option(fc.integer({ min: 0, max: 1 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), k: small, v: value }),
  fc.record({ kind: fc.constant('delete' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('update' as const), at: fc.nat(), k: small, v: value }),
);

test.each(['with', 'without'])('any history of a table %s a key folds back into the table', async (keyed) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.nat(14), async (steps, snapshotAt) => {
      const isKeyed = keyed === 'with';
      const source: (readonly [number, number | null])[] = [];
      const log: LogRow[] = [];
      let base: Row[] = [];
      let watermark = 0;
      const sql = ([k, v]: readonly [number, number | null]): Row => [String(k), v === null ? 'NULL' : `'${v}'`];
      steps.forEach((each, index) => {
        if (index === snapshotAt) {
          base = source.map(sql);
          watermark = log.at(-1)?.recordId ?? 0;
        }
        const recordId = index + 1;
        const clashes =
          each.kind !== 'delete' &&
          isKeyed &&
          source.some(([k], at) => k === each.k && !(each.kind === 'update' && at === each.at % source.length));
        if (clashes) return;
        if (each.kind === 'insert') {
          source.push([each.k, each.v]);
          log.push(...insert(recordId, sql([each.k, each.v])));
        } else if (source.length > 0) {
          const at = each.at % source.length;
          const before = source[at] as readonly [number, number | null];
          if (each.kind === 'delete') {
            source.splice(at, 1);
            log.push(...remove(recordId, sql(before)));
          } else {
            source[at] = [each.k, each.v];
            log.push(...update(recordId, sql(before), sql([each.k, each.v])));
          }
        }
      });
      const expected = source.map(([k, v]) => JSON.stringify([String(k), v === null ? null : String(v)])).sort();
      const plan = planOf(two, isKeyed ? { key: ['id'] } : {});
      // With a key the log may hold what the baseline shows already: replay by key converges. Without one it may not.
      expect(await mergeOf(plan, base, log, { baseWatermark: isKeyed ? 0 : watermark })).toEqual(expected);
    }),
    { numRuns: 8 },
  );
});
