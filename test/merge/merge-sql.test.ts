import { type MergeInput, mergeScript, mergeStatements } from '../../operator/merge/merge-sql.js';
import type { SourceColumn, SourceType } from '../../operator/model/source-table.js';
import type { AddedColumn, TablePlan, TargetType } from '../../operator/model/table-plan.js';

const text: SourceType = { kind: 'text', charset: 'utf8mb4', bytesMax: 400, pads: false, collation: 'utf8mb4_bin' };
const bigint: SourceType = { kind: 'int', bytes: 8, unsigned: false };

type Spec = readonly [name: string, type: SourceType, targetType: TargetType];

function plan(columns: readonly Spec[], over: Partial<TablePlan> = {}): TablePlan {
  return {
    source: { database: 'shop', table: 'orders' },
    schemaVersion: 1,
    sourceColumns: columns.map(
      ([name, type]): SourceColumn => ({
        name,
        type,
        typeText: type.kind,
        nullable: true,
        defaultText: null,
        generated: null,
      }),
    ),
    columns: columns.map(([name, , targetType], sourceIndex) => ({
      sourceIndex,
      targetName: name.toLowerCase(),
      targetType,
      onUnrepresentable: 'Fail',
    })),
    key: [columns[0]?.[0] ?? ''],
    baseTable: 'orders_base',
    logTable: 'orders_log',
    partitionKeys: ['year', 'month', 'day', 'hour'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'Asia/Shanghai',
    addedColumns: [],
    ...over,
  };
}

function input(table: TablePlan, over: Partial<MergeInput> = {}): MergeInput {
  return {
    plan: table,
    baseWatermark: 0,
    recordId: 42,
    beforeUtcSeconds: null,
    into: 'orders_now',
    comment: 'mcsync-merge:default/shop:t1 of shop.orders',
    ...over,
  };
}

const two: readonly Spec[] = [
  ['ID', bigint, 'BIGINT'],
  ['select', text, 'STRING'],
];

function fill(given: MergeInput): string {
  return mergeScript(given).statements[1] ?? '';
}

function addedColumn(spec: Spec, defaultText: string | null, afterRecordId = 7): TablePlan {
  const added: AddedColumn = { targetName: spec[0], defaultText, afterRecordId };
  return plan([...two, spec], { addedColumns: [added] });
}

test('a table with a key: the whole script', () => {
  expect(mergeStatements(input(plan(two)))).toBe(`SET odps.sql.allow.fullscan=true;
SET odps.sql.type.system.odps2=true;
SET odps.sql.decimal.odps2=true;
SET odps.sql.timezone=UTC;
CREATE TABLE IF NOT EXISTS \`orders_now\` (
  \`id\` BIGINT,
  \`select\` STRING
) COMMENT 'mcsync-merge:default/shop:t1 of shop.orders';
INSERT OVERWRITE TABLE \`orders_now\`
SELECT \`id\`, \`select\`
FROM (
  SELECT \`id\`, \`select\`, mcsync_after,
    ROW_NUMBER() OVER (PARTITION BY \`id\` ORDER BY mcsync_record_id DESC, mcsync_after DESC) AS mcsync_rank
  FROM (
    SELECT 0L AS mcsync_record_id, 'Y' AS mcsync_after, \`id\`, \`select\`
    FROM \`orders_base\`
    UNION ALL
    SELECT record_id AS mcsync_record_id, after_flag AS mcsync_after, \`id\`, \`select\`
    FROM \`orders_log\`
    WHERE record_id > 0L
      AND record_id <= 42L
  ) images
) ranked
WHERE mcsync_rank = 1 AND mcsync_after = 'Y';
`);
});

test('a table without a key counts equal rows and skips log rows at or below its watermark', () => {
  expect(fill(input(plan(two, { key: null }), { baseWatermark: 12 }))).toBe(`INSERT OVERWRITE TABLE \`orders_now\`
SELECT \`id\`, \`select\`
FROM (
  SELECT \`id\`, \`select\`,
    ROW_NUMBER() OVER (PARTITION BY \`id\`, \`select\` ORDER BY mcsync_sign DESC) AS mcsync_rank,
    SUM(mcsync_sign) OVER (PARTITION BY \`id\`, \`select\`) AS mcsync_copies
  FROM (
    SELECT 1L AS mcsync_sign, \`id\`, \`select\`
    FROM \`orders_base\`
    UNION ALL
    SELECT CASE WHEN after_flag = 'Y' THEN 1L ELSE -1L END AS mcsync_sign, \`id\`, \`select\`
    FROM \`orders_log\`
    WHERE record_id > 12L
      AND record_id <= 42L
  ) images
) counted
WHERE mcsync_rank <= mcsync_copies`);
});

test('a composite key is matched on all of its columns, in whatever order the table has them', () => {
  const three: readonly Spec[] = [...two, ['Region', text, 'STRING']];
  expect(fill(input(plan(three, { key: ['Region', 'ID'] })))).toContain('PARTITION BY `region`, `id` ORDER BY');
});

test('BINARY and JSON are compared by their texts, and handed on as they are', () => {
  const odd: readonly Spec[] = [
    ['k', { kind: 'bytes', bytesMax: 16, fixedBytes: 16 }, 'BINARY'],
    ['j', { kind: 'json' }, 'JSON'],
    ['f', { kind: 'float' }, 'FLOAT'],
  ];
  expect(fill(input(plan(odd)))).toContain('PARTITION BY BASE64(`k`) ORDER BY');
  const sql = fill(input(plan(odd, { key: null })));
  expect(sql).toContain('PARTITION BY BASE64(`k`), JSON_FORMAT(`j`), `f` ORDER BY');
  expect(sql).toContain('SELECT `k`, `j`, `f`\nFROM');
});

test('our own column names step aside for columns of the table', () => {
  const clash: readonly Spec[] = [
    ['mcsync_rank', bigint, 'BIGINT'],
    ['mcsync_rank_', bigint, 'BIGINT'],
  ];
  expect(fill(input(plan(clash)))).toContain('WHERE mcsync_rank__ = 1');
});

describe('a moment in time', () => {
  const at = Date.UTC(2026, 10, 22, 15, 0, 0) / 1000;
  test('is exclusive, and partitions that lie later are left out', () => {
    expect(fill(input(plan(two), { beforeUtcSeconds: at }))).toContain(
      `AND utc_timestamp < ${at}L
      AND (modifytime_year < '2026' OR (modifytime_year = '2026' AND (modifytime_month < '11' OR (modifytime_month = '11' AND (modifytime_day < '22' OR (modifytime_day = '22' AND (modifytime_hour <= '14')))))))`,
    );
  });

  test('prunes only by keys that follow each other from the year on', () => {
    const gap = plan(two, { partitionKeys: ['year', 'day'] });
    expect(fill(input(gap, { beforeUtcSeconds: at }))).toContain(`AND (modifytime_year <= '2026')\n`);
    const noYear = plan(two, { partitionKeys: ['hour'] });
    expect(fill(input(noYear, { beforeUtcSeconds: at }))).not.toContain('modifytime');
  });

  test('Prefixed names are used throughout', () => {
    const prefixed = plan(two, { columnNaming: 'Prefixed', partitionKeys: ['year'] });
    expect(fill(input(prefixed, { beforeUtcSeconds: at, baseWatermark: 3 }))).toContain(`
    SELECT new_dts_sync_record_id AS mcsync_record_id, new_dts_sync_after_flag AS mcsync_after, \`id\`, \`select\`
    FROM \`orders_log\`
    WHERE new_dts_sync_record_id > 3L
      AND new_dts_sync_record_id <= 42L
      AND new_dts_sync_utc_timestamp < ${at}L
      AND (new_dts_sync_modifytime_year <= '2026')
`);
  });
});

test('without a log the baseline is the table; without a baseline the log alone is folded', () => {
  expect(fill(input(plan(two, { logTable: null })))).toBe(
    'INSERT OVERWRITE TABLE `orders_now`\nSELECT `id`, `select`\nFROM `orders_base`',
  );
  const logOnly = fill(input(plan(two, { baseTable: null })));
  expect(logOnly).not.toContain('UNION');
  expect(logOnly).toContain('FROM `orders_log`');
});

describe('the DEFAULT of an added column', () => {
  test('stands in every base row, and in log rows up to the schema change', () => {
    const sql = fill(input(addedColumn(['note', text, 'STRING'], `it's a \\ new;one`)));
    expect(sql).toContain("`select`, 'it\\'s a \\\\ new;one' AS `note`\n    FROM `orders_base`");
    expect(sql).toContain("CASE WHEN record_id <= 7L THEN 'it\\'s a \\\\ new;one' ELSE `note` END AS `note`");
  });

  test('that is NULL needs nothing', () => {
    expect(fill(input(addedColumn(['note', text, 'STRING'], null)))).not.toContain('CASE');
  });

  test.each<[TargetType, SourceType, string, string]>([
    ['INT', { kind: 'int', bytes: 4, unsigned: false }, '-5', "CAST('-5' AS INT)"],
    [
      'DECIMAL(10,2)',
      { kind: 'decimal', precision: 10, scale: 2, unsigned: false },
      '1.50',
      "CAST('1.50' AS DECIMAL(10,2))",
    ],
    ['DOUBLE', { kind: 'double' }, '1.5e300', "CAST('1.5e300' AS DOUBLE)"],
    ['BIGINT', { kind: 'bit', bits: 4 }, "b'101'", "CAST('5' AS BIGINT)"],
    ['BOOLEAN', { kind: 'int', bytes: 1, unsigned: false }, '1', 'TRUE'],
    ['BOOLEAN', { kind: 'bit', bits: 1 }, "b'0'", 'FALSE'],
    ['BINARY', { kind: 'bytes', bytesMax: 9, fixedBytes: null }, 'ab', "UNBASE64('YWI=')"],
    ['DATE', { kind: 'date' }, '2020-02-29', "CAST('2020-02-29' AS DATE)"],
    [
      'TIMESTAMP_NTZ',
      { kind: 'datetime', fsp: 6 },
      '2020-01-01 00:00:00.000001',
      "CAST('2020-01-01 00:00:00.000001' AS TIMESTAMP_NTZ)",
    ],
    ['TIMESTAMP', { kind: 'timestamp', fsp: 0 }, '2020-01-01 00:00:00', "CAST('2020-01-01 00:00:00' AS TIMESTAMP)"],
    // the plan's zone is Asia/Shanghai, UTC+8
    [
      'DATETIME',
      { kind: 'datetime', fsp: 3 },
      '2020-01-01 00:00:00.123',
      "CAST('2019-12-31 16:00:00.123' AS DATETIME)",
    ],
    ['DATETIME', { kind: 'timestamp', fsp: 0 }, '2020-01-01 00:00:00', "CAST('2020-01-01 00:00:00' AS DATETIME)"],
  ])('as %s from %j', (targetType, type, shown, literal) => {
    expect(fill(input(addedColumn(['extra', type, targetType], shown)))).toContain(`, ${literal} AS \`extra\`\n`);
  });

  test('that is a zero date follows the policy of the column', () => {
    const failing = addedColumn(['d', { kind: 'date' }, 'DATE'], '0000-00-00');
    expect(() => fill(input(failing))).toThrow(expect.objectContaining({ code: 'VALUE_UNREPRESENTABLE' }));
    const nulling = { ...failing, columns: failing.columns.map((c) => ({ ...c, onUnrepresentable: 'Null' as const })) };
    expect(fill(input(nulling))).toContain('CAST(NULL AS DATE) AS `d`');
  });
});
