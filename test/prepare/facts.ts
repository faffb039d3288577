/** Facts of a server and a project where nothing is wrong, and the few words a test needs to make something wrong. */
import { type SyncTaskInput, type SyncTaskSpec, syncTaskSchema } from '../../operator/api/sync-task.js';
import type { TargetFacts } from '../../operator/model/ports.js';
import { type ReachableSourceFacts, wantedVariables } from '../../operator/model/source-facts.js';
import type { SourceColumn, SourceTable, SourceType } from '../../operator/model/source-table.js';
import type { TableMark } from '../../operator/model/target-table.js';
import { type Prepared, prepareTask } from '../../operator/prepare/prepare.js';

export type ReachableTarget = Extract<TargetFacts, { reachable: true }>;

export const mark: TableMark = { namespace: 'default', name: 'shop', taskId: 'task-1' };

export function spec(changes: Partial<SyncTaskInput['spec']> = {}): SyncTaskSpec {
  return syncTaskSchema.parse({
    apiVersion: 'mcsync.dev/v1alpha1',
    kind: 'SyncTask',
    metadata: { name: 'shop' },
    spec: {
      source: { host: 'mysql.example.com', credentials: { secretRef: { name: 'shop-mysql' } } },
      target: {
        endpoint: 'https://service.example.com/api',
        project: 'warehouse',
        credentials: { secretRef: { name: 'warehouse-key' } },
      },
      objects: [{ database: 'shop' }],
      ...changes,
    },
  }).spec;
}

const goodVariables: Record<string, string | null> = {
  ...Object.fromEntries(wantedVariables.map((name) => [name, null])),
  log_bin: '1',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  binlog_row_value_options: '',
  binlog_transaction_compression: '0',
  binlog_expire_logs_seconds: '2592000',
  gtid_mode: 'ON',
  server_id: '1',
  log_replica_updates: '1',
  read_only: '0',
  lower_case_table_names: '0',
};

export function source(changes: Partial<ReachableSourceFacts> = {}): ReachableSourceFacts {
  return {
    reachable: true,
    identity: { flavor: 'mysql', version: '8.0.40', serverUuid: 'u-1', serverId: 1, gtidDomain: null },
    account: 'sync@%',
    egressAddress: null,
    tls: { encrypted: true, verified: true, cipher: 'TLS_AES_256_GCM_SHA384' },
    variables: goodVariables,
    privileges: {
      global: ['REPLICATION SLAVE', 'REPLICATION CLIENT', 'SELECT', 'RELOAD'],
      databases: {},
      tables: {},
    },
    binlog: {
      position: { file: 'binlog.000001', offset: 4, gtidSet: null },
      doDb: [],
      ignoreDb: [],
      files: [{ name: 'binlog.000001', bytes: 1000 }],
    },
    tables: [table('shop.orders')],
    replicaServerIds: [],
    ...changes,
  };
}

export function variables(changes: Record<string, string | null>): Record<string, string | null> {
  return { ...goodVariables, ...changes };
}

export function target(changes: Partial<ReachableTarget> = {}): ReachableTarget {
  return {
    reachable: true,
    project: { name: 'warehouse', owner: 'ALIYUN$owner@example.com', timeZone: 'Asia/Shanghai', isThreeLevel: false },
    tables: new Map(),
    missingRights: [],
    account: 'LTAItest',
    ...changes,
  };
}

/** `shop.orders` with an integer key `id`, unless told otherwise. */
export function table(name: string, changes: Partial<SourceTable> = {}): SourceTable {
  const [database = '', tableName = ''] = name.split('.');
  return {
    database,
    table: tableName,
    columns: [column('id', int(8))],
    key: { name: 'PRIMARY', columns: ['id'] },
    engine: 'InnoDB',
    foreignKeys: [],
    rowsEstimate: 1000,
    bytesEstimate: 100_000,
    ...changes,
  };
}

export function column(name: string, type: SourceType, changes: Partial<SourceColumn> = {}): SourceColumn {
  return { name, type, typeText: type.kind, nullable: true, defaultText: null, generated: null, ...changes };
}

export function int(bytes: 1 | 2 | 3 | 4 | 8, unsigned = false): SourceType {
  return { kind: 'int', bytes, unsigned };
}

export function text(collation = 'utf8mb4_bin', bytesMax = 1020): SourceType {
  return { kind: 'text', charset: collation.split('_')[0] as string, bytesMax, pads: false, collation };
}

export interface Situation {
  readonly spec?: Partial<SyncTaskInput['spec']>;
  readonly source?: Partial<ReachableSourceFacts>;
  readonly variables?: Record<string, string | null>;
  readonly target?: Partial<ReachableTarget>;
  readonly hasCheckpoint?: boolean;
}

export function prepare(situation: Situation = {}): Prepared {
  return prepareTask({
    spec: spec(situation.spec),
    mark,
    hasCheckpoint: situation.hasCheckpoint ?? false,
    nowMs: Date.UTC(2026, 0, 1),
    source: source({ variables: variables(situation.variables ?? {}), ...situation.source }),
    target: target(situation.target),
  });
}

/** `ERROR CODE subject` of everything that a good server and project would not have. */
export function codes(prepared: Prepared): string[] {
  return prepared.findings
    .filter(({ code }) => code !== 'TARGET_GRANTS' && code !== 'UNREPRESENTABLE_STOPS')
    .map(({ severity, code, subject, ignored }) => `${ignored ? 'ignored ' : ''}${severity} ${code} ${subject}`);
}
