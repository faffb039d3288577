/** What tests and the admin API do with faults, sessions and settings of a running emulator. */
import { randomInt } from 'node:crypto';
import type { Life } from '../life.js';
import type { SkewedClock } from '../skewed-clock.js';
import { partitionText } from '../store/catalog.js';
import type { Disk } from '../store/disk.js';
import type { SessionEnd } from '../store/journal.js';
import type { UploadStatus } from '../store/uploads.js';
import type { Fault } from './fault.js';
import type { FaultBook, ListedFault } from './fault-book.js';
import { cannot, type Missing, readFaults } from './fault-reader.js';

export interface ToldSession {
  readonly id: string;
  /** Null when the table is gone. */
  readonly table: string | null;
  readonly partition: string | null;
  readonly status: UploadStatus;
  readonly blocks: readonly { readonly id: number; readonly rows: number }[];
  readonly ageMs: number;
  /** Requests of it that were put off and have not landed. */
  readonly late: number;
}

export interface FaultSettings {
  /** Added to the wall clock: forward lets sessions grow old. */
  clockSkewMs: number;
  /** Every write fails with ENOSPC. */
  diskFull: boolean;
  /** What a second commit of a closed session is answered. */
  secondCommit: 'conflict' | 'success';
}

export interface FaultControl {
  /** Returns the ids. Throws `FaultMistakes` when one of them cannot be. */
  add(faults: Fault | readonly Fault[]): string[];
  list(): ListedFault[];
  /** One, or all. False when there is none of this id. */
  remove(id?: string): boolean;
  sessions(): ToldSession[];
  /** False when there is no such session. */
  endSession(id: string, how: SessionEnd): Promise<boolean>;
  settings(): FaultSettings;
  set(settings: Partial<FaultSettings>): void;
  /** Ends all connections, opens the store again from the disk and listens again. Requests under way and late ones are lost. */
  restart(options?: { readonly forgetSessions?: boolean }): Promise<void>;
}

/** The caller's mistakes, all of them. */
export class FaultMistakes extends Error {
  override readonly name = 'FaultMistakes';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.mistakes = mistakes;
  }
}

/** More are a mistake of the script that adds them: each request is held against each fault. */
const faultsMax = 1_000;

export interface ControlParts {
  readonly book: FaultBook;
  readonly clock: SkewedClock;
  readonly disk: Disk;
  readonly missing: Missing;
  readonly secondCommit: { answer: 'conflict' | 'success' };
  readonly life: () => Life;
  readonly restart: (forgetSessions: boolean) => Promise<void>;
}

export function createFaultControl(parts: ControlParts): FaultControl {
  const { book, clock, disk, missing, secondCommit } = parts;
  let emptyDisk: (() => void) | null = null;
  return {
    add(given) {
      const { faults, mistakes } = readFaults(given, missing);
      if (mistakes.length > 0) throw new FaultMistakes(mistakes);
      if (book.list().length + faults.length > faultsMax) {
        throw new FaultMistakes([`more than ${faultsMax} faults; remove those that have hit`]);
      }
      return faults.map((fault) => book.add(fault, randomInt(2 ** 32)));
    },
    list: () => book.list(),
    remove(id) {
      if (id !== undefined) return book.remove(id);
      book.clear();
      return true;
    },
    sessions: () => toldSessions(parts),
    async endSession(id, how) {
      const { uploads } = parts.life().store;
      const upload = uploads.get(id);
      if (upload === null) return false;
      await uploads.end(upload, how);
      return true;
    },
    settings: () => ({
      clockSkewMs: clock.skewMs,
      diskFull: emptyDisk !== null,
      secondCommit: secondCommit.answer,
    }),
    set(settings) {
      if (settings.clockSkewMs !== undefined) clock.skewMs = settings.clockSkewMs;
      if (settings.secondCommit !== undefined) secondCommit.answer = settings.secondCommit;
      if (settings.diskFull === true) emptyDisk ??= disk.fill();
      if (settings.diskFull === false) {
        emptyDisk?.();
        emptyDisk = null;
      }
    },
    async restart({ forgetSessions = false } = {}) {
      if (missing.restart) throw new FaultMistakes([cannot.restart]);
      await parts.restart(forgetSessions);
    },
  };
}

function toldSessions({ life, clock }: ControlParts): ToldSession[] {
  const { store, late } = life();
  const { uploads, catalog } = store;
  return uploads.list().map((upload) => {
    const table = catalog.get(upload.tableId);
    return {
      id: upload.id,
      table: table?.name ?? null,
      partition: table === null || upload.partition === null ? null : partitionText(table, upload.partition),
      status: upload.status,
      blocks: [...upload.blocks.values()].map(({ id, rows }) => ({ id, rows })).sort((a, b) => a.id - b.id),
      ageMs: clock.nowMs() - upload.openedMs,
      late: late.count(upload.id),
    };
  });
}
