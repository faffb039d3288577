/**
 * Precheck and initial schema synchronization. In: what the task wants, as functions of facts. Out: the findings, the
 * target tables, and the plan with its start position and chunks. It starts over from what is stored: run twice on the
 * same input it changes nothing. It never drops a table that holds the only copy of anything.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { type ErrorCode, errorCatalog } from '../base/error-codes.js';
import { SyncError } from '../base/errors.js';
import type { CheckpointDocument, PlanDocument, PrecheckDocument } from '../model/documents.js';
import { type Body, FencedDocument } from '../model/fenced-document.js';
import type { Finding } from '../model/finding.js';
import type { ChunkSize, RefusedFilter, Source, SourceStart, TargetFacts, Warehouse } from '../model/ports.js';
import { type BinlogPosition, renderPosition } from '../model/position.js';
import type { SourceFacts } from '../model/source-facts.js';
import { type SourceTable, tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import type { TableMark } from '../model/target-table.js';
import { type BatcherLimits, partitionedSessions } from './batcher.js';
import { historyAt, newTablesFrom, refuseOtherHistory } from './history.js';
import { largestRecordId } from './log-guard.js';
import { NulledCounts } from './nulled-counts.js';
import { PlanBook } from './plan-book.js';
import { planTables } from './prepare-plan.js';
import { makeTables } from './prepare-tables.js';
import { recoverIntent } from './recovery.js';
import {
  claimOf,
  documentNames,
  loadCheckpoint,
  loadPlan,
  loadSchema,
  type Reporter,
  type TaskDocuments,
} from './task-documents.js';

export interface PrepareInput {
  readonly documents: TaskDocuments;
  readonly source: Source;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly report: Reporter;
  readonly decide: Decide;
  readonly mark: TableMark;
  readonly settings: PrepareSettings;
  /** For an intent that an earlier run left behind. */
  readonly recovery: { readonly limits: BatcherLimits; readonly stop: AbortSignal; readonly deadline: AbortSignal };
}

/** The task's wishes, bound to it: pure functions of what was found. */
export interface Decide {
  /** Names of the target tables that the task would use. */
  readonly targetTables: (tables: readonly SourceTable[], lowerCaseTableNames: string | null) => readonly string[];
  readonly prepare: (
    source: SourceFacts,
    target: TargetFacts,
    hasCheckpoint: boolean,
  ) => { readonly plans: readonly TablePlan[]; readonly findings: readonly Finding[] };
}

export interface PrepareSettings {
  readonly inputHash: string;
  readonly mode: 'FullAndIncremental' | 'FullOnly' | 'IncrementalOnly';
  /** IncrementalOnly: where to begin, where the task says so; null means now. */
  readonly startPosition: BinlogPosition | null;
  readonly chunk: ChunkSize;
  /** Unset: drawn at random, and kept with the plan. */
  readonly serverId: number | null;
  readonly resnapshot: { readonly nonce: number; readonly tables: readonly string[] } | null;
}

export type PrepareOutcome =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] };

export async function runPrepare(input: PrepareInput): Promise<PrepareOutcome> {
  const { documents, settings } = input;
  const known = await loadPlan(documents);
  const isAnswered = settings.resnapshot === null || known?.resnapshotNonce === settings.resnapshot.nonce;
  const isSame = known?.inputHash === settings.inputHash && isAnswered;
  if (isSame && known?.stage === 'done') return { kind: 'prepared' };
  if (isSame && known?.stage === 'schema') return await makePlanned(known, known, input);
  if (known !== null) await settleBeforeChange(known, input);
  const precheck = await runPrecheck(input, known !== null);
  if (known !== null) refuseOutage(precheck);
  await savePrecheck(precheck.findings, input);
  if (hasErrors(precheck.findings)) return { kind: 'refused', findings: precheck.findings };
  const start = await input.source.start(precheck.plans.map((plan) => plan.source));
  const facts = withTables(precheck.source, precheck.plans, start.tables);
  const atStart = input.decide.prepare(facts, precheck.target, known !== null);
  if (hasErrors(atStart.findings)) {
    await savePrecheck(atStart.findings, input);
    return { kind: 'refused', findings: atStart.findings };
  }
  return await makePlanned(await planDocument(start, atStart.plans, known, input), known, input);
}

/** A task that has begun outlives an outage: it is only at the first start that a person is told at once. */
function refuseOutage({ source, target }: Precheck): void {
  for (const facts of [source, target]) {
    if (facts.reachable || !(facts.failure.code in errorCatalog)) continue;
    const { code, ...told } = facts.failure;
    const failure = new SyncError(code as ErrorCode, told);
    if (failure.isRetryable) throw failure;
  }
}

/** A pending intent belongs to the plan that it was made under: it is brought to its end before there is another one. */
async function settleBeforeChange(known: PlanDocument, input: PrepareInput): Promise<void> {
  const { documents, warehouse, recovery } = input;
  if (((await loadCheckpoint(documents))?.intent ?? null) === null) return;
  const name = documentNames.checkpoint(documents.task);
  const checkpoint = await FencedDocument.claim<CheckpointDocument>(claimOf(documents, name), (previous) => {
    assert(previous !== null, 'a checkpoint that was read a moment ago is there');
    return previous;
  });
  const book = new PlanBook(known, await loadSchema(documents), checkpoint.value);
  const openSession = partitionedSessions(warehouse);
  await recoverIntent({ ...input, ...recovery, nulled: new NulledCounts(), checkpoint, book, openSession });
}

async function planDocument(
  start: SourceStart,
  plans: readonly TablePlan[],
  known: PlanDocument | null,
  input: PrepareInput,
): Promise<Body<PlanDocument>> {
  const { documents, settings, report } = input;
  const schema = await loadSchema(documents);
  const checkpoint = await loadCheckpoint(documents);
  const history = await historyAt(start, { source: input.source, known, checkpoint, mode: settings.mode });
  const from = newTablesFrom(start, history, settings.mode);
  const tables = await planTables({ ...input, start, from, plans, known, versions: schema?.versions ?? [] });
  if (tables.some((table) => known?.tables.includes(table))) refuseOtherHistory(history);
  if (checkpoint?.partial && tables.some((table) => known?.tables.includes(table))) throw amidTransaction(checkpoint);
  const { method, identity } = start;
  // Without a checkpoint the stream begins at the plan's start: no later than the tables that are kept.
  const isGoingOn = known !== null && (checkpoint !== null || tables.some((table) => known.tables.includes(table)));
  report.info('initial schema', { tables: tables.length, position: renderPosition(start.position), method });
  return {
    inputHash: settings.inputHash,
    stage: 'schema',
    start: isGoingOn ? known.start : { position: settings.startPosition ?? start.position, method, identity },
    tables,
    serverId: known?.serverId ?? settings.serverId ?? randomServerId(),
    resnapshotNonce: settings.resnapshot?.nonce ?? null,
    firstRecordId: known?.firstRecordId ?? 1,
    lastGeneration: Math.max(known?.lastGeneration ?? 0, ...tables.map((table) => table.generation)),
  };
}

/** The ids of its other part depend on the tables that are selected; only when all are taken anew nothing of it is wanted. */
function amidTransaction({ position }: CheckpointDocument): SyncError {
  return new SyncError('TRANSACTION_TOO_LARGE', {
    seen: 'the task was changed while a transaction that is committed in parts is under way',
    wanted: 'the same tables and mapping until its end',
    fix: 'Start the task as it was, wait until its position has moved, then change it; or take all tables again in the same step.',
    position: renderPosition(position),
  });
}

/**
 * Makes the tables of a plan that was saved before the first of them: a start that broke off here goes on here, and its
 * half-made tables are known for ours.
 */
async function makePlanned(
  plan: Body<PlanDocument>,
  known: PlanDocument | null,
  input: PrepareInput,
): Promise<PrepareOutcome> {
  const { documents, warehouse } = input;
  const name = documentNames.plan(documents.task);
  const document = await FencedDocument.claim<PlanDocument>(claimOf(documents, name), (previous) => {
    if (!isSameSave(previous, known)) throw plannedMeanwhile(name, previous);
    return plan;
  });
  await makeTables(plan.tables, input, () => document.confirm());
  const largest = await largestRecordId(
    warehouse,
    plan.tables.map((table) => table.plan),
  );
  const hasStarted = (await loadCheckpoint(documents)) !== null;
  const firstRecordId = hasStarted ? plan.firstRecordId : 1 + (largest?.recordId ?? 0);
  await document.update((value) => ({
    ...value,
    stage: 'done',
    firstRecordId,
    tables: value.tables.map((table) => ({ ...table, isMade: true })),
  }));
  return { kind: 'prepared' };
}

function isSameSave(a: PlanDocument | null, b: PlanDocument | null): boolean {
  return a?.writer.id === b?.writer.id && a?.writer.epoch === b?.writer.epoch && a?.writer.seq === b?.writer.seq;
}

/** A process that stood still while another one planned has a plan that was made from what is no longer so. */
function plannedMeanwhile(name: string, holder: PlanDocument | null): SyncError {
  return new SyncError('ANOTHER_WRITER', {
    seen: `${name} was saved by ${holder?.writer.id ?? 'nobody'} while this process was planning`,
    wanted: 'to be the only one that prepares the task',
    fix: 'Nothing to do where the other process shall go on. Otherwise stop it, then start this one again.',
  });
}

/** The planned tables as they are at the start; the others stay, since rules speak of them too. */
function withTables(facts: SourceFacts, plans: readonly TablePlan[], atStart: readonly SourceTable[]): SourceFacts {
  if (!facts.reachable) return facts;
  const planned = new Set(plans.map((plan) => tableKey(plan.source)));
  return { ...facts, tables: [...facts.tables.filter((table) => !planned.has(tableKey(table))), ...atStart] };
}

export interface Precheck {
  readonly source: SourceFacts;
  readonly target: TargetFacts;
  readonly plans: readonly TablePlan[];
  readonly findings: readonly Finding[];
}

/** The questions and the judgement, with no effect on either side. */
export async function runPrecheck(
  input: Pick<PrepareInput, 'source' | 'warehouse' | 'decide'>,
  hasCheckpoint: boolean,
): Promise<Precheck> {
  const source = await input.source.facts();
  const names = source.reachable
    ? input.decide.targetTables(source.tables, source.variables.lower_case_table_names ?? null)
    : [];
  const target = await input.warehouse.facts(names);
  const judged = input.decide.prepare(source, target, hasCheckpoint);
  const isFiltered = judged.plans.some((plan) => plan.where !== null);
  const refused = isFiltered ? await input.source.refusedFilters(judged.plans) : [];
  return { source, target, plans: judged.plans, findings: [...refused.map(refusedFilter), ...judged.findings] };
}

function refusedFilter({ table, reason }: RefusedFilter): Finding {
  return {
    code: 'WHERE_INVALID',
    severity: 'error',
    subject: tableKey(table),
    seen: reason,
    wanted: 'a row filter that the server takes for each table of its rule',
    fix: 'Mend where in the rule that selects the table; a table of other columns needs a rule of its own, before it.',
  };
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error' && !finding.ignored);
}

async function savePrecheck(findings: readonly Finding[], input: PrepareInput): Promise<void> {
  const { documents, settings, clock } = input;
  const result = hasErrors(findings)
    ? 'Failed'
    : findings.some((finding) => finding.severity !== 'info')
      ? 'PassedWithWarnings'
      : 'Passed';
  await FencedDocument.claim<PrecheckDocument>(claimOf(documents, documentNames.precheck(documents.task)), () => ({
    inputHash: settings.inputHash,
    result,
    findings,
    checkedAtMs: clock.nowMs(),
  }));
}

/** The upper half of the range, where hand-given server ids are rare. */
function randomServerId(): number {
  return 2 ** 31 + Math.floor(Math.random() * (2 ** 31 - 1));
}

export function refusal(findings: readonly Finding[]): SyncError {
  const errors = findings.filter((finding) => finding.severity === 'error' && !finding.ignored);
  return new SyncError('PRECHECK_FAILED', {
    seen: `${errors.length} ${errors.length === 1 ? 'finding' : 'findings'}: ${errors.map((finding) => finding.code).join(', ')}`,
    wanted: 'no finding of severity error',
    fix: 'Each finding names its fix; then run the task again.',
  });
}
