import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import type { Part } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import type { TestServer } from '../parts/test-server.js';

export interface LiveServer {
  readonly title: string;
  readonly parts: readonly Part[];
  readonly start: () => Promise<TestServer>;
}

/** The servers that every end-to-end suite runs on. */
export const liveServers: readonly LiveServer[] = [
  { title: 'MySQL 5.6', parts: [mysql56, pyodps], start: () => startMySql56() },
  { title: 'MariaDB', parts: [mariadb, pyodps], start: () => startMariaDb() },
];

/** All of them with MCSYNC_LIVE=1; else the named one, since `npm test` ends within six minutes. */
export function liveServersOr(title: 'MySQL 5.6' | 'MariaDB'): readonly LiveServer[] {
  return process.env.MCSYNC_LIVE === '1' ? liveServers : liveServers.filter((server) => server.title === title);
}
