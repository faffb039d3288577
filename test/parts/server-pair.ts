/** Two servers with GTIDs, one a replica of the other, and the ways of an operator with them. */
import { mariadb, startMariaDb } from './mariadb.js';
import { mysql97, startMySql97 } from './mysql97.js';
import type { Part } from './part.js';
import type { ServerOptions, TestServer } from './test-server.js';

export interface PairKind {
  readonly title: string;
  readonly part: Part;
  readonly open: () => Promise<ServerPair>;
}

export interface ServerPair {
  /** Writes first; `b` is its replica from the beginning. */
  readonly a: TestServer;
  readonly b: TestServer;
  /** Makes `replica` follow `source` from where it stands. */
  follow(replica: TestServer, source: TestServer): Promise<void>;
  /** The replica takes no more from its source, and is free to be written to. */
  promote(replica: TestServer): Promise<void>;
  /** Until the replica has applied all that the source has logged. */
  caughtUp(replica: TestServer, source: TestServer): Promise<void>;
  /** The GTIDs that a server has logged. */
  gtids(server: TestServer): Promise<string>;
  stop(): Promise<void>;
}

export const pairKinds: readonly PairKind[] = [
  { title: 'MariaDB', part: mariadb, open: () => openPair(startMariaDb, mariadbWays, ['--log-slave-updates']) },
  {
    title: 'MySQL 9.7',
    part: mysql97,
    open: () => openPair(startMySql97, mysqlWays, ['--gtid-mode=ON', '--enforce-gtid-consistency=ON']),
  },
];

interface Ways {
  readonly follow: (sourcePort: number) => string;
  readonly promote: string;
  readonly gtids: string;
  /** True once all of `gtids` is applied. */
  readonly holds: (gtids: string) => string;
}

const mariadbWays: Ways = {
  follow: (port) =>
    `SET GLOBAL gtid_slave_pos = @@global.gtid_current_pos;
     CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'root', MASTER_PASSWORD = '',
       MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos;
     START SLAVE`,
  promote: 'STOP SLAVE; RESET SLAVE ALL',
  gtids: 'SELECT @@global.gtid_binlog_pos AS gtids',
  holds: (gtids) => `SELECT MASTER_GTID_WAIT('${gtids}', 0) = 0 AS holds`,
};

const mysqlWays: Ways = {
  follow: (port) =>
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port}, SOURCE_USER = 'root', SOURCE_PASSWORD = '',
       SOURCE_CONNECT_RETRY = 1, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1;
     START REPLICA`,
  promote: 'STOP REPLICA; RESET REPLICA ALL',
  gtids: 'SELECT @@global.gtid_executed AS gtids',
  holds: (gtids) => `SELECT GTID_SUBSET('${gtids}', @@global.gtid_executed) AS holds`,
};

const pollMs = 50;
const patienceMsMax = 15_000;

async function openPair(
  start: (options: ServerOptions) => Promise<TestServer>,
  ways: Ways,
  serverOptions: readonly string[],
): Promise<ServerPair> {
  const startOne = (id: number): Promise<TestServer> =>
    start({ serverOptions: [...serverOptions, `--server-id=${id}`, `--report-port=${id}`] });
  const a = await startOne(21);
  const b = await startOne(22).catch(async (error: unknown) => {
    await a.stop();
    throw error;
  });
  const gtids = async (server: TestServer): Promise<string> =>
    ((await server.query(ways.gtids))[0]?.gtids ?? '').replace(/\s/g, '');
  const pair: ServerPair = {
    a,
    b,
    gtids,
    follow: async (replica, source) => {
      await replica.query(ways.follow(source.port));
    },
    promote: async (replica) => {
      await replica.query(ways.promote);
    },
    caughtUp: async (replica, source) => {
      const wanted = await gtids(source);
      const untilMs = performance.now() + patienceMsMax;
      while ((await replica.query(ways.holds(wanted)))[0]?.holds !== '1') {
        if (performance.now() > untilMs)
          throw new Error(`the replica has ${await gtids(replica)}, not all of ${wanted}`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    },
    stop: async () => {
      await Promise.all([a.stop(), b.stop()]);
    },
  };
  await pair.follow(b, a);
  return pair;
}
