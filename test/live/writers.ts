/** Sessions that write while mcsync works. Each has its own connection; all end at `stop`, or reject there. */
import mysql from 'mysql2/promise';
import type { TestServer } from '../parts/test-server.js';

export interface Writers {
  /** Ends each writer at the end of a transaction. */
  stop(): Promise<void>;
}

/** Statements of one transaction; the writer's number, and how many transactions it wrote before. */
export type Transaction = (writer: number, round: number) => readonly string[];

export async function startWriters(
  server: TestServer,
  count: number,
  transaction: Transaction,
  pauseMs = 5,
): Promise<Writers> {
  let isStopping = false;
  const connections = await Promise.all(
    Array.from({ length: count }, () => mysql.createConnection({ ...server.connectionOptions(), charset: 'utf8mb4' })),
  );
  const running = connections.map(async (connection, writer) => {
    for (let round = 0; !isStopping; round += 1) {
      await write(connection, transaction(writer, round));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    connection.destroy();
  });
  const ended = Promise.allSettled(running);
  return {
    async stop() {
      isStopping = true;
      await ended;
      await Promise.all(running);
    },
  };
}

async function write(connection: mysql.Connection, statements: readonly string[]): Promise<void> {
  // 1213: the server ended a deadlock by undoing this transaction; the next one will do.
  try {
    await connection.query('START TRANSACTION');
    for (const statement of statements) await connection.query(statement);
    await connection.query('COMMIT');
  } catch (error) {
    if (![1205, 1213].includes((error as { errno?: number }).errno ?? 0)) throw error;
    await connection.query('ROLLBACK');
  }
}
