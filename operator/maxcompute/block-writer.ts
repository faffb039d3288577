/** One block of one upload session: rows in, a compressed body with its totals out. Sends nothing. */
import { assert } from '../base/assert.js';
import type { RowBatch } from '../model/change.js';
import type { BlockTarget, BlockWriter, ClosedBlock } from '../model/ports.js';
import type { TablePlan } from '../model/table-plan.js';
import { BlockCompressor } from './block-compressor.js';
import { RecordSink } from './record-sink.js';

export function openBlockWriter(plan: TablePlan, target: BlockTarget): BlockWriter {
  return new CompressedBlockWriter(plan, target);
}

class CompressedBlockWriter implements BlockWriter {
  private readonly plan: TablePlan;
  private readonly counter: { next: number } | null;
  private readonly compressor = new BlockCompressor();
  private readonly sink: RecordSink;
  private isOpen = true;

  constructor(plan: TablePlan, target: BlockTarget) {
    this.plan = plan;
    this.counter = target.kind === 'log' ? target.counter : null;
    this.sink = new RecordSink(
      plan.columns.map((column) => column.targetType),
      target.kind,
      (segment, length) => this.compressor.add(segment, length),
    );
  }

  get rows(): number {
    return this.sink.rows;
  }

  get bytes(): number {
    return this.sink.wireBytes;
  }

  get heldBytes(): number {
    return this.isOpen ? this.sink.bufferBytes + this.compressor.heldBytes : 0;
  }

  write(batch: RowBatch): number {
    assert(this.isOpen, 'a closed block takes no rows');
    assert(batch.plan.schemaVersion === this.plan.schemaVersion, 'a block holds rows of one schema version');
    if (this.counter === null) return batch.drive(this.sink);
    this.sink.beginBatch(this.counter.next, batch.utcSeconds);
    const changes = batch.drive(this.sink);
    assert(this.sink.nextRecordId === this.counter.next + changes, 'each row change takes one record id');
    this.counter.next = this.sink.nextRecordId;
    return changes;
  }

  drained(): Promise<void> {
    return this.compressor.drained();
  }

  async close(): Promise<ClosedBlock> {
    assert(this.isOpen, 'a block is closed once');
    this.isOpen = false;
    const { rows, crc } = this.sink;
    const body = await this.compressor.finish(this.sink.finish());
    return { rows, crc, body, bodyBytes: body.reduce((sum, chunk) => sum + chunk.length, 0) };
  }

  discard(): void {
    this.isOpen = false;
    this.compressor.discard();
  }
}
