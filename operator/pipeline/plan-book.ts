/** The plan of each selected table at the place where the stream stands; every version it has known, for recovery. */
import { assert } from '../base/assert.js';
import type { CheckpointDocument, PlanDocument, SchemaDocument } from '../model/documents.js';
import { type BinlogPosition, hasReached, isSameServer } from '../model/position.js';
import { type TableName, tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';

interface Entry {
  plan: TablePlan;
  readonly from: BinlogPosition;
  /** The stream has passed `from`; asked once, since positions only grow between rewinds. */
  isReached: boolean;
}

export class PlanBook {
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #versions = new Map<string, TablePlan>();
  #at: BinlogPosition;

  constructor(plan: PlanDocument, schema: SchemaDocument | null, checkpoint: CheckpointDocument) {
    this.#at = checkpoint.position;
    for (const planned of plan.tables) this.#keep(planned.plan);
    for (const version of schema?.versions ?? []) this.#keep(version);
    for (const [key, table] of Object.entries(checkpoint.tables)) {
      const current = this.versionOf(key, table.schemaVersion);
      const tables = this.#entries.get(current.source.database) ?? new Map<string, Entry>();
      tables.set(current.source.table, { plan: current, from: table.from, isReached: false });
      this.#entries.set(current.source.database, tables);
    }
  }

  /** Databases that hold selected tables. */
  get databases(): ReadonlySet<string> {
    return new Set(this.#entries.keys());
  }

  /** The plan in force; null for a table that is not selected, or not yet at this place. */
  planOf(name: TableName): TablePlan | null {
    const entry = this.#entries.get(name.database)?.get(name.table);
    if (!entry) return null;
    entry.isReached ||= isTakenAt(this.#at, entry.from);
    return entry.isReached ? entry.plan : null;
  }

  versionOf(key: string, schemaVersion: number): TablePlan {
    const plan = this.#versions.get(`${key}/${schemaVersion}`);
    assert(plan !== undefined, `schema version ${schemaVersion} of ${key} was stored before it was named`);
    return plan;
  }

  moveTo(position: BinlogPosition): void {
    this.#at = position;
  }

  /** Reading starts again here: tables that begin later are not yet selected. */
  rewindTo(position: BinlogPosition): void {
    this.#at = position;
    for (const tables of this.#entries.values()) for (const entry of tables.values()) entry.isReached = false;
  }

  replace(plan: TablePlan): void {
    const entry = this.#entries.get(plan.source.database)?.get(plan.source.table);
    assert(entry !== undefined, 'only a plan in force is replaced');
    this.#keep(plan);
    entry.plan = plan;
  }

  #keep(plan: TablePlan): void {
    this.#versions.set(`${tableKey(plan.source)}/${plan.schemaVersion}`, plan);
  }
}

/**
 * After a failover between the place where the stream stood and `from`: another server may have logged what is before `from`
 * and what is behind it in another order. Changes before it do no harm, since they come before any row of the baseline was read.
 */
function isTakenAt(position: BinlogPosition, from: BinlogPosition): boolean {
  return !isSameServer(position, from) || hasReached(position, from);
}
