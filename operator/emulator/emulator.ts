/**
 * A local MaxCompute. In: a port, a data folder, a project and an access key. Out: an endpoint that PyODPS, the Java SDK and
 * JDBC use as they are. Uploads are wire bytes and a journal until a query needs them as rows; SQL runs in DuckDB.
 * It must never answer a commit before it is durable, nor a query with something that MaxCompute would not say.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { Context, Project } from './context.js';
import { createHttpServer, type Fault, type Request } from './http.js';
import { Instances } from './instances.js';
import { QuotaCounter, type Quotas, serviceQuotas } from './quotas.js';
import { route } from './routes.js';
import { Engine } from './sql/engine.js';
import { Catalog } from './store/catalog.js';
import { Database } from './store/database.js';
import { Journal } from './store/journal.js';
import { Loader } from './store/loader.js';
import { Segments } from './store/segments.js';
import { neededEntries, neededExtents, Uploads } from './store/uploads.js';
import { Downloads } from './tunnel-download.js';

export interface EmulatorOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Default 127.0.0.1: nobody else reaches it. */
  readonly host?: string;
  /** Null: nothing is kept. */
  readonly dataDir: string | null;
  readonly project: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly log?: (line: string) => void;
  /** The configured project has schemas; default false. */
  readonly isThreeLevel?: boolean;
  /** More projects beside the configured one. */
  readonly projects?: readonly Project[];
  /** Default: the service's own; null for none. */
  readonly quotas?: Quotas | null;
  /** What a second commit of a session is answered; default `conflict`. */
  readonly secondCommit?: 'conflict' | 'success';
  readonly clock?: Clock;
  /** For tests: asked once per authenticated request. */
  readonly fault?: (request: Request) => Fault | null;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT/api` */
  readonly endpoint: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const log = options.log ?? (() => undefined);
  const clock = options.clock ?? systemClock;
  const host = options.host ?? '127.0.0.1';
  const isDurable = options.dataDir !== null;
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'mcsync-emulator-')));
  await mkdir(folder, { recursive: true });
  const removeFolder = async (): Promise<void> => {
    if (!isDurable) await rm(folder, { recursive: true, force: true });
  };
  const store = await openStore(folder, isDurable, clock);
  let address = '';
  const engine = new Engine({ ...store, clock });
  const context: Context = {
    ...store,
    engine,
    instances: new Instances(engine, clock, log),
    quotas: new QuotaCounter(options.quotas === undefined ? serviceQuotas : options.quotas, clock),
    projects: new Map(
      [{ name: options.project, isThreeLevel: options.isThreeLevel ?? false }, ...(options.projects ?? [])].map(byName),
    ),
    owner: 'ALIYUN$local',
    startedMs: clock.nowMs(),
    address: () => address,
    clock,
    secondCommit: options.secondCommit ?? 'conflict',
  };
  const downloads = new Downloads(context);
  const server = createHttpServer({
    key: { id: options.accessKeyId, secret: options.accessKeySecret },
    handle: (request) => route(context, downloads, request),
    log,
    fault: options.fault ?? null,
  });
  const closeStore = async (): Promise<void> => {
    await store.journal.close();
    await store.segments.close();
    await store.database.close();
    await removeFolder();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, host, resolve);
    });
  } catch (error) {
    await closeStore();
    throw listenError(error, host, options.port);
  }
  const { port } = server.address() as AddressInfo;
  address = `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
  return {
    endpoint: `http://${address}/api`,
    port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await closeStore();
    },
  };
}

async function openStore(folder: string, isDurable: boolean, clock: Clock) {
  const database = await openDatabase(folder, !isDurable);
  const catalog = await database.exclusive((connection) => Catalog.open(connection));
  const loaded = await database.exclusive(async (connection) => {
    const answer = await connection.runAndReadAll('SELECT upload_id FROM mcsync_loaded');
    return new Set(answer.getRows().map(([id]) => id as string));
  });
  const { journal, entries } = await Journal.open(folder, isDurable, (all) =>
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
  const segments = await Segments.open(folder, isDurable, neededExtents(entries, loaded));
  const uploads = new Uploads(journal, segments, clock);
  uploads.restore(entries, loaded);
  return { database, catalog, journal, segments, uploads, loader: new Loader(uploads, segments) };
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

const byName = (project: Project): [string, Project] => {
  const name = project.name.toLowerCase();
  return [name, { ...project, name }];
};

function listenError(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error;
  return new SyncError('PORT_IN_USE', {
    seen: `${host}:${port} cannot be listened on (${code})`,
    wanted: 'a free port',
    fix: 'End what listens there, or choose another port with --port.',
    cause: error,
  });
}
