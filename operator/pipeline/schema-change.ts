/**
 * A schema statement in the stream. In: what it does, with everything before it committed. Out: the target's tables
 * altered, the new version stored, the checkpoint past the statement. Only additions are carried over; the rest stops.
 */
import { SyncError } from '../base/errors.js';
import type { ChangeEvent, SchemaChange } from '../model/change.js';
import type { CheckpointDocument, SchemaDocument } from '../model/documents.js';
import { FencedDocument } from '../model/fenced-document.js';
import type { TargetColumn, Warehouse } from '../model/ports.js';
import { renderPosition } from '../model/position.js';
import { applyAddColumns, type ColumnDecider } from '../model/schema-history.js';
import { type TableName, tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { dataColumns, logColumns } from '../model/target-table.js';
import type { PlanBook } from './plan-book.js';
import { claimOf, documentNames, loadSchema, type Reporter, type TaskDocuments } from './task-documents.js';

export type SchemaEvent = Extract<ChangeEvent, { kind: 'schema' }>;

export interface SchemaChangeContext {
  readonly documents: TaskDocuments;
  readonly checkpoint: FencedDocument<CheckpointDocument>;
  readonly warehouse: Warehouse;
  readonly book: PlanBook;
  readonly decideColumn: ColumnDecider;
  readonly report: Reporter;
  /** Record id of the last row change before the statement. */
  readonly recordId: number;
  readonly nowMs: number;
}

export async function applySchemaEvent(event: SchemaEvent, context: SchemaChangeContext): Promise<void> {
  const plans: TablePlan[] = [];
  const stored = (await loadSchema(context.documents))?.versions ?? [];
  for (const change of event.changes) {
    if (change.kind === 'unreadable' && change.table === null) throw stopFor(change, event);
    const table = change.table as TableName;
    const before = plans.find((plan) => tableKey(plan.source) === tableKey(table)) ?? context.book.planOf(table);
    // Not selected; or taken anew from a later place, where its schema is the one after this statement.
    if (before === null) continue;
    if (change.kind === 'losesIndex') {
      if (before.keyName?.toLowerCase() !== change.index.toLowerCase()) continue;
      throw stopFor(
        { kind: 'incompatible', table, what: `drops or renames ${change.index}, the key of the table` },
        event,
      );
    }
    if (change.kind !== 'addColumns') throw stopFor(change, event);
    const after = applyAddColumns(before, change, context.decideColumn, context.recordId);
    if (after !== before) plans.push(withFreeVersion(after, stored));
  }
  for (const plan of plans) await addTargetColumns(plan, context);
  if (plans.length > 0) await storeVersions(plans, context);
  await context.checkpoint.update((value) => ({
    ...value,
    position: event.position,
    utcSeconds: Math.max(value.utcSeconds, event.utcSeconds),
    tables: {
      ...value.tables,
      ...Object.fromEntries(
        plans.map((plan) => {
          const key = tableKey(plan.source);
          const table = value.tables[key] as CheckpointDocument['tables'][string];
          return [key, { ...table, schemaVersion: plan.schemaVersion }];
        }),
      ),
    },
    savedAtMs: context.nowMs,
  }));
  for (const plan of plans) {
    context.book.replace(plan);
    context.report.info('schema changed', { table: tableKey(plan.source), schemaVersion: plan.schemaVersion });
  }
}

/** Both tables get the columns; those that are there already are left alone, so a repeated statement is harmless. */
async function addTargetColumns(plan: TablePlan, context: SchemaChangeContext): Promise<void> {
  const added = new Set(plan.addedColumns.map((column) => column.targetName));
  const columns = dataColumns(plan).filter((column) => added.has(column.name));
  const tables = [
    [plan.baseTable, dataColumns(plan)],
    [plan.logTable, logColumns(plan)],
  ] as const;
  for (const [table, wanted] of tables) {
    if (table === null) continue;
    await refuseForeignColumns(plan, table, wanted, context);
    await context.warehouse.addColumns(table, columns);
  }
}

/** Behind a column that is not ours the new one would not stand where its values go. */
async function refuseForeignColumns(
  plan: TablePlan,
  table: string,
  wanted: readonly TargetColumn[],
  { warehouse, checkpoint }: SchemaChangeContext,
): Promise<void> {
  const found = await warehouse.describeTable(table);
  const areOurs = found?.columns.every(({ name }, index) => name.toLowerCase() === wanted[index]?.name.toLowerCase());
  if (found === null || areOurs) return;
  // Where another writer has taken over meanwhile, they may be of later statements.
  await checkpoint.confirm();
  const names = (columns: readonly TargetColumn[]): string => columns.map(({ name }) => name).join(', ');
  throw new SyncError('TARGET_SCHEMA_MISMATCH', {
    seen: `${table} with the columns ${names(found.columns)}`,
    wanted: `${names(wanted)}, in this order, since values go by place`,
    fix: `Drop the columns of ${table} that mcsync did not make, or take the table again: mcsync resnapshot -f FILE ${tableKey(plan.source)}`,
    table: tableKey(plan.source),
  });
}

/** Versions are immutable and written before the checkpoint that names them; those stored already cost nothing. */
export async function storeVersions(
  plans: readonly TablePlan[],
  { documents, checkpoint }: Pick<SchemaChangeContext, 'documents' | 'checkpoint'>,
): Promise<void> {
  const known = new Set((await loadSchema(documents))?.versions.map(versionKey));
  const missing = plans.filter((plan) => !known.has(versionKey(plan)));
  if (missing.length === 0) return;
  const claim = claimOf(documents, documentNames.schema(documents.task));
  await checkpoint.confirm();
  await FencedDocument.claim<SchemaDocument>(claim, (previous) => ({
    versions: [...(previous?.versions ?? []), ...missing],
  }));
}

/** A start that died before its checkpoint has left a version that nobody names; the task may say something else by now. */
function withFreeVersion(plan: TablePlan, stored: readonly TablePlan[]): TablePlan {
  const taken = stored.find((each) => versionKey(each) === versionKey(plan));
  if (!taken || JSON.stringify(taken) === JSON.stringify(plan)) return plan;
  return withFreeVersion({ ...plan, schemaVersion: plan.schemaVersion + 1 }, stored);
}

function versionKey(plan: TablePlan): string {
  return `${tableKey(plan.source)}/${plan.schemaVersion}`;
}

function stopFor(change: Exclude<SchemaChange, { kind: 'addColumns' | 'losesIndex' }>, event: SchemaEvent): SyncError {
  const table = change.table === null ? undefined : tableKey(change.table);
  const facts = {
    ...(table === undefined ? {} : { table }),
    position: renderPosition(event.position),
  };
  if (change.kind === 'unreadable') {
    return new SyncError('DDL_UNREADABLE', {
      seen: `a schema statement that cannot be read: ${change.what}`,
      wanted: 'a statement whose effect on the selected tables is known',
      fix: `Take ${table === undefined ? 'all tables' : 'the table'} again: mcsync resnapshot -f FILE${table === undefined ? '' : ` ${table}`}`,
      ...facts,
    });
  }
  return new SyncError('DDL_INCOMPATIBLE', {
    seen: change.what,
    wanted: 'ADD COLUMN, or a change that leaves rows and columns as they are',
    fix: `Take the table again with its new schema: mcsync resnapshot -f FILE ${table ?? 'TABLE'}`,
    ...facts,
  });
}
