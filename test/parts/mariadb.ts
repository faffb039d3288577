/** MariaDB, from the distribution's packages. Only root can install it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort, waitForGreeting } from '../../operator/cli/quickstart/embedded-mysql.js';
import { startTiedProcess } from '../../operator/cli/quickstart/tied-process.js';
import type { Part } from './part.js';
import { type RunningServer, type ServerOptions, startTestServer, type TestServer } from './test-server.js';

const run = promisify(execFile);
const program = '/usr/sbin/mariadbd';

export const mariadb: Part = {
  name: 'mariadb',
  missing: () => (existsSync(program) ? null : `${program} is not installed (apt-get install mariadb-server)`),
};

export function startMariaDb(options: ServerOptions = {}): Promise<TestServer> {
  return startTestServer('mariadb', (dataDir, port) => launch(dataDir, port, options.serverOptions ?? []));
}

async function launch(dataDir: string, wantedPort: number, more: readonly string[]): Promise<RunningServer> {
  const port = wantedPort || (await findFreePort());
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const folder = join(dataDir, 'data');
  if (!existsSync(folder)) {
    await mkdir(join(dataDir, 'tmp'), { recursive: true });
    await run('mariadb-install-db', [
      '--no-defaults',
      ...asRoot,
      `--datadir=${folder}`,
      // Of its own: two servers that bootstrap in one folder delete each other's temporary tables.
      `--tmpdir=${join(dataDir, 'tmp')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--innodb-log-file-size=64M',
    ]);
  }
  const server = startTiedProcess(
    program,
    [
      '--no-defaults',
      ...asRoot,
      `--datadir=${folder}`,
      `--tmpdir=${join(dataDir, 'tmp')}`,
      `--log-error=${join(dataDir, 'error.log')}`,
      `--pid-file=${join(dataDir, 'mariadbd.pid')}`,
      `--socket=${join(tmpdir(), `mcsync-mariadb-${process.pid}-${port}.sock`)}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--server-id=2',
      '--log-bin=binlog',
      '--binlog-format=ROW',
      '--character-set-server=utf8mb4',
      '--max-allowed-packet=64M',
      '--innodb-log-file-size=64M',
      '--innodb-buffer-pool-size=128M',
      '--innodb-flush-log-at-trx-commit=2',
      '--performance-schema=OFF',
      ...more,
    ],
    { cwd: dataDir },
  );
  await waitForGreeting(server, port, join(dataDir, 'error.log'));
  return { port, stop: () => server.stop(), kill: () => server.kill() };
}
