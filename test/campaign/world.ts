/**
 * What a campaign runs in: a database server that syncs what it commits, an emulator with a folder, a wire in front of
 * each, and a task that goes through the wires.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findFreePort } from '../../operator/cli/quickstart/embedded-mysql.js';
import type { TiedProcess } from '../../operator/cli/quickstart/tied-process.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import type { TestServer } from '../parts/test-server.js';
import { lastLines, startProgram } from './program.js';
import { StateFolder } from './state-folder.js';
import { database } from './tables.js';
import { Wire } from './wire.js';

export const serverNames = ['mysql56', 'mariadb'] as const;
export type ServerName = (typeof serverNames)[number];

export const serverParts = { mysql56, mariadb } as const;

export const taskName = 'campaign';
export const accessKey = { id: 'campaign', secret: 'campaign-secret' };
export const project = 'campaign';

/** A killed server has what it answered: by its own words, not by the mercy of the page cache. */
const durable = ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1', '--max-connections=500'];
const emulatorStartMsMax = 120_000;

export interface World {
  readonly server: TestServer;
  readonly emulator: Emulator;
  readonly source: Wire;
  readonly target: Wire;
  readonly folder: string;
  readonly state: StateFolder;
  readonly taskFile: string;
  /** `keep`: the folders stay, and say what happened. Returns where. */
  close(options: { readonly keep: boolean }): Promise<string[]>;
}

export async function openWorld(name: ServerName, chunkRows: number): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'mcsync-campaign-'));
  const start = name === 'mysql56' ? startMySql56 : startMariaDb;
  const server = await start({ serverOptions: durable });
  const emulator = new Emulator(folder, await findFreePort());
  await emulator.start().catch(async (error: unknown) => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const source = await Wire.open(server.port);
  const target = await Wire.open(emulator.port);
  const taskFile = join(folder, 'task.yaml');
  writeFileSync(taskFile, taskText(source.port, target.port, chunkRows));
  const state = new StateFolder(join(folder, 'state'), taskName);
  return {
    ...{ server, emulator, source, target, folder, state, taskFile },
    async close({ keep }) {
      state.close();
      await Promise.all([source.close(), target.close(), emulator.stop()]);
      if (keep) {
        const [row] = await server.query('SELECT @@datadir AS folder').catch(() => []);
        server.kill();
        return [folder, ...(row?.folder ? [row.folder] : [])];
      }
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
      return [];
    },
  };
}

export class Emulator {
  readonly port: number;
  readonly endpoint: string;
  readonly #folder: string;
  readonly #log: string;
  #process: TiedProcess | null = null;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.endpoint = `http://127.0.0.1:${port}/api`;
    this.#log = join(folder, 'emulator.log');
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const place = ['--port', String(this.port), '--data', join(this.#folder, 'maxcompute'), '--project', project];
    const args = ['emulator', ...place, '--faults', '--access-key', `${accessKey.id}:${accessKey.secret}`];
    const started = startProgram(args, this.#log, this.#folder);
    this.#process = started;
    let end: string | null = null;
    void started.ended.then((how) => {
      end = how;
    });
    const deadlineMs = performance.now() + emulatorStartMsMax;
    while (end === null && performance.now() < deadlineMs) {
      const isUp = await fetch(this.endpoint).then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    started.kill();
    throw new Error(`the emulator ${end ?? 'did not answer in time'}: ${lastLines(this.#log)}`);
  }

  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.ended;
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}

function taskText(sourcePort: number, targetPort: number, chunkRows: number): string {
  const secret = (name: string, stringData: Record<string, string>): unknown => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData,
  });
  const tunnelEndpoint = `http://127.0.0.1:${targetPort}`;
  const task = {
    apiVersion: 'mcsync.dev/v1alpha1',
    kind: 'SyncTask',
    metadata: { name: taskName },
    spec: {
      source: {
        host: '127.0.0.1',
        port: sourcePort,
        credentials: { secretRef: { name: 'source' } },
        tls: { mode: 'Disabled' },
      },
      target: {
        endpoint: `${tunnelEndpoint}/api`,
        tunnelEndpoint,
        project,
        credentials: { secretRef: { name: 'target' } },
      },
      objects: [{ database }],
      // Minutes: transactions and flushes that touch two partitions of a table are common.
      changeLog: { partitionKeys: ['year', 'month', 'day', 'hour', 'minute'], lifecycleDays: 90 },
      snapshot: { parallelism: 2, chunkRows },
      streaming: { flushInterval: '1s', flushBytes: '1Mi' },
    },
  };
  return [
    task,
    secret('source', { username: 'root', password: '' }),
    secret('target', { accessKeyId: accessKey.id, accessKeySecret: accessKey.secret }),
  ]
    .map((document) => stringify(document))
    .join('---\n');
}
