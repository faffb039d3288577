/** Sixteen writers of `shop.t (w, n)`, each counting up without gaps, and what the binary log says that they did. */
import mysql from 'mysql2/promise';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TestServer } from '../parts/test-server.js';

export const writersCount = 16;

/** Makes the server keep the text of each statement in its log, so that `readCommits` can read which row it wrote. */
export const statementsInLog = {
  mysql: '--binlog-rows-query-log-events=ON',
  mariadb: '--binlog-annotate-row-events=ON',
};

export async function startWriters(server: TestServer): Promise<{ assertRunning(): void; stop(): Promise<number> }> {
  let isOver = false;
  let written = 0;
  let failure: unknown = null;
  const connections = await Promise.all(
    Array.from({ length: writersCount }, () => mysql.createConnection(server.connectionOptions())),
  );
  const loops = connections.map(async (connection, w) => {
    for (let n = 1; !isOver; n += 1) {
      await connection.query(`INSERT INTO shop.t VALUES (${w}, ${n})`);
      written += 1;
    }
  });
  const all = Promise.all(loops).catch((error: unknown) => {
    failure = error;
  });
  return {
    assertRunning: () => {
      if (failure) throw failure;
    },
    stop: async () => {
      isOver = true;
      await all;
      for (const connection of connections) connection.destroy();
      return written;
    },
  };
}

export interface Commit {
  readonly w: number;
  readonly n: number;
  readonly file: string;
  readonly endOffset: number;
  /** Number within the server's own GTIDs; 0 where there are none. */
  readonly gtid: number;
}

/** What each transaction wrote and where it ends, as the server lists its own log. */
export async function readCommits(server: TestServer): Promise<Commit[]> {
  const commits: Commit[] = [];
  for (const { Log_name: file } of await server.query('SHOW BINARY LOGS')) {
    let row: { w: number; n: number } | null = null;
    let gtid = 0;
    for (const event of await server.query(`SHOW BINLOG EVENTS IN '${file}'`)) {
      const info = event.Info ?? '';
      gtid = Number(/GTID_NEXT= '[-0-9a-f]+:(\d+)'/.exec(info)?.[1] ?? gtid);
      const insert = /INSERT INTO shop\.t VALUES \((\d+), (\d+)\)/.exec(info);
      if (insert) row = { w: Number(insert[1]), n: Number(insert[2]) };
      if (event.Event_type === 'Xid' && row) {
        commits.push({ ...row, file: file ?? '', endOffset: Number(event.End_log_pos), gtid });
        row = null;
      }
    }
  }
  return commits;
}

export function isAtOrBelow(commit: Commit, position: BinlogPosition, method = ''): boolean {
  if (method === 'gtid-executed') return commit.gtid <= Number(/:1-(\d+)$/.exec(position.gtidSet ?? '')?.[1] ?? 0);
  return commit.file < position.file || (commit.file === position.file && commit.endOffset <= position.offset);
}
