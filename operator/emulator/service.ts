/** The service API: projects, tables, partitions, and what clients ask on their way. Documents are XML as the manual has them. */
import { type Context, type Project, parsePartition, projectOf, schemaOf, tableOf } from './context.js';
import type { Answer, Request } from './http.js';
import { noSuchPartition, ServiceError } from './service-error.js';
import { type Partition, partitionKey, type Table } from './store/catalog.js';
import { cdata, escapeXml } from './xml.js';

/** Rows of a list that one answer holds. */
const pageMax = 1000;

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/xml', ...headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

export function getProject(context: Context, name: string): Answer {
  const project = projectOf(context, name);
  const created = httpDate(context.startedMs);
  const properties = [
    ['odps.schema.model.enabled', String(project.isThreeLevel)],
    ['odps.sql.type.system.odps2', 'true'],
    ['odps.sql.timezone', 'UTC'],
  ];
  const body = `<Project><Name>${escapeXml(project.name)}</Name><Type>managed</Type><Comment/><Owner>${context.owner}</Owner><State>AVAILABLE</State><CreationTime>${created}</CreationTime><LastModifiedTime>${created}</LastModifiedTime><Region>local</Region><Properties>${properties
    .map(([key, value]) => `<Property><Name>${key}</Name><Value>${value}</Value></Property>`)
    .join('')}</Properties></Project>`;
  return xmlAnswer(body, { 'x-odps-owner': context.owner, 'x-odps-creation-time': created, 'Last-Modified': created });
}

export function listProjects(context: Context): Answer {
  const items = [...context.projects.keys()].map((name) => `<Project><Name>${escapeXml(name)}</Name></Project>`);
  return xmlAnswer(`<Projects><Marker/><MaxItems>${pageMax}</MaxItems>${items.join('')}</Projects>`);
}

export function listSchemas(context: Context, project: Project): Answer {
  const items = context.catalog.schemas(project.name).map((name) => `<Schema><Name>${escapeXml(name)}</Name></Schema>`);
  return xmlAnswer(`<Schemas><Marker/><MaxItems>${pageMax}</MaxItems>${items.join('')}</Schemas>`);
}

export function getSchema(context: Context, project: Project, name: string): Answer {
  if (!context.catalog.schemas(project.name).includes(name.toLowerCase())) {
    throw new ServiceError(404, 'NoSuchObject', `Schema not found - '${name}'.`);
  }
  const created = httpDate(context.startedMs);
  return xmlAnswer(
    `<Schema><Name>${escapeXml(name)}</Name><Type>managed</Type><Owner>${context.owner}</Owner><CreateTime>${created}</CreateTime><ModifiedTime>${created}</ModifiedTime></Schema>`,
  );
}

export function listTables(context: Context, project: Project, schema: string | null, request: Request): Answer {
  const prefix = (request.query.get('name') ?? '').toLowerCase();
  const tables = context.catalog
    .list(project.name, schemaOf(project, schema))
    .filter((table) => table.name.startsWith(prefix));
  const { page, marker } = paginate(tables, request, (table) => table.name);
  const items = page.map(
    (table) =>
      `<Table><Name>${escapeXml(table.name)}</Name><Owner>${context.owner}</Owner><Type>MANAGED_TABLE</Type><CreationTime>${httpDate(table.createdMs)}</CreationTime></Table>`,
  );
  return xmlAnswer(
    `<Tables><Marker>${escapeXml(marker)}</Marker><MaxItems>${pageMax}</MaxItems>${items.join('')}</Tables>`,
  );
}

/** `GET tables/{t}`, its partitions, or one of them, by the parameters. */
export function getTable(
  context: Context,
  project: Project,
  schema: string | null,
  name: string,
  request: Request,
): Answer {
  const table = tableOf(context, project, schema, name);
  if (request.query.has('partitions')) return listPartitions(table, request);
  if (request.query.has('partition')) return getPartition(table, request.query.get('partition') as string);
  if (request.query.has('data'))
    throw new ServiceError(400, 'NotImplemented', 'This emulator has no preview: use a download.');
  return describeTable(context, table, request.query.has('extended'));
}

function describeTable(context: Context, table: Table, isExtended: boolean): Answer {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const column = (one: Table['columns'][number]): object => ({
    name: one.name,
    type: one.type,
    comment: one.comment,
    label: '',
    isNullable: one.isNullable,
  });
  const schema = {
    columns: table.columns.map(column),
    partitionKeys: table.partitionColumns.map(column),
    comment: table.comment,
    owner: context.owner,
    createTime: seconds(table.createdMs),
    lastModifiedTime: seconds(table.modifiedMs),
    lastDDLTime: seconds(table.ddlMs),
    isVirtualView: false,
    lifecycle: table.lifecycleDays ?? -1,
    size: 0,
    // Counting would load the table: the service too says -1 where it has not counted.
    recordNum: -1,
    ...(isExtended
      ? {
          IsArchived: false,
          PhysicalSize: 0,
          FileNum: 0,
          Reserved: JSON.stringify({ schema_version: '1', Transactional: 'false' }),
        }
      : {}),
  };
  const created = httpDate(table.createdMs);
  const modified = httpDate(table.modifiedMs);
  const body = `<Table format="Json"><Name>${escapeXml(table.name)}</Name><TableId>${table.id}</TableId><Schema format="Json">${cdata(JSON.stringify(schema))}</Schema><Comment>${escapeXml(table.comment)}</Comment><Owner>${context.owner}</Owner><TableLabel/><CreationTime>${created}</CreationTime><LastModifiedTime>${modified}</LastModifiedTime><Type>MANAGED_TABLE</Type></Table>`;
  return xmlAnswer(body, { 'x-odps-owner': context.owner, 'x-odps-creation-time': created, 'Last-Modified': modified });
}

function listPartitions(table: Table, request: Request): Answer {
  const prefix = parsePartition(table, request.query.get('partition') ?? '', false);
  const found = [...table.partitions.values()]
    .filter((partition) => prefix.every((value, index) => partition.values[index] === value))
    .sort((left, right) => (partitionKey(left.values) < partitionKey(right.values) ? -1 : 1));
  const { page, marker } = paginate(found, request, (partition) => partitionKey(partition.values));
  const items = page.map((partition) => {
    const columns = table.partitionColumns.map(
      (column, index) =>
        `<Column Name="${escapeXml(column.name)}" Value="${escapeXml(partition.values[index] as string)}"/>`,
    );
    const created = Math.floor(partition.createdMs / 1000);
    return `<Partition>${columns.join('')}<CreationTime>${created}</CreationTime><LastDDLTime>${created}</LastDDLTime><LastModifiedTime>${created}</LastModifiedTime></Partition>`;
  });
  return xmlAnswer(
    `<Partitions><Marker>${escapeXml(marker)}</Marker><MaxItems>${pageMax}</MaxItems>${items.join('')}</Partitions>`,
  );
}

function getPartition(table: Table, spec: string): Answer {
  const partition: Partition | undefined = table.partitions.get(partitionKey(parsePartition(table, spec, true)));
  if (partition === undefined) throw noSuchPartition();
  const created = Math.floor(partition.createdMs / 1000);
  const schema = {
    createTime: created,
    lastDDLTime: created,
    lastModifiedTime: created,
    partitionSize: 0,
    partitionRecordNum: -1,
  };
  return xmlAnswer(`<Partition><Schema>${cdata(JSON.stringify(schema))}</Schema></Partition>`);
}

/** Pages by a marker: the key of the last item that was given. */
export function paginate<T>(
  items: readonly T[],
  request: Request,
  keyOf: (item: T) => string,
): { page: T[]; marker: string } {
  const asked = Number(request.query.get('maxitems'));
  const size = asked >= 1 ? Math.min(asked, pageMax) : pageMax;
  const after = request.query.get('marker') ?? '';
  const rest = after === '' ? [...items] : items.filter((item) => keyOf(item) > after);
  const page = rest.slice(0, size);
  return { page, marker: page.length < rest.length ? keyOf(page[page.length - 1] as T) : '' };
}

export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

export function authorization(): Answer {
  // JDBC asks for a token to build a link to a log viewer, which a local server has not.
  return xmlAnswer('<Authorization><Result>local</Result></Authorization>');
}
