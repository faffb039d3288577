/**
 * DuckDB: one file of a data folder, or memory. Statements run one after the other on one connection, each in a transaction;
 * downloads read on connections of their own. What SQL wrote and what was loaded is durable when its transaction is.
 */
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { macros } from '../sql/macros.js';

/** Enough for sorts of some million rows; beyond it DuckDB spills to the data folder. */
const memoryMax = '1GB';

export class Database {
  private readonly instance: DuckDBInstance;
  private readonly connection: DuckDBConnection;
  private last: Promise<unknown> = Promise.resolve();
  /** Work that came after the end would meet a connection that is gone: DuckDB does not survive that. */
  private isClosing = false;
  private readonly readers = new Map<DuckDBConnection, () => void>();
  private readonly reading = new Set<Promise<void>>();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.instance = instance;
    this.connection = connection;
  }

  static async open(folder: string, inMemory: boolean): Promise<Database> {
    const instance = await DuckDBInstance.create(inMemory ? ':memory:' : join(folder, 'tables.duckdb'));
    const connection = await instance.connect();
    for (const statement of [
      `SET temp_directory = '${join(folder, 'spill').replaceAll("'", "''")}'`,
      `SET memory_limit = '${memoryMax}'`,
      "SET TimeZone = 'UTC'",
      'SET autoinstall_known_extensions = false',
      'SET autoload_known_extensions = false',
      "ATTACH ':memory:' AS results",
      ...macros,
      // Last: no statement that a user sends can reach files, or undo this.
      'SET enable_external_access = false',
      'SET lock_configuration = true',
    ]) {
      await connection.run(statement);
    }
    await connection.run('CREATE TABLE IF NOT EXISTS mcsync_loaded (upload_id VARCHAR)');
    return new Database(instance, connection);
  }

  /** Runs `work` when all work before it is done. */
  exclusive<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.isClosing) return Promise.reject(new Error('the database is closed'));
    const done = this.last.then(() => work(this.connection));
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Another connection, for reading beside the statements; to be given back. */
  async connect(): Promise<DuckDBConnection> {
    if (this.isClosing) throw new Error('the database is closed');
    const connecting = this.instance.connect();
    const returned = new Promise<void>((resolve) => {
      connecting.then(
        (connection) => this.readers.set(connection, resolve),
        () => resolve(),
      );
    });
    this.reading.add(returned);
    void returned.then(() => this.reading.delete(returned));
    return await connecting;
  }

  disconnect(connection: DuckDBConnection): void {
    connection.closeSync();
    this.readers.get(connection)?.();
    this.readers.delete(connection);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.last;
    await Promise.all(this.reading);
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

/** All or nothing. */
export async function transaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await work();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    // A failed COMMIT has ended the transaction already.
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
