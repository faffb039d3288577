/** What kind of request it is, and of which table and partition: what faults pick by. Pure. */
import type { Request } from '../http.js';
import type { RequestKind } from './fault.js';
import type { RequestFacts } from './fault-book.js';

export function requestFacts(request: Request, partitionOfSession: (id: string) => string | null): RequestFacts {
  const { segments, query } = request;
  const inProject = segments.slice(2);
  const rest = inProject[0] === 'schemas' && inProject.length > 2 ? inProject.slice(2) : inProject;
  const isTable = rest[0] === 'tables';
  const session = query.get('uploadid');
  const partition = query.get('partition') || (session === undefined ? null : partitionOfSession(session));
  return {
    kind: kindOf(request, rest),
    table: isTable ? (rest[1]?.toLowerCase() ?? null) : null,
    partition: partition === '' ? null : partition,
  };
}

function kindOf({ isTunnel, method, query }: Request, rest: readonly string[]): RequestKind {
  const [root, , action] = rest;
  if (!isTunnel) return root === 'instances' ? 'query' : root === 'tables' || root === 'schemas' ? 'table' : 'any';
  if (action === 'streams') return 'stream';
  if (query.has('downloads') || query.has('downloadid')) return 'download';
  if (method === 'POST' && query.has('uploads')) return 'createUpload';
  if (!query.has('uploadid')) return 'any';
  return method === 'PUT' ? 'putBlock' : method === 'POST' ? 'commit' : 'reload';
}
