/**
 * What the writers know they did, in files of JSON lines: one file for each writer, a line for each transaction once its
 * outcome is known. Independent of mcsync; the checker holds the change logs against it.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './transaction.js';

export interface HistoryLine {
  readonly seq: number;
  readonly outcome: 'committed' | 'rolled back';
  /** The answer to COMMIT was lost; the table itself was asked. */
  readonly settled: boolean;
  /** Seconds (UTC) before the first statement and after the outcome was known. */
  readonly from: number;
  readonly to: number;
  readonly changes: readonly Change[];
}

export class HistoryFile {
  readonly #file: WriteStream;

  constructor(folder: string, writer: number) {
    this.#file = createWriteStream(join(folder, `history-${writer}.jsonl`));
  }

  async add(line: HistoryLine): Promise<void> {
    if (this.#file.write(`${JSON.stringify(line)}\n`)) return;
    await new Promise<void>((resolve) => {
      this.#file.once('drain', () => resolve());
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#file.once('error', reject);
      this.#file.end(() => resolve());
    });
  }
}
