// Ratios, measured in one run on one machine: `npm run bench -- [narrow rows]`. It asserts nothing; figures of different
// runs or machines cannot be compared. Medians of three rounds, taken in turn so that a noisy moment meets everyone; where
// others use the machine meanwhile, the ratio per CPU second is the one to look at.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '../typescript.mjs';
import { measureWholeProcess } from './whole-process.mjs';

const narrowRows = Number(process.argv[2] ?? 1_000_000);
const wideRows = Math.ceil(narrowRows / 4);
const rounds = 3;
const peerMsMax = 300_000;
const { mariadb, startMariaDb } = await import('../parts/mariadb.ts');
const { mysql56, startMySql56 } = await import('../parts/mysql56.ts');

const workloads = [
  { name: 'narrow', rows: narrowRows, table: { database: 'bench', table: 'narrow' } },
  { name: 'wide', rows: wideRows, table: { database: 'bench', table: 'wide' } },
];
const schemas = [
  'CREATE DATABASE bench',
  'CREATE TABLE bench.narrow (id BIGINT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, c VARCHAR(32) NOT NULL, d DATETIME NOT NULL)',
  `CREATE TABLE bench.wide (id BIGINT PRIMARY KEY, i1 INT, i2 INT UNSIGNED, i3 SMALLINT, i4 TINYINT, b1 BIGINT, d1 DECIMAL(20,4),
    d2 DECIMAL(10,2), f1 DOUBLE, f2 FLOAT, s1 VARCHAR(64), s2 VARCHAR(255), s3 CHAR(20), t1 TEXT, e1 ENUM('red','green','blue'),
    x1 DATE, x2 DATETIME(6), x3 TIMESTAMP NULL, x4 TIME, y1 YEAR, v1 VARBINARY(32))`,
];
const fills = {
  narrow: "n, n % 1000, CRC32(n) & 2147483647, CONCAT('value ', n), '2025-01-01' + INTERVAL n SECOND",
  wide: `n, -n, n, n % 30000, n % 100, CRC32(n) * 1000003, n / 7, n % 99999 / 3, n / 11, n / 13, MD5(n), CONCAT(MD5(n), SHA1(n)), LEFT(MD5(n), 20),
    REPEAT(MD5(n), 3), 1 + n % 3, '2000-01-01' + INTERVAL n % 9000 DAY, '2025-01-01' + INTERVAL n * 1000003 MICROSECOND,
    '2025-01-01' + INTERVAL n SECOND, SEC_TO_TIME(n % 80000), 1970 + n % 100, UNHEX(MD5(n))`,
};

const folder = mkdtempSync(join(tmpdir(), 'mcsync-bench-'));
const server = mariadb.missing() === null ? await startMariaDb() : await startMySql56();
if (mariadb.missing() !== null && mysql56.missing() !== null)
  throw new Error(`${mariadb.missing()}; ${mysql56.missing()}`);
const report = {
  server: server.version,
  node: process.version,
  cpus: cpus().length,
  at: new Date().toISOString(),
  results: {},
};
try {
  for (const schema of schemas) await server.query(schema);
  for (const workload of workloads) {
    say(`loading ${workload.rows} ${workload.name} rows`);
    Object.assign(workload, await load(workload));
  }
  for (const workload of workloads) {
    await compare(`binary log, ${workload.name}`, workload.rows, {
      'mcsync, decode and encode': () => measure({ ...workload, reader: 'stream' }),
      'zongji, decode': () => measure({ ...workload, reader: 'zongji' }),
      'mariadb-binlog -v, decode': () => mariadbBinlog(workload),
    });
    await compare(`snapshot, ${workload.name}`, workload.rows, {
      'mcsync, one connection': () => measure({ ...workload, reader: 'snapshot' }),
      'mydumper -t 1': () => mydumper(workload),
    });
  }
  for (const workload of workloads) {
    const whole = await measureWholeProcess(server.port, workload, join(folder, workload.name));
    report.results[`whole process, ${workload.name}`] = whole;
    say(`\nwhole process, ${workload.name}: binary log -> committed in the emulator`);
    say(`  ${rate(whole.rowsPerSecond)}, peak RSS of the stream worker ${whole.rssMiB.toFixed(0)} MiB`);
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
writeFileSync('report-bench.json', `${JSON.stringify(report, null, 2)}\n`);
say('\nwritten to report-bench.json');

/** Each workload in a binary log of its own, in transactions of 10,000 rows. */
async function load({ name, rows }) {
  await server.query('FLUSH BINARY LOGS');
  const from = await position();
  const digits =
    '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';
  for (let first = 1; first <= rows; first += 10_000) {
    const numbers = `(SELECT ${first} + a.d + b.d * 10 + c.d * 100 + e.d * 1000 AS n FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e) numbers`;
    await server.query(`INSERT INTO bench.${name} SELECT ${fills[name]} FROM ${numbers} WHERE n <= ${rows} ORDER BY n`);
  }
  const end = await position();
  return { from, end, port: server.port };
}

async function position() {
  const [row] = await server.query('SHOW MASTER STATUS');
  return { file: row.File, offset: Number(row.Position) };
}

async function compare(title, rows, contestants) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  const cpu = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contestants)) {
      const result = await run();
      if (result === null) continue;
      if (result.rows !== undefined && result.rows !== rows)
        throw new Error(`${name} read ${result.rows} of ${rows} rows`);
      times[name].push(result.ms);
      cpu[name].push(result.cpuMs);
    }
  }
  say(`\n${title} (${rows} rows)`);
  const [ours] = Object.keys(contestants);
  const oursMs = median(times[ours]);
  report.results[title] = {};
  for (const [name, taken] of Object.entries(times)) {
    if (taken.length === 0) {
      say(`  ${name.padEnd(28)} not here`);
      continue;
    }
    const [ms, cpuMs] = [median(taken), median(cpu[name])];
    const [byTime, byCpu] = [ms / oursMs, cpuMs / median(cpu[ours])];
    report.results[title][name] = {
      ms,
      cpuMs,
      rowsPerSecond: (rows / ms) * 1000,
      timesOfOurs: byTime,
      cpuOfOurs: byCpu,
    };
    const relation =
      name === ours ? '' : `   mcsync: ${byTime.toFixed(2)}x the speed, ${byCpu.toFixed(2)}x per CPU second`;
    say(`  ${name.padEnd(28)} ${rate((rows / ms) * 1000).padStart(16)}${relation}`);
  }
}

function measure(job) {
  const script = fileURLToPath(new URL('measure.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${job.reader} ended with ${code}`)),
    );
  });
}

function mariadbBinlog({ from }) {
  const args = [
    '--read-from-remote-server',
    '--host=127.0.0.1',
    `--port=${server.port}`,
    '--user=root',
    '-v',
    '--base64-output=decode-rows',
    from.file,
  ];
  return timed(['mariadb-binlog', 'mysqlbinlog'], args);
}

function mydumper({ table }) {
  const target = join(folder, 'dump');
  rmSync(target, { recursive: true, force: true });
  const { database, table: name } = table;
  // Not -T: mydumper 0.10 never ends with it.
  const args = ['-h', '127.0.0.1', '-P', String(server.port), '-u', 'root', '-t', '1', '--no-schemas', '-o', target];
  return timed(['mydumper'], [...args, '-B', database, '--regex', `^${database}\\.${name}$`]);
}

/** The first of these programs that is here; null when none is. The shell counts its CPU seconds. */
function timed(programs, args) {
  for (const program of programs) {
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error) continue;
    const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
    const startedMs = performance.now();
    const { error, status, stderr } = spawnSync('bash', ['-c', script, 'bash', program, ...args], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      timeout: peerMsMax,
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`${program} ended with ${status}`);
    const [user = 0, system = 0] = stderr.trim().split(' ').map(Number);
    return { ms: performance.now() - startedMs, cpuMs: (user + system) * 1000 };
  }
  return null;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function rate(rowsPerSecond) {
  return `${Math.round(rowsPerSecond).toLocaleString('en-US')} rows/s`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
