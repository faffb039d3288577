/** Which handler answers which path. */
import { type Context, projectOf } from './context.js';
import type { Answer, Request } from './http.js';
import { getInstance, listInstances, submitInstance } from './instance-answers.js';
import { authorization, getProject, getSchema, getTable, listProjects, listSchemas, listTables } from './service.js';
import { notFound, ServiceError } from './service-error.js';
import type { Downloads } from './tunnel-download.js';
import { serveStream } from './tunnel-stream.js';
import { commitUpload, createUpload, putBlock, reloadUpload, type TablePath } from './tunnel-upload.js';

export async function route(context: Context, downloads: Downloads, request: Request): Promise<Answer> {
  const [root, projectName, ...rest] = request.segments;
  if (root !== 'projects') throw notFound(`/${request.segments.join('/')}`);
  if (projectName === undefined) return listProjects(context);
  const inSchema = rest[0] === 'schemas' && rest.length > 2;
  const schema = inSchema ? (rest[1] as string) : (request.query.get('curr_schema') ?? null);
  const [kind, name, action] = inSchema ? rest.slice(2) : rest;
  if (request.isTunnel) return routeTunnel(context, downloads, request, projectName, schema, kind, name, action);

  const project = projectOf(context, projectName);
  switch (kind) {
    case undefined:
      return getProject(context, projectName);
    case 'tunnel':
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: context.address() };
    case 'schemas':
      if (request.method !== 'GET') break;
      return rest[1] === undefined ? listSchemas(context, project) : getSchema(context, project, rest[1]);
    case 'tables':
      if (request.method !== 'GET') break;
      return name === undefined
        ? listTables(context, project, schema, request)
        : getTable(context, project, schema, name, request);
    case 'instances':
      if (name !== undefined) return getInstance(context, project, name, request);
      return request.method === 'POST' ? submitInstance(context, project, request) : listInstances(context, project);
    case 'authorization':
      return authorization();
    case 'logs':
      return { status: 200, body: '' };
    default:
      break;
  }
  throw notFound(`/${request.segments.join('/')}`);
}

async function routeTunnel(
  context: Context,
  downloads: Downloads,
  request: Request,
  project: string,
  schema: string | null,
  kind: string | undefined,
  name: string | undefined,
  action: string | undefined,
): Promise<Answer> {
  const { method, query } = request;
  if (kind === 'instances' && name !== undefined) {
    if (method === 'POST' && query.has('downloads')) return downloads.createForInstance(project, name, request);
    if (method === 'GET' && query.has('downloadid'))
      return query.has('data') ? downloads.data(request) : downloads.status(request);
  }
  if (kind === 'tables' && name !== undefined) {
    const path: TablePath = { project, schema, table: name };
    if (action === 'streams') return serveStream(context, path, request);
    if (action === undefined) {
      if (method === 'POST' && query.has('uploads')) return createUpload(context, path, request);
      if (method === 'POST' && query.has('uploadid')) return commitUpload(context, path, request);
      if (method === 'PUT' && query.has('uploadid')) return putBlock(context, path, request);
      if (method === 'GET' && query.has('uploadid')) return reloadUpload(context, path, request);
      if (method === 'POST' && query.has('downloads')) return downloads.createForTable(path, request);
      if (method === 'GET' && query.has('downloadid'))
        return query.has('data') ? downloads.data(request) : downloads.status(request);
    }
  }
  throw new ServiceError(400, 'NotImplemented', `This emulator has no ${method} of this kind.`);
}
