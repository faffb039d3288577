/** What the service says of a project, its tables and their partitions: documents read into the model's shapes. */
import { SyncError } from '../base/errors.js';
import type { TargetColumn, TargetTable } from '../model/ports.js';
import { MaxComputeError } from './failures.js';
import type { MaxComputeHttp } from './http.js';
import { type Namespace, projectPath, tablePath } from './names.js';
import { childOf, childrenOf, parseXml, textOf, type XmlNode } from './xml.js';

export interface ProjectFacts {
  readonly name: string;
  readonly owner: string;
  readonly timeZone: string | null;
  readonly isThreeLevel: boolean;
}

/** Somebody waits for the first answer of a precheck. */
const firstAnswer = { answerMs: 10_000, patienceMs: 15_000, throttledMs: 15_000 };
/** Partitions in one page, as Java asks for them; a table has 60,000 at most. */
const pageItems = 1000;
const pagesMax = 200;

export async function readProject(http: MaxComputeHttp, namespace: Namespace): Promise<ProjectFacts> {
  const answer = await http.call({
    what: `read project ${namespace.project}`,
    method: 'GET',
    path: projectPath(namespace),
    repeat: 'always',
    timeouts: firstAnswer,
  });
  const project = parseXml(answer.text)?.Project;
  if (project === undefined) {
    throw new SyncError('TARGET_NOT_MAXCOMPUTE', {
      seen: `HTTP ${answer.status} without a Project document`,
      wanted: 'the project, as MaxCompute describes it',
      fix: 'Check target.endpoint: https://service.<region>.maxcompute.aliyun.com/api.',
    });
  }
  const properties = new Map(
    childrenOf(childOf(project, 'Properties'), 'Property').map((property) => [
      textOf(childOf(property, 'Name')),
      textOf(childOf(property, 'Value')),
    ]),
  );
  return {
    name: textOf(childOf(project, 'Name')) || namespace.project,
    owner: textOf(childOf(project, 'Owner')) || (answer.headers['x-odps-owner'] ?? ''),
    timeZone: properties.get('odps.sql.timezone') || null,
    isThreeLevel: properties.get('odps.schema.model.enabled')?.toLowerCase() === 'true',
  };
}

/** Null when the table does not exist. */
export async function readTable(
  http: MaxComputeHttp,
  namespace: Namespace,
  table: string,
): Promise<TargetTable | null> {
  let text: string;
  try {
    const answer = await http.call({
      what: `describe table ${table}`,
      method: 'GET',
      ...serviceTable(namespace, table),
      repeat: 'always',
      table,
    });
    text = answer.text;
  } catch (error) {
    if (error instanceof MaxComputeError && isTableAbsent(error)) return null;
    throw error;
  }
  const document = parseXml(text)?.Table;
  return document === undefined ? unreadable(table) : tableOf(table, document);
}

/** Each as `pt=20240102,region=cn`, in the order of the partition columns. */
export async function readPartitions(http: MaxComputeHttp, namespace: Namespace, table: string): Promise<string[]> {
  const specs: string[] = [];
  let marker = '';
  for (let page = 0; page < pagesMax; page += 1) {
    const { path, query } = serviceTable(namespace, table);
    const answer = await http.call({
      what: `list partitions of ${table}`,
      method: 'GET',
      path,
      query: {
        ...query,
        partitions: '',
        expectmarker: 'true',
        maxitems: String(pageItems),
        ...(marker === '' ? {} : { marker }),
      },
      repeat: 'always',
      table,
    });
    const document = parseXml(answer.text)?.Partitions;
    if (document === undefined) return unreadable(table);
    for (const partition of childrenOf(document, 'Partition')) {
      const columns = childrenOf(partition, 'Column');
      specs.push(columns.map((column) => `${attribute(column, 'Name')}=${attribute(column, 'Value')}`).join(','));
    }
    marker = textOf(childOf(document, 'Marker'));
    if (marker === '') return specs;
  }
  throw new SyncError('TARGET_PROTOCOL', {
    seen: `more than ${pagesMax * pageItems} partitions of ${table}`,
    wanted: 'a list that ends: a table has 60,000 partitions at most',
    fix: 'Check that target.endpoint is MaxCompute.',
    table,
  });
}

/** The service takes the schema of a three-level project as a parameter. */
function serviceTable(namespace: Namespace, table: string): { path: string; query: Record<string, string> } {
  return {
    path: tablePath({ ...namespace, schema: null }, table),
    query: namespace.schema === null ? {} : { curr_schema: namespace.schema },
  };
}

function isTableAbsent(error: MaxComputeError): boolean {
  return error.code === 'TARGET_TABLE_MISSING' && ['NoSuchTable', 'NoSuchObject'].includes(error.serverCode);
}

function tableOf(table: string, document: XmlNode): TargetTable {
  let schema: Record<string, unknown>;
  try {
    schema = JSON.parse(textOf(childOf(document, 'Schema'))) as Record<string, unknown>;
  } catch {
    return unreadable(table);
  }
  const lifecycle = Number(schema.lifecycle ?? -1);
  return {
    table: textOf(childOf(document, 'Name')) || table,
    columns: columnsOf(schema.columns),
    partitionColumns: columnsOf(schema.partitionKeys),
    comment: textOf(childOf(document, 'Comment')) || String(schema.comment ?? ''),
    lifecycleDays: lifecycle > 0 ? lifecycle : null,
    type: textOf(childOf(document, 'Type')) || (schema.isVirtualView === true ? 'VIRTUAL_VIEW' : 'MANAGED_TABLE'),
  };
}

function columnsOf(columns: unknown): TargetColumn[] {
  if (!Array.isArray(columns)) return [];
  return columns.map((column: { name?: unknown; type?: unknown; comment?: unknown }) => ({
    name: String(column.name ?? ''),
    type: String(column.type ?? '').toUpperCase(),
    ...(typeof column.comment === 'string' && column.comment !== '' ? { comment: column.comment } : {}),
  }));
}

function attribute(node: XmlNode, name: string): string {
  return textOf(childOf(node, `@${name}`));
}

function unreadable(table: string): never {
  throw new SyncError('TARGET_PROTOCOL', {
    seen: `a description of table ${table} that cannot be read`,
    wanted: 'the document that the MaxCompute service gives',
    fix: 'Check target.endpoint; it is tried again by itself.',
    table,
  });
}
