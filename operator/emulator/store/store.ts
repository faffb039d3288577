/**
 * All that is kept, opened from a folder. In: the folder as the last start left it, however that ended. Out: tables, sessions
 * and what is still to be loaded, such that nothing that was answered is lost or doubled.
 */
import type { Clock } from '../../base/clock.js';
import { SyncError } from '../../base/errors.js';
import { Catalog } from './catalog.js';
import { Database } from './database.js';
import type { Disk } from './disk.js';
import { Journal } from './journal.js';
import { Loader } from './loader.js';
import { Segments } from './segments.js';
import { neededEntries, neededExtents, Uploads } from './uploads.js';

export interface StoreOptions {
  readonly folder: string;
  /** False for throw-away data: tables in memory, no syncs. */
  readonly isDurable: boolean;
  readonly disk: Disk;
  readonly clock: Clock;
}

export interface Store {
  readonly database: Database;
  readonly catalog: Catalog;
  readonly segments: Segments;
  readonly uploads: Uploads;
  readonly loader: Loader;
  readonly disk: Disk;
  /** Nobody may be at work with it any more. */
  close(): Promise<void>;
}

export async function openStore({ folder, isDurable, disk, clock }: StoreOptions): Promise<Store> {
  const database = await openDatabase(folder, !isDurable);
  const catalog = await database.exclusive((connection) => Catalog.open(connection));
  const loaded = await database.exclusive(async (connection) => {
    const answer = await connection.runAndReadAll('SELECT upload_id FROM mcsync_loaded');
    return new Set(answer.getRows().map(([id]) => id as string));
  });
  const { journal, entries } = await Journal.open(folder, isDurable, disk, (all) =>
    neededEntries(all, loaded, (id) => catalog.get(id) !== null, clock.nowMs()),
  );
  // Notes about sessions that the journal has forgotten are never asked for again.
  const known = new Set(entries.map((entry) => entry.id));
  const stale = [...loaded].filter((id) => !known.has(id)).map((id) => `'${id}'`);
  if (stale.length > 0) {
    await database.exclusive((connection) =>
      connection.run(`DELETE FROM mcsync_loaded WHERE upload_id IN (${stale.join(', ')})`),
    );
  }
  const segments = await Segments.open(folder, isDurable, disk, neededExtents(entries, loaded));
  const uploads = new Uploads(journal, segments, clock);
  uploads.restore(entries, loaded);
  return {
    database,
    catalog,
    segments,
    uploads,
    loader: new Loader(uploads, segments, disk),
    disk,
    async close() {
      await journal.close();
      await segments.close();
      await database.close();
    },
  };
}

async function openDatabase(folder: string, inMemory: boolean): Promise<Database> {
  try {
    return await Database.open(folder, inMemory);
  } catch (cause) {
    const seen = cause instanceof Error ? (cause.message.split('\n')[0] as string) : String(cause);
    const isTaken = /lock/i.test(seen);
    throw new SyncError(isTaken ? 'STORE_UNAVAILABLE' : 'STORE_CORRUPT', {
      seen,
      wanted: `the data folder ${folder} for this emulator alone`,
      fix: isTaken ? 'End the other emulator, or name another folder with --data.' : 'Name another folder with --data.',
      cause,
    });
  }
}
