/**
 * MaxCompute as one worker reaches it: the port `Warehouse` over the simulated server. Requests that may be repeated are
 * repeated, as the real client does; a commit is one request, whatever comes of it.
 */
import { type RowKind, type RowSink, rowKind } from '../../operator/model/change.js';
import type { PlanDocument } from '../../operator/model/documents.js';
import type { BlockTarget, BlockWriter, ClosedBlock, Warehouse } from '../../operator/model/ports.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { StoredRow } from './maxcompute-server.js';
import { NoAnswer, Refusal } from './network.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

const requestMsMax = 60_000;
const attemptsMax = 4;

interface SimBlock extends ClosedBlock {
  readonly content: readonly StoredRow[];
}

export function warehouseOf(world: World, process: SimProcess): Warehouse {
  const server = world.maxCompute;
  const { SyncError } = world.pipeline;
  const once = <T>(what: string, land: () => T): Promise<T> =>
    world.network.send(process, { what, timeoutMs: requestMsMax, land, isHttp: true });
  const ask = async <T>(what: string, land: () => T): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(what, land);
      } catch (error) {
        const isLate =
          error instanceof NoAnswer || (error instanceof Refusal && (error.status >= 500 || error.status === 429));
        if (!isLate) throw error;
        if (attempt === attemptsMax)
          throw new SyncError('TARGET_UNREACHABLE', { seen: error.message, wanted: 'an answer', fix: 'wait' });
        await process.clock(0).sleep(1_000 * 2 ** attempt);
      }
    }
  };
  // Nothing in MaxCompute ties a DROP to the plan that wants it. So it is assumed that nobody takes over while one is on its
  // way, and that one which was sent again is done once.
  const destroy = (land: () => void): (() => void) => {
    const epoch = (): number | undefined => world.store.read<PlanDocument>('shop-plan')?.writer.epoch;
    const epochAtFirst = epoch();
    let isDone = false;
    return () => {
      if (epoch() !== epochAtFirst) throw new Refusal(503, 'ServiceUnavailable');
      if (!isDone) land();
      isDone = true;
    };
  };
  return {
    facts: () => Promise.resolve({ reachable: true } as never),
    createTable: (spec) => ask(`create ${spec.table}`, () => server.createTable(spec)),
    addColumns: (table, columns) => ask(`add columns to ${table}`, () => server.addColumns(table, columns)),
    describeTable: (table) => ask(`describe ${table}`, () => server.describeTable(table)),
    dropTable: (table) =>
      ask(
        `drop ${table}`,
        destroy(() => server.dropTable(table)),
      ),
    query: async (sql) => ({ columns: [], rows: await ask(`query ${sql.slice(0, 40)}`, () => server.query(sql)) }),
    createPartition: (table, partition) =>
      ask(`add a partition to ${table}`, () => server.createPartition(table, partition)),
    listPartitions: (table) => ask(`list partitions of ${table}`, () => server.listPartitions(table)),
    createUpload: (table, partition) => ask(`open a session on ${table}`, () => server.createUpload(table, partition)),
    uploadState: (ref) => ask(`state of ${ref.uploadId}`, () => server.state(ref, process.name)),
    openBlock: (plan, target) => new SimBlockWriter(plan, target),
    putBlock: async (ref, id, block) => {
      const { content } = block as SimBlock;
      try {
        await ask(`put block ${id} of ${ref.uploadId}, ${content.length} rows`, () =>
          server.put(ref, id, content, process.name),
        );
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        throw new SyncError('UPLOAD_SESSION_LOST', { seen: error.message, wanted: 'an open session', fix: 'wait' });
      }
    },
    commitUpload: async (ref) => {
      try {
        await once(`commit ${ref.uploadId}`, () => server.commit(ref, process.name));
        return { kind: 'committed' };
      } catch (error) {
        if (error instanceof Refusal && error.status < 500) return { kind: 'refused', reason: error.message };
        if (error instanceof NoAnswer || error instanceof Refusal) return { kind: 'unknown', reason: error.message };
        throw error;
      }
    },
  };
}

/** Keeps rows as they are: what becomes of their bytes is tested elsewhere. */
class SimBlockWriter implements BlockWriter {
  readonly #plan: TablePlan;
  readonly #target: BlockTarget;
  #content: StoredRow[] = [];

  constructor(plan: TablePlan, target: BlockTarget) {
    this.#plan = plan;
    this.#target = target;
  }

  get rows(): number {
    return this.#content.length;
  }

  get bytes(): number {
    return this.#content.length * 100;
  }

  get heldBytes(): number {
    return this.bytes;
  }

  write(batch: Parameters<BlockWriter['write']>[0]): number {
    const counter = this.#target.kind === 'log' ? this.#target.counter : null;
    return batch.drive(new CellSink(this.#content, this.#plan, counter));
  }

  async drained(): Promise<void> {}

  async close(): Promise<ClosedBlock> {
    const content = this.#content;
    const block: SimBlock = { rows: content.length, crc: sumOf(content), body: [], bodyBytes: this.bytes, content };
    return block;
  }

  discard(): void {
    this.#content = [];
  }
}

/** As the tunnel defines it: CRC-32C over the 4 bytes of each row's own checksum, whatever that is made of here. */
function sumOf(content: readonly StoredRow[]): number {
  return crc32c(Buffer.from(Uint32Array.from(content, (row) => crc32c(Buffer.from(JSON.stringify(row)))).buffer));
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}

class CellSink implements RowSink {
  readonly #content: StoredRow[];
  readonly #names: readonly string[];
  readonly #counter: { next: number } | null;
  #kind: RowKind = 0;
  #cells: Record<string, number | null> = {};

  constructor(content: StoredRow[], plan: TablePlan, counter: { next: number } | null) {
    this.#content = content;
    this.#names = plan.columns.map((column) => column.targetName);
    this.#counter = counter;
  }

  beginRow(kind: RowKind): void {
    this.#kind = kind;
    this.#cells = Object.fromEntries(this.#names.map((name) => [name, null]));
  }

  int32(column: number, value: number): void {
    this.#cells[this.#names[column] as string] = value;
  }

  endRow(): void {
    this.#content.push({ recordId: this.#counter?.next ?? 0, kind: this.#kind, cells: this.#cells });
    if (this.#counter && this.#kind !== rowKind.before) this.#counter.next += 1;
  }

  int64(): void {}
  boolean(): void {}
  float32(): void {}
  float64(): void {}
  bytes(): void {}
  date(): void {}
  datetime(): void {}
  timestamp(): void {}
}
