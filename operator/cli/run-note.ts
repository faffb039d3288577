/**
 * A note in the state folder of how the run goes, for `mcsync status` in another terminal: what only the control plane
 * knows (which workers fail, and why). A hint, never a base of decisions; all else is in the documents.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { writeWholeFile } from '../local/whole-file.js';
import type { ObservedWorker, WorkerFailure, WorkerRole } from '../model/ports.js';
import type { LoopResult } from '../reconcile/loop.js';
import type { TaskStatus } from '../reconcile/status.js';
import type { Phase } from '../reconcile/view.js';

export interface RunNote {
  readonly phase: Phase;
  readonly message: string;
  readonly failure: WorkerFailure | null;
  readonly restarts: number;
  /** Roles of the workers that run. */
  readonly workers: readonly WorkerRole[];
  /** Null while it runs. */
  readonly exitCode: number | null;
}

export interface RunNoteWriter {
  update(status: TaskStatus, workers: readonly ObservedWorker[]): void;
  end(result: LoopResult): Promise<void>;
}

/** The note is for eyes: they read no faster. */
const saveIntervalMs = 1_000;

export function saveRunNote(stateDir: string, clock: Pick<Clock, 'monotonicMs'>): RunNoteWriter {
  let savedMs = Number.NEGATIVE_INFINITY;
  let saved = '';
  let saving: Promise<void> = Promise.resolve();
  const save = (note: RunNote): void => {
    const text = `${JSON.stringify(note)}\n`;
    if (text === saved) return;
    saved = text;
    savedMs = clock.monotonicMs();
    // Without the note a status is less telling; a folder that takes no more bytes is told by the checkpoint's save.
    saving = saving.then(() => writeWholeFile(notePath(stateDir), text)).catch(() => undefined);
  };
  return {
    update({ phase, message, failure, restarts }, observed) {
      if (clock.monotonicMs() - savedMs < saveIntervalMs) return;
      const workers = observed.filter((worker) => worker.state === 'running').map((worker) => worker.role);
      save({ phase, message, failure, restarts, workers, exitCode: null });
    },
    async end({ exitCode, failure, status }) {
      save({ phase: status.phase, message: status.message, failure, restarts: status.restarts, workers: [], exitCode });
      await saving;
    },
  };
}

export async function loadRunNote(stateDir: string): Promise<RunNote | null> {
  try {
    return JSON.parse(await readFile(notePath(stateDir), 'utf8')) as RunNote;
  } catch {
    return null; // no note, or half a note: the documents tell enough
  }
}

function notePath(stateDir: string): string {
  return join(stateDir, 'run.json');
}
