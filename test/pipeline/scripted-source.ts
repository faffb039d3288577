/** A source whose binary log is a list of transactions; it ends the run once all of them have been handed out. */
import { type ChangeEvent, type RowBatch, rowKind, type SchemaChange } from '../../operator/model/change.js';
import type { ChunkRange, Source, SourceStart } from '../../operator/model/ports.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TableName } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { Life } from './memory-world.js';

export interface Change {
  readonly table: string;
  readonly op: 'insert' | 'update' | 'delete';
  readonly id: number;
  readonly utcSeconds: number;
}

export type Transaction =
  | { readonly changes: readonly Change[]; readonly isRolledBack?: boolean }
  | { readonly schema: readonly SchemaChange[]; readonly utcSeconds: number };

export const eventBytes = 100;
/** Of a snapshot: the packets that came together. */
const rowsPerBatch = 4;

/** Position after the n-th transaction. */
export function positionAfter(transactions: number): BinlogPosition {
  return { file: 'binlog.000001', offset: 4 + transactions * eventBytes, gtidSet: null };
}

export interface ScriptedSourceOptions {
  readonly life: Life;
  readonly log: readonly Transaction[];
  readonly database: string;
  /** Called when everything was handed out; the source then goes silent but for heartbeats. */
  readonly onEnd: () => void;
  /** Holds the n-th transaction back. */
  readonly hold?: (transaction: number) => Promise<void>;
  /** Rows of each table at the time of a snapshot read, and the log position they show. */
  readonly snapshot?: (table: string) => { readonly rows: readonly number[]; readonly position: BinlogPosition };
}

export function scriptedSource(options: ScriptedSourceOptions): Source {
  const { life, log, database } = options;
  const head = (): Promise<BinlogPosition> => life.call('position', () => positionAfter(log.length));
  return {
    facts: () => Promise.reject(new Error('not asked')),
    start: (): Promise<SourceStart> => Promise.reject(new Error('not asked')),
    position: head,
    refusedFilters: () => Promise.resolve([]),
    chunks: (): Promise<ChunkRange[]> => Promise.resolve([]),
    async *readChunk(plan, range) {
      await life.call('readChunk', () => undefined);
      const rows = options.snapshot?.(plan.source.table).rows ?? [];
      const after = range.after === null ? Number.NEGATIVE_INFINITY : Number(range.after[0]);
      const upTo = range.upTo === null ? Number.POSITIVE_INFINITY : Number(range.upTo[0]);
      const wanted = rows.filter((id) => id > after && id <= upTo);
      for (let at = 0; at < wanted.length; at += rowsPerBatch)
        yield baseBatch(plan, wanted.slice(at, at + rowsPerBatch));
    },
    async *readView(plan, onView) {
      const seen = options.snapshot?.(plan.source.table) ?? { rows: [], position: positionAfter(0) };
      await onView(seen.position);
      yield baseBatch(plan, seen.rows);
    },
    async *stream(from, planOf, { rolledBack, signal }) {
      await life.call('stream', () => undefined);
      for (let at = (from.offset - 4) / eventBytes; at < log.length; at += 1) {
        await options.hold?.(at);
        await life.call('arrival', () => undefined);
        if (signal.aborted) return;
        yield events(log[at] as Transaction, at, database, planOf, rolledBack);
      }
      options.onEnd();
      while (!signal.aborted) {
        await new Promise((resolve) => setImmediate(resolve));
        yield [{ kind: 'alive', position: positionAfter(log.length) }];
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function* events(
  transaction: Transaction,
  at: number,
  database: string,
  planOf: (name: TableName) => TablePlan | null,
  rolledBack: ReadonlySet<string>,
): Iterable<ChangeEvent> {
  const begin = positionAfter(at);
  const position = positionAfter(at + 1);
  if ('schema' in transaction) {
    yield {
      kind: 'schema',
      changes: transaction.schema,
      statement: 'ALTER',
      position,
      utcSeconds: transaction.utcSeconds,
    };
    return;
  }
  const isSkipped = rolledBack.has(`${begin.file}:${begin.offset}`);
  let utcSeconds = 0;
  for (const change of transaction.changes) {
    utcSeconds = change.utcSeconds;
    const plan = planOf({ database, table: change.table });
    if (plan && !isSkipped) yield { kind: 'rows', batch: changeBatch(plan, change) };
  }
  if (transaction.isRolledBack && !isSkipped) yield { kind: 'rollback', begin, position };
  else yield { kind: 'commit', position, utcSeconds };
}

function changeBatch(plan: TablePlan, change: Change): RowBatch {
  return {
    plan,
    utcSeconds: change.utcSeconds,
    kind: change.op,
    drive(sink) {
      const kinds =
        change.op === 'update'
          ? [rowKind.before, rowKind.after]
          : [change.op === 'insert' ? rowKind.insert : rowKind.delete];
      for (const kind of kinds) {
        sink.beginRow(kind);
        sink.int32(0, change.id);
        sink.endRow();
      }
      return 1;
    },
  };
}

function baseBatch(plan: TablePlan, ids: readonly number[]): RowBatch {
  return {
    plan,
    utcSeconds: 0,
    kind: 'base',
    drive(sink) {
      for (const id of ids) {
        sink.beginRow(rowKind.base);
        sink.int32(0, id);
        sink.endRow();
      }
      return ids.length;
    },
  };
}
