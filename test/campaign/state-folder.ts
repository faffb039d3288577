/** What the campaign sees of a task's state folder: when something is saved, and where the task stands. */
import { type FSWatcher, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';

interface PlannedTable {
  readonly plan: { readonly source: { readonly table: string } };
  readonly generation: number;
  readonly from: unknown;
}

export interface PlanView {
  readonly stage: string;
  readonly resnapshotNonce: number | null;
  readonly tables: readonly PlannedTable[];
}

export interface CheckpointView {
  readonly recordId: number;
  readonly tables: Readonly<Record<string, { readonly state: string; readonly generation: number }>>;
}

export class StateFolder {
  readonly path: string;
  readonly #task: string;
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<(document: string) => void>();

  constructor(path: string, task: string) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.path = path;
    this.#task = task;
    this.#watcher = watch(path, (_, file) => {
      const document = file === null ? null : new RegExp(`^${task}-([a-z]+)(-\\d+)?\\.\\d+$`).exec(file)?.[1];
      if (document) for (const listener of this.#listeners) listener(document);
    });
  }

  /** Called with `checkpoint`, `plan`, `shard` and the like whenever a version of it appears or is swept. */
  listen(listener: (document: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  plan(): PlanView | null {
    return this.#newest('plan') as PlanView | null;
  }

  checkpoint(): CheckpointView | null {
    return this.#newest('checkpoint') as CheckpointView | null;
  }

  requestedNonce(): number | null {
    const config = this.#newest('config') as { resnapshot?: { nonce: number } | null } | null;
    return config?.resnapshot?.nonce ?? null;
  }

  /** Process id in the note of whoever has the folder; of a killed one until the next has it. */
  holder(): number | null {
    try {
      return (JSON.parse(readFileSync(join(this.path, 'holder.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      return null; // not there, or just being written
    }
  }

  close(): void {
    this.#watcher.close();
  }

  #newest(document: string): unknown {
    const prefix = `${this.#task}-${document}.`;
    // A version may be swept between the listing and the reading, when two more have come.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const versions = readdirSync(this.path)
        .filter((file) => file.startsWith(prefix) && /^\d+$/.test(file.slice(prefix.length)))
        .map((file) => Number(file.slice(prefix.length)));
      if (versions.length === 0) return null;
      try {
        return JSON.parse(readFileSync(join(this.path, `${prefix}${Math.max(...versions)}`), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    throw new Error(`the newest ${document} was never there long enough to be read`);
  }
}
