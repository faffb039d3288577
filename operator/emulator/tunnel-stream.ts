/** Stream upload: each pack is committed when it is answered. Nothing tells a repeated pack from a new one, as in the service. */
import { takeBlock } from './block-intake.js';
import { type Context, projectOf, tableOf, tunnelSchema } from './context.js';
import type { Answer, Request } from './http.js';
import { ServiceError } from './service-error.js';
import type { Table } from './store/catalog.js';
import { isTrue, type TablePath, uploadPartition } from './tunnel-upload.js';

export async function serveStream(context: Context, path: TablePath, request: Request): Promise<Answer> {
  const table = tableOf(context, projectOf(context, path.project), path.schema, path.table);
  switch (request.method) {
    case 'POST':
      if (request.query.has('uploadid')) return streamAnswer(context, table, request.query.get('uploadid') as string);
      await uploadPartition(
        context,
        table,
        request.query.get('partition') ?? '',
        isTrue(request.query.get('create_partition')),
      );
      return streamAnswer(context, table, `stream${table.id}`);
    case 'GET':
      return streamAnswer(context, table, request.query.get('uploadid') ?? '');
    case 'PUT':
      return putPack(context, table, request);
    default:
      throw new ServiceError(405, 'MethodNotAllowed', 'A stream takes POST, GET and PUT.');
  }
}

async function putPack(context: Context, table: Table, request: Request): Promise<Answer> {
  if (request.query.get('uploadid') !== `stream${table.id}`) {
    throw new ServiceError(404, 'StreamSessionNotFound', 'The specified stream session does not exist.');
  }
  const partition = await uploadPartition(context, table, request.query.get('partition') ?? '', false);
  const block = await takeBlock(request, table.columns, context.segments);
  const upload = await context.uploads.open({
    tableId: table.id,
    partition,
    columns: table.columns.length,
    overwrite: false,
  });
  await context.uploads.put(upload, 0, block.rows, block.encoding, block.extents);
  await context.uploads.commit(upload);
  table.modifiedMs = context.clock.nowMs();
  return { status: 200, headers: { 'odps-tunnel-routed-server': context.address(), 'odps-tunnel-slot-num': '1' } };
}

function streamAnswer(context: Context, table: Table, session: string): Answer {
  if (session !== `stream${table.id}`)
    throw new ServiceError(404, 'StreamSessionNotFound', 'The specified stream session does not exist.');
  const body = {
    session_name: session,
    schema: tunnelSchema(table.columns, table.partitionColumns),
    schema_version: '1',
    slots: [[0, context.address()]],
    status: 'normal',
    quota_name: 'default',
    QuotaName: 'default',
  };
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      'odps-tunnel-routed-server': context.address(),
      'odps-tunnel-slot-num': '1',
    },
    body: JSON.stringify(body),
  };
}
