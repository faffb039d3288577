/**
 * Batch upload sessions: create, put a block, reload, commit. What was answered is in the journal; the rows wait as wire bytes
 * until a query wants them.
 */
import { takeBlock } from './block-intake.js';
import { type Context, parsePartition, projectOf, tableOf, tunnelSchema } from './context.js';
import type { Answer, PutOff, Request } from './http.js';
import { invalidArgument, noSuchPartition, ServiceError } from './service-error.js';
import { createPartitions } from './sql/ddl.js';
import { partitionKey, type Table } from './store/catalog.js';
import type { Upload } from './store/uploads.js';

/** Manual, limits of the batch tunnel. */
const blocksMax = 20_000;
const cellBytesMax = 8 * 1024 * 1024;

/** Path: `{project}[/schemas/{schema}]/tables/{table}`. */
export interface TablePath {
  readonly project: string;
  readonly schema: string | null;
  readonly table: string;
}

export async function createUpload(context: Context, path: TablePath, request: Request): Promise<Answer> {
  const table = tableOf(context, projectOf(context, path.project), path.schema, path.table);
  const spec = request.query.get('partition') ?? '';
  const partition = await uploadPartition(context, table, spec, isTrue(request.query.get('create_partition')));
  context.quotas.take('sessions', table.id);
  const upload = await context.uploads.open({
    tableId: table.id,
    partition,
    columns: table.columns.length,
    overwrite: isTrue(request.query.get('overwrite')),
  });
  return sessionAnswer(context, table, upload);
}

export async function reloadUpload(context: Context, path: TablePath, request: Request): Promise<Answer> {
  const { table, upload } = find(context, path, request);
  return sessionAnswer(context, table, upload);
}

export async function putBlock(context: Context, path: TablePath, request: Request): Promise<Answer> {
  const { table, upload } = find(context, path, request);
  const id = Number(request.query.get('blockid'));
  if (!/^\d+$/.test(request.query.get('blockid') ?? '') || id >= blocksMax) {
    throw new ServiceError(400, 'InvalidBlockID', `A block id is a number from 0 to ${blocksMax - 1}.`);
  }
  if (request.query.has('arrow'))
    throw new ServiceError(400, 'NotImplemented', 'This emulator takes record blocks, not Arrow.');
  if (upload.status !== 'normal') throw statusConflict(upload);
  context.quotas.take('blocks', table.id);
  const block = await takeBlock(request, table.columns.slice(0, upload.columns), context.segments);
  const keep = (): Promise<boolean> => context.uploads.put(upload, id, block.rows, block.encoding, block.extents);
  if (request.putOff) {
    request.putOff(upload.id, {
      hold: () => undefined,
      apply: async () => void (await keep()),
      drop: () => context.segments.release(block.extents),
    });
  } else if (!(await keep())) throw statusConflict(upload);
  return { status: 200 };
}

export async function commitUpload(context: Context, path: TablePath, request: Request): Promise<Answer> {
  const { table, upload } = find(context, path, request);
  if (upload.status === 'closed' && context.secondCommit.answer === 'success')
    return sessionAnswer(context, table, upload);
  if (upload.status !== 'normal') throw statusConflict(upload);
  if (upload.partition !== null && !table.partitions.has(partitionKey(upload.partition))) throw noSuchPartition();
  context.quotas.take('commits', table.id);
  const commit = async (): Promise<void> => {
    await context.uploads.commit(upload);
    table.modifiedMs = context.clock.nowMs();
  };
  if (request.putOff) putOffCommit(context, upload, commit, request.putOff);
  else await commit();
  return sessionAnswer(context, table, upload);
}

/** While it is held the session is its own; otherwise others may have committed it, or ended it, before it lands. */
function putOffCommit(context: Context, upload: Upload, commit: () => Promise<void>, putOff: PutOff): void {
  let isHeld = false;
  putOff(upload.id, {
    hold: () => {
      isHeld = true;
      context.uploads.hold(upload);
    },
    apply: async () => {
      context.uploads.get(upload.id);
      if (isHeld || upload.status === 'normal') await commit();
    },
    drop: async () => context.uploads.letGo(upload),
  });
}

/** The values of the partition that rows go to, which must be there; null for a table without partitions. */
export async function uploadPartition(
  context: Context,
  table: Table,
  spec: string,
  create: boolean,
): Promise<string[] | null> {
  if (table.partitionColumns.length === 0) {
    if (spec !== '') throw new ServiceError(400, 'InvalidPartitionSpec', 'The table has no partitions.');
    return null;
  }
  if (spec === '') throw new ServiceError(400, 'MissingPartitionSpec', 'The table has partitions; one must be named.');
  const values = parsePartition(table, spec, true);
  if (!table.partitions.has(partitionKey(values))) {
    if (!create) throw noSuchPartition();
    context.disk.check();
    await context.database.exclusive((connection) =>
      createPartitions({ connection, catalog: context.catalog, nowMs: context.clock.nowMs() }, table, [values]),
    );
  }
  return values;
}

/** Present without a value, or with any value but `false`: clients differ. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value.toLowerCase() !== 'false';
}

function find(context: Context, path: TablePath, request: Request): { table: Table; upload: Upload } {
  const table = tableOf(context, projectOf(context, path.project), path.schema, path.table);
  const upload = context.uploads.get(request.query.get('uploadid') ?? '');
  if (upload === null || upload.tableId !== table.id) {
    throw new ServiceError(404, 'NoSuchUpload', 'The specified upload does not exist.');
  }
  const spec = request.query.get('partition');
  if (
    spec !== undefined &&
    spec !== '' &&
    partitionKey(parsePartition(table, spec, true)) !== partitionKey(upload.partition ?? [])
  ) {
    throw invalidArgument('The session was opened for another partition.');
  }
  return { table, upload };
}

function statusConflict(upload: Upload): ServiceError {
  return new ServiceError(
    409,
    'StatusConflict',
    `You cannot complete the specified operation under the current upload or download status (${upload.status}).`,
  );
}

function sessionAnswer(context: Context, table: Table, upload: Upload): Answer {
  const blocks = [...upload.blocks.values()].sort((left, right) => left.id - right.id);
  const body = {
    UploadID: upload.id,
    // PyODPS does not know COMMITTING; CLOSING says the same and is known to all.
    Status: upload.status === 'committing' ? 'closing' : upload.status,
    Schema: tunnelSchema(table.columns.slice(0, upload.columns), table.partitionColumns),
    MaxFieldSize: cellBytesMax,
    UploadedBlockList: blocks.map((block) => ({
      BlockID: block.id,
      CreateTime: Math.floor(block.atMs / 1000),
      Date: new Date(block.atMs).toUTCString(),
      FileName: `block-${block.id}`,
      RecordCount: block.rows,
      Version: 0,
    })),
    Owner: context.owner,
    Initiated: new Date(upload.openedMs).toUTCString(),
    QuotaName: 'default',
    IsOverwrite: upload.overwrite,
  };
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
