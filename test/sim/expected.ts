/** What each record id must be: the changes of the selected tables, counted in the order of the binary log. */
import { rowKind } from '../../operator/model/change.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import { type Change, type History, renderCells } from './history.js';
import type { LandedRow } from './maxcompute-server.js';

export class Expected {
  readonly #history: History;
  readonly #changes = new Map<number, Change>();
  /** Record id after the first n entries. */
  readonly #idAt: number[];

  constructor(history: History) {
    this.#history = history;
    this.#idAt = Array.from({ length: history.entries.length + 1 }, () => 0);
  }

  /** From this entry on the tables are taken, each from its own place on; `recordId` is the last one before. */
  adopt(index: number, recordId: number, tables: Readonly<Record<string, BinlogPosition>>): void {
    for (const known of [...this.#changes.keys()]) if (known > recordId) this.#changes.delete(known);
    let last = recordId;
    this.#idAt[index] = recordId;
    for (const entry of this.#history.entries.slice(index)) {
      if (entry.kind === 'transaction' && !entry.isRolledBack) {
        for (const change of entry.changes) {
          const from = tables[`shop.${change.table}`];
          if (from === undefined || isBefore(entry.begin, from)) continue;
          last += 1;
          this.#changes.set(last, change);
        }
      }
      this.#idAt[entry.index + 1] = last;
    }
  }

  recordIdAt(index: number): number {
    return this.#idAt[index] ?? 0;
  }

  kindsOf(recordId: number): readonly number[] {
    const change = this.#changes.get(recordId);
    if (!change) return [-1];
    if (change.before === null) return [rowKind.insert];
    return change.after === null ? [rowKind.delete] : [rowKind.before, rowKind.after];
  }

  partsOf(recordId: number): number {
    return this.kindsOf(recordId).length;
  }

  /** What is wrong with a row that came into a log; null when it is right. */
  fault(row: LandedRow): string | null {
    const change = this.#changes.get(row.recordId);
    if (!change) return `invented: record_id ${row.recordId} in ${row.table}, of no change`;
    if (row.table !== `${change.table}_log`)
      return `wrong id: record_id ${row.recordId} in ${row.table} is a change of ${change.table}`;
    if (!this.kindsOf(row.recordId).includes(row.kind))
      return `wrong image: record_id ${row.recordId} as kind ${row.kind}`;
    const image = row.kind === rowKind.before || row.kind === rowKind.delete ? change.before : change.after;
    if (image === null || renderCells(image) !== renderCells(row.cells))
      return `wrong id or image: record_id ${row.recordId} holds ${renderCells(row.cells)}, not ${image && renderCells(image)}`;
    const partition = this.#partitionOf(change);
    return row.partition === partition ? null : `wrong place: record_id ${row.recordId} in ${row.partition}`;
  }

  #partitionOf({ table, utcSeconds }: Change): string {
    const keys = this.#history.tables.find((each) => each.name === table)?.partitionKeys ?? [];
    const parts = /^(\d+)-(\d+)-(\d+)T(\d+):(\d+)/.exec(new Date(utcSeconds * 1000).toISOString()) ?? [];
    return keys.map((key, at) => `modifytime_${key}=${parts[at + 1]}`).join(',');
  }
}

function isBefore(a: BinlogPosition, b: BinlogPosition): boolean {
  return a.file < b.file || (a.file === b.file && a.offset < b.offset);
}
