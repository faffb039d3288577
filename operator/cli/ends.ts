/** The two ends of a task as its settings describe them. Secrets are read at each use, so that rotated ones take effect. */
import type { SyncTask } from '../api/sync-task.js';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { type RejectionPatience, rejectionWaitMs } from '../base/rejection-patience.js';
import type { SecretReader } from '../local/secrets.js';
import { createWarehouse, type MaxComputeSettings } from '../maxcompute/warehouse.js';
import type { Source, Warehouse } from '../model/ports.js';
import type { MySqlSettings, TlsSettings } from '../mysql/connect.js';
import { createMySqlSource, type MySqlSourceOptions } from '../mysql/source.js';
import type { Reporter } from '../pipeline/task-documents.js';
import { version } from './version.js';

/** Of a worker that is at work: a rejected secret may be one that is being replaced. */
export interface EndOptions {
  readonly patience?: RejectionPatience;
}

export function openSource(
  task: SyncTask,
  secrets: SecretReader,
  options: MySqlSourceOptions & EndOptions = {},
): Source {
  const { patience, ...source } = options;
  const settings = { ...mysqlSettings(task, secrets), ...(patience ? { patience } : {}) };
  return createMySqlSource(settings, systemClock, {
    ...source,
    ...(patience?.onWait ? { onWait: patience.onWait } : {}),
  });
}

export function openWarehouse(
  task: SyncTask,
  secrets: SecretReader,
  { patience }: EndOptions = {},
): Warehouse & AsyncDisposable {
  return createWarehouse({ ...warehouseSettings(task, secrets), ...(patience ? { patience } : {}) }, systemClock);
}

/** How long a worker waits, and where it says so. */
export function patienceOf(report: Pick<Reporter, 'retrying'>, stop: AbortSignal): RejectionPatience {
  return { clock: systemClock, waitMs: rejectionWaitMs, signal: stop, onWait: report.retrying };
}

function mysqlSettings({ spec }: SyncTask, secrets: SecretReader): MySqlSettings {
  const { host, port, tls } = spec.source;
  const { name, usernameKey, passwordKey } = spec.source.credentials.secretRef;
  const { mode, caSecretRef: ca, clientCertSecretRef: client } = tls;
  return {
    host,
    port,
    credentials: async () => ({ username: secrets.read(name, usernameKey), password: secrets.read(name, passwordKey) }),
    tls: tlsSettings(mode, ca, client, secrets),
  };
}

type Tls = SyncTask['spec']['source']['tls'];

/** Read at each use, like the password: certificates are replaced before they expire. */
function tlsSettings(
  mode: Tls['mode'],
  ca: Tls['caSecretRef'],
  client: Tls['clientCertSecretRef'],
  secrets: SecretReader,
): TlsSettings {
  // Spreading would read a getter once and for all.
  const settings: TlsSettings = { mode };
  const define = (name: 'ca' | 'cert' | 'key', secret: string, key: string): void => {
    Object.defineProperty(settings, name, { enumerable: true, get: () => secrets.read(secret, key) });
  };
  if (ca) define('ca', ca.name, ca.key);
  if (client) {
    define('cert', client.name, client.certKey);
    define('key', client.name, client.keyKey);
  }
  return settings;
}

function warehouseSettings({ spec }: SyncTask, secrets: SecretReader): MaxComputeSettings {
  const { endpoint, tunnelEndpoint, project, schema, region, quotaName, credentials } = spec.target;
  const access = credentials.secretRef;
  if (!access) {
    throw new SyncError('TASK_INVALID', {
      seen: 'spec.target.credentials.rrsa',
      wanted: 'spec.target.credentials.secretRef: RAM roles of service accounts are not supported yet',
      fix: 'Name a Secret with an access key.',
    });
  }
  return {
    endpoint,
    ...(tunnelEndpoint === undefined ? {} : { tunnelEndpoint }),
    project,
    ...(schema === undefined ? {} : { schema }),
    ...(region === undefined ? {} : { region }),
    ...(quotaName === undefined ? {} : { quotaName }),
    credentials: () => {
      const securityToken = secrets.readOptional(access.name, access.securityTokenKey);
      return {
        accessKeyId: secrets.read(access.name, access.accessKeyIdKey),
        accessKeySecret: secrets.read(access.name, access.accessKeySecretKey),
        ...(securityToken === null ? {} : { securityToken }),
      };
    },
    userAgent: `mcsync/${version()}`,
  };
}
