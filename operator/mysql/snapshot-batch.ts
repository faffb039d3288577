import type { RowBatch, RowSink } from '../model/change.js';
import { rowKind } from '../model/change.js';
import type { TablePlan } from '../model/table-plan.js';
import type { TextCellReader } from './cells/text-cell.js';
import type { PacketRun } from './raw-rows.js';

/** Rows of a snapshot: each cell goes from its place in the packet to the sink, and NULLs are passed over. */
export class SnapshotBatch implements RowBatch {
  readonly plan: TablePlan;
  readonly utcSeconds = 0;
  readonly kind = 'base';
  readonly #readers: readonly TextCellReader[];
  readonly #runs: readonly PacketRun[];

  constructor(plan: TablePlan, readers: readonly TextCellReader[], runs: readonly PacketRun[]) {
    this.plan = plan;
    this.#readers = readers;
    this.#runs = runs;
  }

  drive(sink: RowSink): number {
    let rows = 0;
    for (const run of this.#runs) {
      if (run.isFramed) {
        rows += driveFramed(run, this.#readers, sink);
      } else {
        driveRow(run.bytes, run.from, this.#readers, sink);
        rows += 1;
      }
    }
    return rows;
  }
}

function driveFramed(run: PacketRun, readers: readonly TextCellReader[], sink: RowSink): number {
  const { bytes, to } = run;
  let rows = 0;
  for (let at = run.from; at < to; rows += 1) {
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    driveRow(bytes, at + 4, readers, sink);
    at += 4 + length;
  }
  return rows;
}

/** Cells are length-encoded strings, 0xfb is NULL (MySQL Internals, "Protocol::LengthEncodedString"). */
function driveRow(bytes: Buffer, start: number, readers: readonly TextCellReader[], sink: RowSink): void {
  let at = start;
  sink.beginRow(rowKind.base);
  for (let column = 0; column < readers.length; column += 1) {
    const first = bytes[at] as number;
    at += 1;
    let length = first;
    if (first > 0xfa) {
      if (first === 0xfb) continue;
      if (first === 0xfc) {
        length = bytes.readUInt16LE(at);
        at += 2;
      } else if (first === 0xfd) {
        length = bytes.readUIntLE(at, 3);
        at += 3;
      } else {
        // Eight bytes; no cell is longer than max_allowed_packet, 1 GiB.
        length = bytes.readUInt32LE(at);
        at += 8;
      }
    }
    (readers[column] as TextCellReader)(bytes, at, at + length, sink);
    at += length;
  }
  sink.endRow();
}
