import type { MySqlCredentials, MySqlSettings } from '../../operator/mysql/connect.js';
import type { TestServer } from '../parts/test-server.js';

/** How mcsync reaches a test server; as root unless told. */
export function settingsOf(
  server: TestServer,
  credentials: MySqlCredentials = { username: 'root', password: '' },
): MySqlSettings {
  return { host: server.host, port: server.port, credentials: async () => credentials, tls: { mode: 'Disabled' } };
}
