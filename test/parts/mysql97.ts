/**
 * The newest MySQL of Debian, unpacked into .cache beside the system: its libraries are newer than the system's, so it
 * runs under the loader that came with them. Optional: what Debian's unstable distribution holds changes by the day.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort, waitForGreeting } from '../../operator/cli/quickstart/embedded-mysql.js';
import { startTiedProcess } from '../../operator/cli/quickstart/tied-process.js';
import { cachePath, fillCache } from './cache.js';
import type { Part } from './part.js';
import { type RunningServer, type ServerOptions, startTestServer, type TestServer } from './test-server.js';

const run = promisify(execFile);
const name = 'mysql97';
const root = cachePath(`${name}/root`);
const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
const program = join(root, 'usr/sbin/mysqld');

export const mysql97: Part = {
  name,
  missing: () =>
    existsSync(program) ? null : 'MySQL 9 is not in .cache: npm test gets it by apt-get and dpkg-deb on Debian x64',
  get: (signal) => fillCache(name, (folder) => fetchServer(folder, signal)),
};

export function startMySql97(options: ServerOptions = {}): Promise<TestServer> {
  return startTestServer('mysql', (dataDir, port) => launch(dataDir, port, options.serverOptions ?? []));
}

/** Of package debian-archive-keyring. */
const debianKeys = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Needed by package scripts and by Perl clients only, or twice. */
const needless = /^(perl|libperl|libgdbm|libdb5|gcc-\d+-base|libc-gconv|libtirpc-common)/;

async function fetchServer(folder: string, signal: AbortSignal): Promise<void> {
  for (const path of ['state/lists/partial', 'apt/archives/partial', 'debs', 'root']) {
    await mkdir(join(folder, path), { recursive: true });
  }
  const source = `deb [signed-by=${debianKeys}] ${await debianArchive(signal)} sid main`;
  await writeFile(join(folder, 'sources.list'), `${source}\n`);
  // An empty list of installed packages makes the whole closure of dependencies come out.
  await writeFile(join(folder, 'status'), '');
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'apt'),
    'APT::Sandbox::User': '',
    'APT::Default-Release': 'sid',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = (args: string[], cwd = folder) =>
    run('apt-get', [...options, ...args], { cwd, signal, maxBuffer: 16 * 1024 * 1024 });
  await apt(['-qq', 'update']);
  const plan = await apt(['--no-install-recommends', '-s', 'install', 'mysql-server-core']);
  const packages = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string);
  await apt(
    ['-qq', 'download', ...packages.filter((each) => !needless.test(each)).map((each) => `${each}/sid`)],
    join(folder, 'debs'),
  );
  for (const file of readdirSync(join(folder, 'debs'))) {
    await run('dpkg-deb', ['-x', join(folder, 'debs', file), join(folder, 'root')], { signal });
  }
  for (const path of ['state', 'apt', 'debs']) await rm(join(folder, path), { recursive: true });
}

/** Where this machine gets Debian from. */
async function debianArchive(signal: AbortSignal): Promise<string> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { signal });
  const uri = /^\S+\/debian\/$/m.exec(targets.stdout)?.[0];
  if (!uri) throw new Error('apt-get names no Debian archive: this is not Debian');
  return uri;
}

async function launch(dataDir: string, wantedPort: number, more: readonly string[]): Promise<RunningServer> {
  const port = wantedPort || (await findFreePort());
  const folder = join(dataDir, 'data');
  const loader = join(libraries, 'ld-linux-x86-64.so.2');
  const command = ['--library-path', `${libraries}:${join(root, 'usr/lib/mysql/private')}`, program, '--no-defaults'];
  const options = [
    `--basedir=${join(root, 'usr')}`,
    `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
    `--character-sets-dir=${join(root, 'usr/share/mysql/charsets')}`,
    `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
    `--datadir=${folder}`,
    `--tmpdir=${join(dataDir, 'tmp')}`,
    `--log-error=${join(dataDir, 'error.log')}`,
    '--secure-file-priv=NULL',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
  if (!existsSync(folder)) {
    await mkdir(join(dataDir, 'tmp'), { recursive: true });
    await run(loader, [...command, ...options, '--initialize-insecure'], { cwd: dataDir });
  }
  const server = startTiedProcess(
    loader,
    [
      ...command,
      ...options,
      `--pid-file=${join(dataDir, 'mysqld.pid')}`,
      `--socket=${join(tmpdir(), `mcsync-mysql97-${process.pid}-${port}.sock`)}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--mysqlx=0',
      '--server-id=3',
      '--log-bin=binlog',
      '--character-set-server=utf8mb4',
      '--max-allowed-packet=64M',
      '--innodb-redo-log-capacity=128M',
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
