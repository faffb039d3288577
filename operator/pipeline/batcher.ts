/**
 * Picks the block of (table, schema version, partition) for each batch of changes. In: row batches in binlog order.
 * Out: one upload session per group, with the record ids that its rows took. Memory is bounded: when the sum of held
 * bytes passes the limit, the largest block is cut and sent.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { RowBatch } from '../model/change.js';
import type { IntentSession } from '../model/documents.js';
import type { UploadSession, Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { partitionSpec, type TablePlan } from '../model/table-plan.js';
import { Upload } from './upload.js';

export interface BatcherLimits {
  /** Wire bytes of a block before compression: large blocks make few files and stay far from the quota of 500 per 5 minutes. */
  readonly blockBytesMax: number;
  /** Bytes held over all blocks of this process. */
  readonly heldBytesMax: number;
}

export interface BatcherContext {
  readonly warehouse: Warehouse;
  readonly openSession: OpenSession;
  readonly limits: BatcherLimits;
  readonly clock: Clock;
}

/** Opens an upload session, making the partition first where it is new. */
export type OpenSession = (table: string, partition: string) => Promise<UploadSession>;

export function partitionedSessions(warehouse: Warehouse): OpenSession {
  const known = new Map<string, Promise<void>>();
  return async (table, partition) => {
    const key = `${table}/${partition}`;
    let made = known.get(key);
    if (!made) {
      if (known.size >= knownPartitionsMax) known.clear();
      made = warehouse.createPartition(table, partition);
      known.set(key, made);
      made.catch(() => known.delete(key));
    }
    await made;
    return warehouse.createUpload(table, partition);
  };
}

/** ADD PARTITION costs an SQL instance, so it is asked once; forgetting costs one more, never an error. */
const knownPartitionsMax = 10_000;

interface Group {
  readonly plan: TablePlan;
  readonly partition: string;
  readonly upload: Upload;
  lo: number;
  hi: number;
}

export class Batcher {
  readonly #warehouse: Warehouse;
  readonly #limits: BatcherLimits;
  readonly #openSession: OpenSession;
  readonly #clock: Clock;
  readonly #counter: { next: number };
  readonly #groups = new Map<string, Group>();
  /** Batches come in runs of one table and second: the last group answers most look-ups. */
  #lastPlan: TablePlan | null = null;
  #lastUtcSeconds = -1;
  #lastGroup: Group | null = null;
  #bytes = 0;
  #relievedAtBytes = 0;
  #groupsIntentBytes = 0;
  #openedMs = Number.POSITIVE_INFINITY;

  /** `counter.next` is the record id of the next row change; shared with the blocks, which advance it. */
  constructor({ warehouse, openSession, limits, clock }: BatcherContext, counter: { next: number }) {
    this.#warehouse = warehouse;
    this.#openSession = openSession;
    this.#limits = limits;
    this.#clock = clock;
    this.#counter = counter;
  }

  /** Bytes that the intent of these sessions takes, at the most. */
  get intentBytes(): number {
    let blocks = 0;
    for (const group of this.#groups.values()) blocks += group.upload.blockCount;
    return this.#groupsIntentBytes + blocks * blockIntentBytes;
  }

  /** More sessions or blocks than one intent can name, or sessions too old to wait for the transaction's end. */
  isFull(nowMs: number): boolean {
    return this.intentBytes >= intentBytesMax || nowMs - this.#openedMs >= sessionAgeMsMax;
  }

  /** Wire bytes taken since the start, before compression. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** True when the caller must await `relieve` before the next batch. */
  add(batch: RowBatch): boolean {
    const group = this.#groupOf(batch);
    const before = group.upload.currentBlockBytes;
    const first = this.#counter.next;
    group.upload.write(batch);
    if (this.#counter.next === first) return false;
    if (group.lo === 0) group.lo = first;
    group.hi = this.#counter.next - 1;
    const after = group.upload.currentBlockBytes;
    this.#bytes += after - before;
    return (
      after >= this.#limits.blockBytesMax ||
      group.upload.heldBytes >= heldBytesWorthAWait ||
      this.#groupsIntentBytes >= intentBytesMax ||
      this.#bytes - this.#relievedAtBytes >= heldBytesWorthAWait
    );
  }

  /** Sends full blocks and waits for compression: the back-pressure on the source. */
  async relieve(): Promise<void> {
    const last = this.#lastGroup;
    assert(last !== null, 'a batch was added');
    if (last.upload.currentBlockBytes >= this.#limits.blockBytesMax) await last.upload.cut();
    else await last.upload.drained();
    this.#relievedAtBytes = this.#bytes;
    let held = this.#heldBytes();
    while (held > this.#limits.heldBytesMax) {
      const uploads = [...this.#groups.values()].map((group) => group.upload);
      const largest = uploads.reduce((a, b) => (b.currentBlockBytes > a.currentBlockBytes ? b : a));
      if (largest.currentBlockBytes > 0) await largest.cut();
      else await Promise.all(uploads.map((upload) => upload.oneAnswered()));
      held = this.#heldBytes();
    }
  }

  #heldBytes(): number {
    let held = 0;
    for (const group of this.#groups.values()) held += group.upload.heldBytes;
    return held;
  }

  /** Sends all that is left. The batcher is used up afterwards. */
  async seal(): Promise<IntentSession[]> {
    const groups = [...this.#groups.values()].filter((group) => group.lo !== 0);
    const sealed: IntentSession[] = [];
    for (let at = 0; at < groups.length; at += sealsAtOnceMax) {
      const part = groups.slice(at, at + sealsAtOnceMax);
      sealed.push(...(await Promise.all(part.map(sealGroup))));
    }
    return sealed;
  }

  discard(): void {
    for (const group of this.#groups.values()) group.upload.discard();
    this.#groups.clear();
    this.#lastGroup = null;
    this.#lastPlan = null;
  }

  #groupOf(batch: RowBatch): Group {
    if (this.#lastGroup !== null && batch.plan === this.#lastPlan && batch.utcSeconds === this.#lastUtcSeconds)
      return this.#lastGroup;
    const { plan } = batch;
    assert(plan.logTable !== null, 'changes are only streamed for tables with a change log');
    const table = plan.logTable;
    const partition = partitionSpec(plan, batch.utcSeconds);
    const id = `${table}/${plan.schemaVersion}/${partition}`;
    let group = this.#groups.get(id);
    if (!group) {
      const open = () => this.#openSession(table, partition);
      const upload = new Upload(this.#warehouse, plan, { kind: 'log', counter: this.#counter }, open);
      group = { plan, partition, upload, lo: 0, hi: 0 };
      this.#groups.set(id, group);
      if (this.#groups.size === 1) this.#openedMs = this.#clock.monotonicMs();
      this.#groupsIntentBytes += sessionIntentBytes + Buffer.byteLength(`${table}${partition}${tableKey(plan.source)}`);
    }
    this.#lastPlan = plan;
    this.#lastUtcSeconds = batch.utcSeconds;
    this.#lastGroup = group;
    return group;
  }
}

/** A document of a cluster holds 1 MiB; the intent shares it with the states of the tables. */
const intentBytesMax = 600 * 1024;
/** Of one session in JSON beside its names: two ids of 16 digits, an upload id of 64 characters, times, counts and keys. */
const sessionIntentBytes = 320;
/** Of one block: `{"id":19999,"rows":2147483647,"crc":4294967295},`. */
const blockIntentBytes = 48;
/** A session lives 24 hours, by the server's clock; what is left is for its commit. */
const sessionAgeMsMax = 20 * 3_600_000;
/** Uncompressed segments waiting for the thread pool: beyond this the reader waits, so that memory stays flat. */
const heldBytesWorthAWait = 4 * 1024 * 1024;
/** Sessions closed side by side: enough to hide a round trip, few enough for the tunnel's slots. */
const sealsAtOnceMax = 16;

async function sealGroup(group: Group): Promise<IntentSession> {
  const { session, blocks, rows } = await group.upload.seal();
  return {
    uploadId: session.uploadId,
    table: session.table,
    source: tableKey(group.plan.source),
    partition: group.partition,
    schemaVersion: group.plan.schemaVersion,
    initiatedMs: session.initiatedMs,
    blocks,
    lo: group.lo,
    hi: group.hi,
    rows,
  };
}
