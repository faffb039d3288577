/**
 * Commits the sessions of a stored intent. In: an intent known to be stored. Out: the sessions whose rows are not in the
 * table. It commits nothing that the intent does not name, and only while the stored intent is still ours.
 */
import type { IntentSession } from '../model/documents.js';
import { logColumnNames, type TablePlan } from '../model/table-plan.js';
import { partitionFilter } from './log-guard.js';
import { type NamedSession, type SettleContext, settleSession } from './settle.js';

export interface CommitContext extends SettleContext {
  /** Plan of a source table at a schema version, for the names of the log's columns. */
  readonly planOf: (source: string, schemaVersion: number) => TablePlan;
}

/** Sessions committed side by side; MaxCompute allows 32 per table, and a flush seldom has more tables. */
const commitsAtOnceMax = 16;

/** Returns the sessions that are missing and must be sent again under the same intent. */
export async function settleIntent(
  sessions: readonly IntentSession[],
  context: CommitContext,
): Promise<IntentSession[]> {
  const missing: IntentSession[] = [];
  for (let at = 0; at < sessions.length; at += commitsAtOnceMax) {
    await context.confirmIntent();
    const part = sessions.slice(at, at + commitsAtOnceMax);
    const outcomes = await Promise.allSettled(part.map((session) => settleSession(named(session, context), context)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') throw outcome.reason;
      if (outcome.value === 'missing') missing.push(part[index] as IntentSession);
    }
  }
  return missing;
}

function named(session: IntentSession, context: CommitContext): NamedSession {
  return {
    ref: session,
    source: session.source,
    blocks: session.blocks,
    rows: session.rows,
    countRows: () => countRows(session, context),
    where: `record_id ${session.lo} to ${session.hi} of ${session.table}, partition ${session.partition}`,
  };
}

async function countRows(session: IntentSession, { planOf, warehouse }: CommitContext): Promise<number> {
  const plan = planOf(session.source, session.schemaVersion);
  const recordId = logColumnNames(plan.columnNaming, plan.partitionKeys).recordId;
  const sql = `SELECT COUNT(*) AS n FROM \`${session.table}\` WHERE ${partitionFilter(session.partition)} AND \`${recordId}\` >= ${session.lo} AND \`${recordId}\` <= ${session.hi}`;
  const result = await warehouse.query(sql);
  return Number(result.rows[0]?.[0]);
}
