/**
 * Folds baseline and change log into the table as it was at a cut.
 * In: the plan of one table, its watermark, the cut. Out: SQL that MaxCompute runs as it stands, and a person can paste.
 * Pure. It must never read a row beyond the cut: `record_id` bounds it even where no time is given.
 *
 * Each key's latest image wins; where rows have no identity, each distinct row stands as often as it came less as often
 * as it went. Both are window functions over `base union all log`, so values pass through untouched.
 */
import { assert } from '../base/assert.js';
import { type ColumnPlan, type LogColumnNames, logColumnNames, type TablePlan } from '../model/table-plan.js';
import { defaultLiteral } from './default-literal.js';
import { earlierPartitions } from './partition-filter.js';
import { quoteName, quoteText } from './quote.js';

export interface MergeInput {
  readonly plan: TablePlan;
  /** Log rows at or below it are in the baseline already. */
  readonly baseWatermark: number;
  /** Of the checkpoint: log rows beyond it are not proven complete. */
  readonly recordId: number;
  /** Only rows with `utc_timestamp` below it; null for all up to `recordId`, which is the end of a transaction. */
  readonly beforeUtcSeconds: number | null;
  /** Name of the table that takes the result. */
  readonly into: string;
  /** COMMENT of that table. */
  readonly comment: string;
  /** More settings for each statement, such as the schema of a three-level project. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface MergeScript {
  readonly settings: Readonly<Record<string, string>>;
  /** One to create the table where it is missing, one to fill it. Without semicolons. */
  readonly statements: readonly string[];
}

export function mergeScript(input: MergeInput): MergeScript {
  assert(input.plan.baseTable !== null || input.plan.logTable !== null, 'a plan makes at least one table');
  return {
    settings: {
      // The log is read across partitions, which a project may forbid by default.
      'odps.sql.allow.fullscan': 'true',
      'odps.sql.type.system.odps2': 'true',
      'odps.sql.decimal.odps2': 'true',
      // Literals of DATETIME and TIMESTAMP below are written in UTC.
      'odps.sql.timezone': 'UTC',
      ...input.settings,
    },
    statements: [createStatement(input), `INSERT OVERWRITE TABLE ${quoteName(input.into)}\n${selectStatement(input)}`],
  };
}

/** The script as one text: settings as SET lines, statements closed by semicolons. */
export function mergeStatements(input: MergeInput): string {
  const { settings, statements } = mergeScript(input);
  const sets = Object.entries(settings).map(([name, value]) => `SET ${name}=${value};`);
  return `${[...sets, ...statements.map((statement) => `${statement};`)].join('\n')}\n`;
}

function createStatement(input: MergeInput): string {
  const columns = input.plan.columns.map((column) => `  ${quoteName(column.targetName)} ${column.targetType}`);
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteName(input.into)} (`,
    columns.join(',\n'),
    `) COMMENT ${quoteText(input.comment)}`,
  ].join('\n');
}

function selectStatement(input: MergeInput): string {
  const { plan } = input;
  if (plan.logTable === null) return `SELECT ${columnList(plan)}\nFROM ${quoteName(plan.baseTable ?? '')}`;
  return plan.key === null ? countedRows(input) : latestImages(input, plan.key);
}

/** Order within a key: the later change, and of an update's two images the one after it. */
function latestImages(input: MergeInput, key: readonly string[]): string {
  const { plan } = input;
  const own = ownNames(plan, ['mcsync_record_id', 'mcsync_after', 'mcsync_rank']);
  const [recordId, after, rank] = own as [string, string, string];
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  const images = unionAll(
    input,
    `0L AS ${recordId}, 'Y' AS ${after}`,
    `${names.recordId} AS ${recordId}, ${names.afterFlag} AS ${after}`,
  );
  const keyColumns = key.map((name) => comparable(keyColumn(plan, name)));
  return [
    `SELECT ${columnList(plan)}`,
    'FROM (',
    `  SELECT ${columnList(plan)}, ${after},`,
    `    ROW_NUMBER() OVER (PARTITION BY ${keyColumns.join(', ')} ORDER BY ${recordId} DESC, ${after} DESC) AS ${rank}`,
    '  FROM (',
    indent(images, 4),
    '  ) images',
    ') ranked',
    `WHERE ${rank} = 1 AND ${after} = 'Y'`,
  ].join('\n');
}

/**
 * Equal rows are counted: +1 for each image that came, -1 for each that went. Numbered with the +1 rows first, as many of
 * them stay as the sum says. PARTITION BY takes NULL for equal to NULL, and the rows that stay keep their own bytes.
 */
function countedRows(input: MergeInput): string {
  const { plan } = input;
  const own = ownNames(plan, ['mcsync_sign', 'mcsync_rank', 'mcsync_copies']);
  const [sign, rank, copies] = own as [string, string, string];
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  const images = unionAll(input, `1L AS ${sign}`, `CASE WHEN ${names.afterFlag} = 'Y' THEN 1L ELSE -1L END AS ${sign}`);
  const group = `PARTITION BY ${plan.columns.map(comparable).join(', ')}`;
  return [
    `SELECT ${columnList(plan)}`,
    'FROM (',
    `  SELECT ${columnList(plan)},`,
    `    ROW_NUMBER() OVER (${group} ORDER BY ${sign} DESC) AS ${rank},`,
    `    SUM(${sign}) OVER (${group}) AS ${copies}`,
    '  FROM (',
    indent(images, 4),
    '  ) images',
    ') counted',
    `WHERE ${rank} <= ${copies}`,
  ].join('\n');
}

function unionAll(input: MergeInput, baseColumns: string, logColumns: string): string {
  const { plan } = input;
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  const log = [
    `SELECT ${logColumns}, ${plan.columns.map((column) => logValue(plan, column, names)).join(', ')}`,
    `FROM ${quoteName(plan.logTable ?? '')}`,
    `WHERE ${logFilter(input, names).join('\n  AND ')}`,
  ];
  if (plan.baseTable === null) return log.join('\n');
  const base = [
    `SELECT ${baseColumns}, ${plan.columns.map((column) => baseValue(plan, column)).join(', ')}`,
    `FROM ${quoteName(plan.baseTable)}`,
  ];
  return [...base, 'UNION ALL', ...log].join('\n');
}

function logFilter(input: MergeInput, names: LogColumnNames): string[] {
  const { plan, beforeUtcSeconds } = input;
  const filter = [`${names.recordId} > ${input.baseWatermark}L`, `${names.recordId} <= ${input.recordId}L`];
  if (beforeUtcSeconds === null) return filter;
  const pruned = earlierPartitions(plan, beforeUtcSeconds - 1);
  return [...filter, `${names.utcTimestamp} < ${beforeUtcSeconds}L`, ...(pruned === null ? [] : [`(${pruned})`])];
}

/** Rows written before the column was added carry its DEFAULT, as the source's own rows do. */
function baseValue(plan: TablePlan, column: ColumnPlan): string {
  const added = addedDefault(plan, column);
  const name = quoteName(column.targetName);
  return added === null ? name : `${added.literal} AS ${name}`;
}

function logValue(plan: TablePlan, column: ColumnPlan, names: LogColumnNames): string {
  const added = addedDefault(plan, column);
  const name = quoteName(column.targetName);
  if (added === null) return name;
  return `CASE WHEN ${names.recordId} <= ${added.afterRecordId}L THEN ${added.literal} ELSE ${name} END AS ${name}`;
}

/** Null where the table says the same by itself: the column was there from the start, or its default is NULL. */
function addedDefault(plan: TablePlan, column: ColumnPlan): { literal: string; afterRecordId: number } | null {
  const added = plan.addedColumns.find(({ targetName }) => targetName === column.targetName);
  if (!added || added.defaultText === null) return null;
  const literal = defaultLiteral(plan, column, added.defaultText);
  return { literal, afterRecordId: added.afterRecordId };
}

function keyColumn(plan: TablePlan, sourceName: string): ColumnPlan {
  const column = plan.columns.find(({ sourceIndex }) => plan.sourceColumns[sourceIndex]?.name === sourceName);
  assert(column, `key column ${sourceName} is carried over`);
  return column;
}

/** MaxCompute neither groups nor sorts by JSON, and compares BINARY in no documented way: their texts stand for them. */
function comparable(column: ColumnPlan): string {
  const name = quoteName(column.targetName);
  if (column.targetType === 'BINARY') return `BASE64(${name})`;
  return column.targetType === 'JSON' ? `JSON_FORMAT(${name})` : name;
}

function columnList(plan: TablePlan): string {
  return plan.columns.map((column) => quoteName(column.targetName)).join(', ');
}

/** Names for our own columns that no column of the table has. */
function ownNames(plan: TablePlan, wanted: readonly string[]): string[] {
  const taken = new Set(plan.columns.map((column) => column.targetName.toLowerCase()));
  return wanted.map((name) => {
    let free = name;
    while (taken.has(free)) free += '_';
    return free;
  });
}

function indent(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(spaces));
}
