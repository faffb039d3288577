/**
 * The plan's tables: those known keep their snapshot and their start; new ones, ones whose mapping changed and ones that
 * a person asks for again get a new generation from the start position at hand.
 */
import type { PlanDocument, PlannedTable, SnapshotPlan } from '../model/documents.js';
import type { SourceStart } from '../model/ports.js';
import type { BinlogPosition } from '../model/position.js';
import { type SourceColumn, type SourceTable, tableKey } from '../model/source-table.js';
import { type ColumnPlan, sourceColumnNames, type TablePlan } from '../model/table-plan.js';
import type { PrepareInput } from './prepare.js';

export interface PlanningInput extends PrepareInput {
  readonly start: SourceStart;
  /** Where the changes of tables begin that are taken now. */
  readonly from: BinlogPosition;
  readonly plans: readonly TablePlan[];
  readonly known: PlanDocument | null;
  /** Schema versions that the stream has stored. */
  readonly versions: readonly TablePlan[];
}

export async function planTables(input: PlanningInput): Promise<PlannedTable[]> {
  const { plans, known, settings } = input;
  const knownTables = new Map((known?.tables ?? []).map((table) => [tableKey(table.plan.source), table]));
  const isNewRequest = settings.resnapshot !== null && settings.resnapshot.nonce !== (known?.resnapshotNonce ?? null);
  const wanted = new Set(isNewRequest ? settings.resnapshot?.tables : []);
  const everything = isNewRequest && wanted.size === 0;
  const generation = 1 + (known?.lastGeneration ?? 0);
  const planned: PlannedTable[] = [];
  for (const plan of plans) {
    const key = tableKey(plan.source);
    const before = knownTables.get(key);
    const isAsked = everything || wanted.has(key);
    if (before && !isAsked && isSameMapping(before.plan, plan, newest(before.plan, input.versions))) {
      planned.push(before);
      continue;
    }
    const version = 1 + largestVersion(key, before, input.versions);
    const from: BinlogPosition = known === null ? (settings.startPosition ?? input.from) : input.from;
    const next: TablePlan = { ...plan, schemaVersion: version };
    planned.push({
      plan: next,
      from,
      generation,
      isMade: false,
      snapshot: await planSnapshot(next, input),
    });
  }
  return planned;
}

/** Where a change would put rows or columns elsewhere, the table is taken anew; a change of the source's schema alone is the stream's affair. */
export function isSameMapping(known: TablePlan, wanted: TablePlan, newestKnown: TablePlan = known): boolean {
  const mapping = (plan: TablePlan): string =>
    JSON.stringify([plan.baseTable, plan.logTable, plan.partitionKeys, plan.columnNaming, plan.where]);
  if (mapping(known) !== mapping(wanted) || !carriesAll(newestKnown, wanted)) return false;
  const wantedColumns = new Map(wanted.columns.map((column) => [sourceOf(wanted, column).name, column]));
  const wantedTypes = new Map(wanted.sourceColumns.map((column) => [column.name, column.typeText]));
  return known.columns.every((column) => {
    const source = sourceOf(known, column);
    const type = wantedTypes.get(source.name);
    if (type === undefined) return true;
    const after = wantedColumns.get(source.name);
    if (after?.targetName !== column.targetName) return false;
    return type !== source.typeText || after.targetType === column.targetType;
  });
}

/**
 * No column that was left out is wanted now: rows written so far are without it. A column that the newest schema does not
 * know is one that the stream has yet to add.
 */
function carriesAll(known: TablePlan, wanted: TablePlan): boolean {
  const carried = new Set(sourceColumnNames(known));
  const leftOut = new Set(known.sourceColumns.map((column) => column.name).filter((name) => !carried.has(name)));
  return !sourceColumnNames(wanted).some((name) => leftOut.has(name));
}

function newest(plan: TablePlan, versions: readonly TablePlan[]): TablePlan {
  return versions
    .filter((version) => tableKey(version.source) === tableKey(plan.source))
    .reduce((last, version) => (version.schemaVersion > last.schemaVersion ? version : last), plan);
}

function sourceOf(plan: TablePlan, column: ColumnPlan): SourceColumn {
  return plan.sourceColumns[column.sourceIndex] as SourceColumn;
}

async function planSnapshot(plan: TablePlan, input: PlanningInput): Promise<SnapshotPlan | null> {
  if (plan.baseTable === null) return null;
  const table = input.start.tables.find((each) => tableKey(each) === tableKey(plan.source)) as SourceTable;
  const inOneView = plan.key === null;
  const chunks = inOneView ? [{ after: null, upTo: null }] : await input.source.chunks(plan, input.settings.chunk);
  return { chunks, inOneView, rowsEstimate: table.rowsEstimate };
}

function largestVersion(key: string, before: PlannedTable | undefined, versions: readonly TablePlan[]): number {
  const stored = versions.filter((version) => tableKey(version.source) === key).map((version) => version.schemaVersion);
  return Math.max(0, before?.plan.schemaVersion ?? 0, ...stored);
}
