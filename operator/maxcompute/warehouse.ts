/**
 * MaxCompute as the port `Warehouse`. In: settings of one project and account. Out: what the model asks of a warehouse.
 * Safe for concurrent calls. It never commits on its own, never repeats a commit, and drops nothing that it was not told to.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { RejectionPatience } from '../base/rejection-patience.js';
import type { TableSpec, TargetColumn, TargetFacts, Warehouse } from '../model/ports.js';
import { openBlockWriter } from './block-writer.js';
import { readPartitions, readProject, readTable } from './catalog.js';
import { addColumnsSql, addPartitionSql, createTableSql, dropTableSql } from './ddl.js';
import { describeProject } from './facts.js';
import { defaultTimeouts, type HttpSettings, MaxComputeHttp, type Timeouts } from './http.js';
import type { Namespace } from './names.js';
import { TunnelQuota } from './quota.js';
import type { Credentials } from './sign.js';
import { SqlRunner } from './sql.js';
import { Tunnel } from './tunnel.js';

export interface MaxComputeSettings {
  /** `https://service.<region>.maxcompute.aliyun.com/api` */
  readonly endpoint: string;
  /** Default: asked of the service. */
  readonly tunnelEndpoint?: string;
  readonly project: string;
  /** Of a three-level project. */
  readonly schema?: string;
  /** Set: signatures of version 4. */
  readonly region?: string;
  readonly quotaName?: string;
  /** Asked before each request, so that rotated keys take effect at once. */
  readonly credentials: () => Credentials;
  readonly userAgent: string;
  readonly timeouts?: Partial<Timeouts>;
  /** Absent: a refused key goes up at once. */
  readonly patience?: RejectionPatience;
}

export function createWarehouse(settings: MaxComputeSettings, clock: Clock): Warehouse & AsyncDisposable {
  const namespace: Namespace = { project: settings.project, schema: settings.schema ?? null };
  const connect = (endpoint: string): MaxComputeHttp => new MaxComputeHttp(httpSettings(settings, endpoint), clock);
  const service = connect(settings.endpoint);
  const tunnel = new Tunnel(
    {
      namespace,
      endpoint: settings.tunnelEndpoint ?? null,
      serviceEndpoint: settings.endpoint,
      quotaName: settings.quotaName ?? null,
    },
    service,
    connect,
    new TunnelQuota(clock),
    clock,
  );
  const sql = new SqlRunner({ namespace, quotaName: settings.quotaName ?? null }, service, tunnel, clock);

  const warehouse: Warehouse & AsyncDisposable = {
    facts: (tables): Promise<TargetFacts> =>
      describeProject(
        {
          readProject: () => readProject(service, namespace),
          findTunnel: () => tunnel.http(),
          account: () => settings.credentials().accessKeyId,
          probeTable: () => `mcsync_probe_${randomBytes(6).toString('hex')}`,
          warehouse,
        },
        tables,
      ),
    createTable: (spec: TableSpec) => sql.runIdempotent(createTableSql(spec)),
    addColumns: (table, columns) => addMissingColumns(warehouse, table, columns),
    describeTable: (table) => readTable(service, namespace, table),
    dropTable: (table) => sql.runIdempotent(dropTableSql(table)),
    query: (statement, querySettings) => sql.query(statement, querySettings),
    createPartition: (table, partition) => sql.runIdempotent(addPartitionSql(table, partition)),
    listPartitions: (table) => readPartitions(service, namespace, table),
    createUpload: (table, partition) => tunnel.createUpload(table, partition),
    uploadState: (ref) => tunnel.uploadState(ref),
    openBlock: openBlockWriter,
    putBlock: (ref, blockId, block) => tunnel.putBlock(ref, blockId, block),
    commitUpload: (ref) => tunnel.commitUpload(ref),
    async [Symbol.asyncDispose]() {
      await Promise.all([service.close(), tunnel.close()]);
    },
  };
  return warehouse;
}

function httpSettings(settings: MaxComputeSettings, endpoint: string): HttpSettings {
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw new SyncError('TASK_INVALID', {
      seen: `endpoint ${JSON.stringify(endpoint)}`,
      wanted: 'an http or https URL',
      fix: 'Write target.endpoint as https://service.<region>.maxcompute.aliyun.com/api.',
    });
  }
  return {
    endpoint,
    credentials: settings.credentials,
    region: settings.region ?? null,
    userAgent: settings.userAgent,
    timeouts: { ...defaultTimeouts, ...settings.timeouts },
    ...(settings.patience ? { patience: settings.patience } : {}),
    query: { curr_project: settings.project },
  };
}

async function addMissingColumns(warehouse: Warehouse, table: string, columns: readonly TargetColumn[]): Promise<void> {
  const found = await warehouse.describeTable(table);
  if (found === null) {
    throw new SyncError('TARGET_TABLE_MISSING', {
      seen: `no table ${table}`,
      wanted: `the table, to add ${columns.map((column) => column.name).join(', ')}`,
      fix: 'Take the table again (mcsync resnapshot).',
      table,
    });
  }
  const known = new Map(found.columns.map((column) => [column.name.toLowerCase(), normalType(column.type)]));
  const missing: TargetColumn[] = [];
  for (const column of columns) {
    const type = known.get(column.name.toLowerCase());
    if (type === undefined) missing.push(column);
    else if (type !== normalType(column.type)) {
      throw new SyncError('TARGET_SCHEMA_MISMATCH', {
        seen: `column ${column.name} ${type}`,
        wanted: `column ${column.name} ${normalType(column.type)}`,
        fix: 'Rename or drop that column in MaxCompute, then let the task go on.',
        table,
      });
    }
  }
  if (missing.length > 0) await warehouse.query(addColumnsSql(table, missing));
}

function normalType(type: string): string {
  return type.replace(/\s+/g, '').toUpperCase();
}
