/** What the handlers of requests work with. */
import type { Clock } from '../base/clock.js';
import type { Instances } from './instances.js';
import type { QuotaCounter } from './quotas.js';
import { invalidArgument, noSuchProject, noSuchTable } from './service-error.js';
import type { Engine } from './sql/engine.js';
import type { Catalog, Column, Table } from './store/catalog.js';
import type { Database } from './store/database.js';
import type { Disk } from './store/disk.js';
import type { Loader } from './store/loader.js';
import type { Segments } from './store/segments.js';
import type { Uploads } from './store/uploads.js';

export interface Project {
  readonly name: string;
  /** Tables stand in schemas. */
  readonly isThreeLevel: boolean;
}

export interface Context {
  readonly projects: ReadonlyMap<string, Project>;
  readonly owner: string;
  readonly startedMs: number;
  /** `host:port` that clients reach; the answer to tunnel discovery. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly database: Database;
  readonly catalog: Catalog;
  readonly segments: Segments;
  readonly uploads: Uploads;
  readonly loader: Loader;
  readonly engine: Engine;
  readonly instances: Instances;
  readonly quotas: QuotaCounter;
  readonly disk: Disk;
  /** What a second commit of a session is answered: the documents leave it open. */
  readonly secondCommit: { readonly answer: 'conflict' | 'success' };
}

export function projectOf(context: Context, name: string): Project {
  const project = context.projects.get(name.toLowerCase());
  if (project === undefined) throw noSuchProject(name);
  return project;
}

/** In a two-level project the schema that a client names means nothing: JDBC gives the project's name. */
export function tableOf(context: Context, project: Project, schema: string | null, name: string): Table {
  const table = context.catalog.find(project.name, schemaOf(project, schema), name.toLowerCase());
  if (table === null) throw noSuchTable(`${project.name}.${name}`);
  return table;
}

export function schemaOf(project: Project, schema: string | null): string {
  return project.isThreeLevel && schema !== null && schema !== '' ? schema.toLowerCase() : 'default';
}

/**
 * `pt=20240102,region=cn` of the tunnel, `pt='20240102',region='cn'` or with slashes of the service. Values in the table's
 * order; `complete` asks for all of them, otherwise the first ones may stand alone.
 */
export function parsePartition(table: Table, text: string, complete: boolean): string[] {
  const given = new Map<string, string>();
  for (const part of text.trim() === '' ? [] : splitSpec(text)) {
    const equals = part.indexOf('=');
    if (equals < 0) throw invalidPartition(text);
    given.set(
      part.slice(0, equals).trim().toLowerCase(),
      part
        .slice(equals + 1)
        .trim()
        .replace(/^(['"])(.*)\1$/s, '$2'),
    );
  }
  const values: string[] = [];
  for (const column of table.partitionColumns) {
    const value = given.get(column.name);
    if (value === undefined) break;
    values.push(value);
  }
  if (values.length !== given.size || (complete && values.length !== table.partitionColumns.length)) {
    throw invalidPartition(text);
  }
  return values;
}

function splitSpec(text: string): string[] {
  const hasQuotes = /=\s*['"]/.test(text);
  if (!hasQuotes) return text.split(',');
  return text.match(/[^,/=]+=\s*(?:'[^']*'|"[^"]*"|[^,/]*)/g) ?? [text];
}

function invalidPartition(text: string): Error {
  return invalidArgument(
    `InvalidPartitionSpec: ${JSON.stringify(text.slice(0, 200))} does not fit the partition columns`,
  );
}

/** The schema as the tunnel's JSON has it. */
export function tunnelSchema(columns: readonly Column[], partitionColumns: readonly Column[]): object {
  const describe = (column: Column, index: number): object => ({
    column_id: String(index),
    comment: column.comment,
    default_value: '',
    name: column.name,
    nullable: column.isNullable,
    type: column.type,
  });
  return { columns: columns.map(describe), partitionKeys: partitionColumns.map(describe), IsVirtualView: false };
}
