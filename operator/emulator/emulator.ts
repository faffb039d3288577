/**
 * A local MaxCompute. In: a port, a data folder, a project and an access key. Out: an endpoint that PyODPS, the Java SDK and
 * JDBC use as they are. Uploads are wire bytes and a journal until a query needs them as rows; SQL runs in DuckDB.
 * It must never answer a commit before it is durable, nor a query with something that MaxCompute would not say.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { Project } from './context.js';
import { createFaultControl, type FaultControl } from './faults/control.js';
import type { Fault } from './faults/fault.js';
import { FaultBook } from './faults/fault-book.js';
import { Interposer } from './faults/interposer.js';
import { createHttpServer } from './http.js';
import { type Life, openLife } from './life.js';
import type { Quotas } from './quotas.js';
import { SkewedClock } from './skewed-clock.js';
import { partitionText } from './store/catalog.js';
import { Disk } from './store/disk.js';

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
  /** Milliseconds that its wall clock is ahead; below zero it is behind. Default 0. */
  readonly clockSkewMs?: number;
  /** There from the start; more by `faults.add`. */
  readonly faults?: readonly Fault[];
  /** Faults, sessions and settings over HTTP, for whoever has the access key; default false. */
  readonly faultApi?: boolean;
  /** Ends the process at once. Absent: it is shared with others, and `kill` is refused. */
  readonly kill?: () => void;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT/api` */
  readonly endpoint: string;
  readonly port: number;
  readonly faults: FaultControl;
  close(): Promise<void>;
}

export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const log = options.log ?? (() => undefined);
  const clock = new SkewedClock(options.clock ?? systemClock, options.clockSkewMs ?? 0);
  const disk = new Disk();
  const host = options.host ?? '127.0.0.1';
  const isDurable = options.dataDir !== null;
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'mcsync-emulator-')));
  await mkdir(folder, { recursive: true });
  const secondCommit = { answer: options.secondCommit ?? ('conflict' as const) };
  let address = '';
  const open = (forgetSessions: boolean): Promise<Life> =>
    openLife({ ...options, folder, isDurable, disk, clock, log, secondCommit, address: () => address, forgetSessions });
  let life = await open(false);

  const book = new FaultBook();
  let restarting: Promise<void> | null = null;
  /** One at a time: whoever asks while one runs gets that one. */
  const restart = (forgetSessions: boolean): Promise<void> => {
    restarting ??= (async () => {
      life.end();
      await http.stop();
      await life.close();
      life = await open(forgetSessions);
      await listen(http.server, host, port);
    })().finally(() => {
      restarting = null;
    });
    return restarting;
  };
  const beginRestart = (forgetSessions: boolean): void => {
    restart(forgetSessions).catch((error: unknown) => log(`the restart failed: ${String(error)}`));
  };
  const kill = options.kill ?? null;
  const faults = createFaultControl({
    book,
    clock,
    disk,
    secondCommit,
    missing: { restart: !isDurable, kill: kill === null },
    life: () => life,
    restart,
  });
  const http = createHttpServer({
    key: { id: options.accessKeyId, secret: options.accessKeySecret },
    handle: (request) => life.handle(request),
    log,
    faults: new Interposer({
      book,
      clock,
      disk,
      late: () => life.late,
      ending: () => life.ending,
      partitionOfSession: (id) => partitionOfSession(life, id),
      endSession: (id, how) => faults.endSession(id, how),
      beginRestart,
      kill: kill ?? (() => undefined),
    }),
    admin: options.faultApi ? { control: faults, restart: isDurable ? beginRestart : null, kill } : null,
    date: () => (clock.skewMs === 0 ? null : new Date(clock.nowMs()).toUTCString()),
  });

  const closeLife = async (): Promise<void> => {
    await life.close();
    if (!isDurable) await rm(folder, { recursive: true, force: true });
  };
  try {
    faults.add(options.faults ?? []);
    await listen(http.server, host, options.port);
  } catch (error) {
    await closeLife();
    throw error;
  }
  const { port } = http.server.address() as AddressInfo;
  address = `${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
  return {
    endpoint: `http://${address}/api`,
    port,
    faults,
    async close() {
      await restarting?.catch(() => undefined);
      life.end();
      await http.stop();
      await closeLife();
    },
  };
}

function partitionOfSession({ store }: Life, id: string): string | null {
  const upload = store.uploads.get(id);
  const table = upload === null ? null : store.catalog.get(upload.tableId);
  return upload?.partition && table ? partitionText(table, upload.partition) : null;
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw listenError(error, host, port);
  }
}

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
