/** A database server of a test: started on a free port in a folder of its own, gone with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';

export interface TestServer {
  readonly flavor: 'mysql' | 'mariadb';
  readonly version: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Runs one statement as root, over one connection kept open. Rows are objects of strings: dates and big numbers as the server writes them. */
  query(sql: string): Promise<Record<string, string | null>[]>;
  /** For mysql2's own `createConnection`; root unless another account is named. */
  connectionOptions(account?: { readonly user: string; readonly password: string }): ConnectionOptions;
  /** Stops the server and removes its folder. */
  stop(): Promise<void>;
  /** As a crash would end it; `restart` brings it back with its data. */
  kill(): void;
  restart(): Promise<void>;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface ServerOptions {
  /** More options of the server, `--gtid-mode=ON`. */
  readonly serverOptions?: readonly string[];
}

export interface RunningServer {
  readonly port: number;
  stop(): Promise<void>;
  kill(): void;
}

/** Makes the folder, starts a server in it by `launch`, and keeps the port over restarts. */
export async function startTestServer(
  flavor: TestServer['flavor'],
  launch: (dataDir: string, port: number) => Promise<RunningServer>,
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), `mcsync-test-${flavor}-`));
  let server = await launch(dataDir, 0).catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });
  const port = server.port;
  const connectionOptions: TestServer['connectionOptions'] = (account = { user: 'root', password: '' }) => ({
    host: '127.0.0.1',
    port,
    ...account,
  });
  const connect = (): Promise<mysql.Connection> =>
    mysql.createConnection({
      ...connectionOptions(),
      multipleStatements: true,
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      charset: 'utf8mb4_general_ci',
      typeCast: (field) => field.string(),
    });
  let root = await connect();
  const query: TestServer['query'] = async (sql) => {
    const [rows] = await root.query(sql);
    return Array.isArray(rows) ? (rows as Record<string, string | null>[]) : [];
  };
  const [{ version = '' } = {}] = (await query('SELECT VERSION() AS version')) as { version?: string }[];
  return {
    flavor,
    version,
    host: '127.0.0.1',
    port,
    query,
    connectionOptions,
    stop: async () => {
      root.destroy();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
    kill: () => {
      root.destroy();
      server.kill();
    },
    restart: async () => {
      root.destroy();
      await server.stop();
      server = await launch(dataDir, port);
      root = await connect();
    },
  };
}
