/**
 * What a precheck asks of the project: can it be reached, which tables are there, and what may the account do. Rights are
 * tried, not read: what GRANTs and policies add up to, only the server knows. Nothing is left behind but an upload
 * session of a dropped table, which ends by itself.
 */
import { SyncError } from '../base/errors.js';
import type { TargetFacts, TargetTable, Warehouse, WorkerFailure } from '../model/ports.js';
import type { ProjectFacts } from './catalog.js';

export interface ProjectAccess {
  readonly readProject: () => Promise<ProjectFacts>;
  readonly findTunnel: () => Promise<unknown>;
  readonly account: () => string;
  readonly probeTable: () => string;
  readonly warehouse: Warehouse;
}

type MissingRight = Extract<TargetFacts, { reachable: true }>['missingRights'][number];

/** Tables described at a time: enough to hide the way, few enough for the service's own limits. */
const describedAtOnce = 8;

export async function describeProject(access: ProjectAccess, tables: readonly string[]): Promise<TargetFacts> {
  try {
    const project = await access.readProject();
    await access.findTunnel();
    const missingRights: MissingRight[] = [];
    const found = await describeTables(access.warehouse, tables, missingRights);
    await tryRights(access, missingRights);
    return { reachable: true, project, tables: found, missingRights, account: access.account() };
  } catch (error) {
    if (error instanceof SyncError) return { reachable: false, failure: failureFacts(error) };
    throw error;
  }
}

async function describeTables(
  warehouse: Warehouse,
  tables: readonly string[],
  missingRights: MissingRight[],
): Promise<Map<string, TargetTable>> {
  const found = new Map<string, TargetTable>();
  const left = [...new Set(tables.map((table) => table.toLowerCase()))];
  const work = async (): Promise<void> => {
    for (let table = left.pop(); table !== undefined; table = left.pop()) {
      const name = table;
      await noteMissing(missingRights, 'Describe', async () => {
        const description = await warehouse.describeTable(name);
        if (description !== null) found.set(name, description);
      });
    }
  };
  await Promise.all(Array.from({ length: describedAtOnce }, work));
  return found;
}

async function tryRights({ warehouse, probeTable }: ProjectAccess, missingRights: MissingRight[]): Promise<void> {
  if (!(await noteMissing(missingRights, 'CreateInstance', () => warehouse.query('SELECT 1')))) return;
  const table = probeTable();
  const made = await noteMissing(missingRights, 'CreateTable', () =>
    warehouse.createTable({
      table,
      columns: [{ name: 'id', type: 'BIGINT' }],
      partitionColumns: [],
      comment: 'made by the precheck of mcsync to try its rights; can be dropped',
      // Where it cannot be dropped it goes by itself.
      lifecycleDays: 1,
    }),
  );
  if (!made) return;
  await noteMissing(missingRights, 'Upload', () => warehouse.createUpload(table, null));
  await noteMissing(missingRights, 'CreateTable', () => warehouse.dropTable(table));
}

/** A failure that may pass says nothing of rights, and goes up. */
async function noteMissing(
  missingRights: MissingRight[],
  right: MissingRight['right'],
  step: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (!(error instanceof SyncError) || error.isRetryable || error.code === 'TARGET_CREDENTIALS_REJECTED') throw error;
    missingRights.push({ right, seen: error.seen });
    return false;
  }
}

function failureFacts({ code, seen, wanted, fix, table }: SyncError): WorkerFailure {
  return { code, seen, wanted, fix, ...(table === undefined ? {} : { table }) };
}
