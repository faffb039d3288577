/** The two ends of a task as its settings describe them. Secrets are read at each use, so that rotated ones take effect. */
import type { SyncTask } from '../api/sync-task.js';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { SecretReader } from '../local/secrets.js';
import { createWarehouse, type MaxComputeSettings } from '../maxcompute/warehouse.js';
import type { Source, Warehouse } from '../model/ports.js';
import type { MySqlSettings } from '../mysql/connect.js';
import { createMySqlSource, type MySqlSourceOptions } from '../mysql/source.js';
import { version } from './version.js';

export function openSource(task: SyncTask, secrets: SecretReader, options: MySqlSourceOptions = {}): Source {
  return createMySqlSource(mysqlSettings(task, secrets), systemClock, options);
}

export function openWarehouse(task: SyncTask, secrets: SecretReader): Warehouse & AsyncDisposable {
  return createWarehouse(warehouseSettings(task, secrets), systemClock);
}

function mysqlSettings({ spec }: SyncTask, secrets: SecretReader): MySqlSettings {
  const { host, port, tls } = spec.source;
  const { name, usernameKey, passwordKey } = spec.source.credentials.secretRef;
  const { mode, caSecretRef: ca, clientCertSecretRef: client } = tls;
  return {
    host,
    port,
    credentials: async () => ({ username: secrets.read(name, usernameKey), password: secrets.read(name, passwordKey) }),
    tls: {
      mode,
      ...(ca ? { ca: secrets.read(ca.name, ca.key) } : {}),
      ...(client
        ? { cert: secrets.read(client.name, client.certKey), key: secrets.read(client.name, client.keyKey) }
        : {}),
    },
  };
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
