/** The simulated store of documents: compare-and-swap by version, as one worker reaches it. */
import type { Envelope } from '../../operator/model/documents.js';
import type { CheckpointStore, StoredDocument } from '../../operator/model/ports.js';
import { NoAnswer } from './network.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

const requestMsMax = 10_000;
/** Documents of others, whose older states a worker must live with. Of its own, and where it starts, it needs the newest. */
const mayBeStale: Readonly<Record<string, readonly string[]>> = {
  stream: ['-shard-0'],
  snapshot: ['-checkpoint'],
  prepare: [],
};

export interface SimDocument extends Envelope {
  readonly [field: string]: unknown;
}

export class StoreServer {
  readonly #versions = new Map<string, StoredDocument[]>();
  readonly #parsed = new Map<string, { readonly version: string; readonly value: unknown }>();
  /** Sessions that an intent has named. */
  readonly named = new Set<string>();

  load(name: string, versionsBack = 0): StoredDocument | null {
    const versions = this.#versions.get(name) ?? [];
    return versions.at(-1 - Math.min(versionsBack, Math.max(0, versions.length - 1))) ?? null;
  }

  /** Null when another version stands. */
  save(name: string, body: string, expected: string | null): string | null {
    const versions = this.#versions.get(name) ?? [];
    if ((versions.at(-1)?.version ?? null) !== expected) return null;
    const version = String(Number(expected ?? 0) + 1);
    this.#versions.set(name, [...versions, { body, version }].slice(-4));
    return version;
  }

  /** For those who watch. */
  read<T>(name: string): T | null {
    const stored = this.load(name);
    const known = this.#parsed.get(name);
    if (stored === null || known?.version === stored.version) return (known?.value ?? null) as T | null;
    const value: unknown = JSON.parse(stored.body);
    this.#parsed.set(name, { version: stored.version, value });
    return value as T;
  }
}

export function storeOf(world: World, process: SimProcess): CheckpointStore {
  const { store, faults, monitor } = world;
  const send = async <T>(what: string, isPoll: boolean, land: () => T): Promise<T> => {
    try {
      return await world.network.send(process, { what, timeoutMs: requestMsMax, land, isHttp: false, isPoll });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const facts = { seen: error.message, wanted: 'an answer', fix: 'wait' };
      throw new world.pipeline.SyncError('STORE_UNAVAILABLE', facts);
    }
  };
  return {
    load: (name) =>
      send(`load ${name}`, true, () => {
        const isOther = mayBeStale[process.role]?.some((suffix) => name.endsWith(suffix)) ?? false;
        const isStale = isOther && faults.happens('staleRead', process.name);
        return store.load(name, isStale ? 1 + faults.random.below(2) : 0);
      }),
    save: async (name, body, expected) => {
      const document = JSON.parse(body) as SimDocument;
      const answer = await send(world.trace.isOn ? `save ${name} ${renderSave(document)}` : 'save', false, () => {
        if (faults.happens('refusedSave', process.name)) return { saved: false as const };
        const version = store.save(name, body, expected);
        if (version === null) {
          world.trace.add('store', `${name} of ${process.name} is refused`);
          return { saved: false as const };
        }
        monitor.saved(name, document);
        return { saved: true as const, version };
      });
      if (answer.saved) await afterIntent(world, process, document);
      return answer;
    },
  };
}

/** The directed fault of sessions that are known again: its writer has saved the intent, and has not confirmed it yet. */
async function afterIntent(world: World, process: SimProcess, document: SimDocument): Promise<void> {
  const { faults, maxCompute, store } = world;
  const uploadIds = intentSessions(document);
  // Only where the intent is new: once it has been confirmed, a commit may be on its way, and what comes back is committed.
  const isNew = uploadIds.length > 0 && !uploadIds.some((uploadId) => store.named.has(uploadId));
  for (const uploadId of uploadIds) store.named.add(uploadId);
  if (!isNew || !faults.happens('knownAgain', process.name, 5)) return;
  for (const uploadId of uploadIds) maxCompute.forgetForAWhile(uploadId, faults.random.between(25, 40) * 60_000);
  process.pause(faults.random.between(60, 90) * 60_000);
  world.host.paused(process, true);
  await process.clock(0).sleep(1);
}

function intentSessions(document: SimDocument): string[] {
  const { intent, tables } = document as {
    intent?: { sessions: readonly { uploadId: string }[] } | null;
    tables?: Readonly<Record<string, { commitIntent?: { uploadId: string } | null; committed?: boolean }>>;
  };
  const ofLogs = intent?.sessions.map((session) => session.uploadId) ?? [];
  const open = Object.values(tables ?? {}).filter((table) => table.committed === false && table.commitIntent);
  return [...ofLogs, ...open.map((table) => table.commitIntent?.uploadId as string)];
}

function renderSave(document: SimDocument): string {
  const { epoch, seq } = document.writer;
  const { intent, position, recordId } = document as {
    intent?: { sessions: readonly { uploadId: string; lo: number; hi: number }[] } | null;
    position?: { file: string; offset: number };
    recordId?: number;
  };
  const place = position ? ` at ${Number(position.file.slice(-6))}:${position.offset}, record_id ${recordId}` : '';
  const sessions = intent?.sessions.map(({ uploadId, lo, hi }) => `${uploadId} ${lo}..${hi}`).join(', ');
  return `(${epoch}/${seq}${place}${sessions === undefined ? '' : `, intent: ${sessions}`})`;
}
