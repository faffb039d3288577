/**
 * One upload session being filled: rows go into the current block, full blocks go to the server while the next one
 * fills. In: row batches of one table, schema version and partition. Out: a sealed session whose blocks the server lists
 * exactly as we counted them. It never commits.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import type { RowBatch } from '../model/change.js';
import type { BlockTarget, BlockWriter, UploadSession, Warehouse } from '../model/ports.js';
import { sameBlocks } from '../model/recovery.js';
import type { TablePlan } from '../model/table-plan.js';

export interface SentBlock {
  readonly id: number;
  readonly rows: number;
  readonly crc: number;
}

export interface SealedUpload {
  readonly session: UploadSession;
  readonly blocks: readonly SentBlock[];
  readonly rows: number;
}

/** Blocks that may be on their way at a time: each holds its compressed bytes until it is answered. */
const blocksInFlightMax = 2;

export class Upload {
  readonly #warehouse: Warehouse;
  readonly #plan: TablePlan;
  readonly #target: BlockTarget;
  readonly #session: Promise<UploadSession>;
  readonly #sent: SentBlock[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #heldInFlightBytes = 0;
  #writer: BlockWriter | null = null;
  #nextBlockId = 0;
  #failure: unknown = null;

  constructor(warehouse: Warehouse, plan: TablePlan, target: BlockTarget, openSession: () => Promise<UploadSession>) {
    this.#warehouse = warehouse;
    this.#plan = plan;
    this.#target = target;
    this.#session = openSession();
    this.#session.catch((error) => this.#fail(error));
  }

  get heldBytes(): number {
    return this.#heldInFlightBytes + (this.#writer?.heldBytes ?? 0);
  }

  get blockCount(): number {
    return this.#nextBlockId + (this.#writer === null ? 0 : 1);
  }

  get currentBlockBytes(): number {
    return this.#writer?.bytes ?? 0;
  }

  /** Returns the number of row changes. */
  write(batch: RowBatch): number {
    this.#writer ??= this.#warehouse.openBlock(this.#plan, this.#target);
    return this.#writer.write(batch);
  }

  /** Lets compression catch up; throws what went wrong in the background since. */
  async drained(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    await this.#writer?.drained();
  }

  /** Closes the current block and sends it; waits only while too many are on their way. */
  async cut(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    while (this.#inFlight.size >= blocksInFlightMax) await Promise.race(this.#inFlight);
    const id = this.#nextBlockId;
    this.#nextBlockId += 1;
    const sending = this.#send(writer, id).catch((error) => this.#fail(error));
    this.#inFlight.add(sending);
    void sending.then(() => this.#inFlight.delete(sending));
  }

  /** Sends what is left and proves that the server lists exactly our blocks. */
  async seal(): Promise<SealedUpload> {
    await this.cut();
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
    const session = await this.#session;
    const state = await this.#warehouse.uploadState(session);
    const blocks = this.#sent.toSorted((a, b) => a.id - b.id);
    if (state.status !== 'NORMAL' || !sameBlocks(blocks, state.blocks)) {
      throw new SyncError('UPLOAD_SESSION_LOST', {
        seen: `session ${session.uploadId} is ${state.status} with ${state.blocks.length} blocks`,
        wanted: `NORMAL with our ${blocks.length} blocks`,
        fix: 'Nothing is at risk: the session is in no intent. Its rows are read again into a new one.',
        table: session.table,
      });
    }
    return { session, blocks, rows: blocks.reduce((sum, block) => sum + block.rows, 0) };
  }

  /** Resolves when one of the blocks on their way is answered, or none is. */
  async oneAnswered(): Promise<void> {
    if (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
  }

  discard(): void {
    this.#writer?.discard();
    this.#writer = null;
  }

  async #send(writer: BlockWriter, id: number): Promise<void> {
    let heldBytes = writer.heldBytes;
    this.#heldInFlightBytes += heldBytes;
    try {
      const block = await writer.close();
      assert(block.rows > 0, 'a block is opened by its first row');
      this.#heldInFlightBytes += block.bodyBytes - heldBytes;
      heldBytes = block.bodyBytes;
      await this.#warehouse.putBlock(await this.#session, id, block);
      this.#sent.push({ id, rows: block.rows, crc: block.crc });
    } finally {
      this.#heldInFlightBytes -= heldBytes;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }
}
