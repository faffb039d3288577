/** The checker of the campaign must see what it is there to see: logs with one thing wrong, made by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithPart } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import { runChecker, type Verdict, writeTables } from './check.js';
import type { HistoryLine } from './history.js';
import type { Change } from './transaction.js';

interface Committed {
  readonly writer: number;
  readonly seq: number;
  readonly changes: readonly Change[];
}

/** record_id, table, operation, second, before_flag, after_flag, partition, image */
type Row = [number, string, string, number, string, string, string, readonly (string | null)[]];

interface Start {
  readonly table: string;
  readonly generation: number;
  readonly afterRecordId: number;
  readonly seqs: readonly number[];
}

const second = 1_764_000_000;
const partition = '2025-11-24-16-00';
const writers = 2;
const transactionCount = 12;
const starts: readonly Start[] = ['turns', 'accounts', 'texts', 'ticks'].map((table) => ({
  ...{ table, generation: 1, afterRecordId: 0 },
  seqs: [0, 0],
}));

/** Both writers in turn, each on rows of its own and on one row that they share. */
const committed: readonly Committed[] = Array.from({ length: transactionCount }, (_, index) => {
  const [writer, seq] = [index % writers, Math.floor(index / writers) + 1];
  const account = (n: number): (string | null)[] => ['7', `${n}.5`, String(n), null, null];
  return {
    writer,
    seq,
    changes: [
      ['texts', null, [`w${writer}-${seq}`, 'ü', '0']],
      ['turns', [String(writer), String(seq - 1)], [String(writer), String(seq)]],
      ['accounts', account(index), account(index + 1)],
      ...(seq > 1 ? ([['texts', [`w${writer}-${seq - 1}`, 'ü', '0'], null]] as const) : []),
      ['ticks', null, [String(writer), 'tick', '0']],
    ],
  };
});

function rowsOf(transactions: readonly Committed[], firstId = 1): Row[] {
  const changes = transactions.flatMap((transaction) => transaction.changes);
  return changes.flatMap(([table, before, after], index): Row[] => {
    const operation = before === null ? 'I' : after === null ? 'D' : 'U';
    const head = [firstId + index, table, operation, second] as const;
    return [
      ...(before === null ? [] : [[...head, 'Y', 'N', partition, before] as Row]),
      ...(after === null ? [] : [[...head, 'N', 'Y', partition, after] as Row]),
    ];
  });
}

/** Ids from 1 without a gap, in the order of the rows. */
function renumbered(rows: readonly Row[]): Row[] {
  let id = 0;
  let last: unknown = null;
  return rows.map((row) => {
    if (row[0] !== last || row[4] === row[5]) id += 1;
    last = row[0];
    return row.with(0, id) as Row;
  });
}

describeWithPart(pyodps, 'the checker of the campaign', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcsync-checker-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function check(
    rows: readonly Row[],
    options: { readonly starts?: readonly Start[]; readonly rolledBack?: Committed } = {},
  ): Promise<Verdict> {
    const lines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');
    writeTables(folder);
    writeFileSync(join(folder, 'log.jsonl'), lines(rows));
    writeFileSync(join(folder, 'starts.jsonl'), lines(options.starts ?? starts));
    for (let writer = 0; writer < writers; writer += 1) {
      const history = committed
        .filter((transaction) => transaction.writer === writer)
        .map(({ seq, changes }): HistoryLine => {
          const isRolledBack = options.rolledBack?.writer === writer && options.rolledBack.seq === seq;
          const outcome = isRolledBack ? 'rolled back' : 'committed';
          return { seq, outcome, settled: false, from: second - 1, to: second + 1, changes };
        });
      writeFileSync(join(folder, `history-${writer}.jsonl`), lines(history));
    }
    return runChecker([folder]);
  }

  const all = rowsOf(committed);
  const kinds = ({ counts }: Verdict): string[] => Object.keys(counts).sort();
  /** Of the last change of the fifth transaction. */
  const oneId = rowsOf(committed.slice(0, 5)).at(-1)?.[0] as number;

  it('finds nothing in a log that is right, in whatever order its rows are read', async () => {
    const verdict = await check(all.toReversed());
    expect(verdict.faults).toEqual([]);
    expect(verdict.figures).toMatchObject({
      'transactions in the logs': transactionCount,
      'rows of the logs': all.length,
    });
  });

  it('finds a change that is lost, by its id and by its transaction', async () => {
    const lost = all.filter(([id]) => id !== oneId);
    expect(kinds(await check(lost))).toEqual(['change lost, transaction torn', 'gap in record ids']);
    expect(kinds(await check(renumbered(lost)))).toEqual(['change lost, transaction torn']);
  });

  it('finds one row of an update that is lost', async () => {
    const update = all.findIndex((row) => row[2] === 'U' && row[1] === 'accounts');
    expect(kinds(await check(all.toSpliced(update, 1)))).toContain('half of an update');
  });

  it('finds a change that is there twice, under one id and under two', async () => {
    const row = all.find(([id]) => id === oneId) as Row;
    expect(kinds(await check([...all, row]))).toEqual(['row twice under one id']);
    const behind = all.lastIndexOf(row) + 1;
    const verdict = await check(renumbered(all.toSpliced(behind, 0, row.with(0, 'again' as never) as Row)));
    expect(verdict.counts).toEqual({ 'change twice': 1 });
  });

  it('finds a whole transaction that is lost, or there twice', async () => {
    const lost = committed.toSpliced(4, 1);
    expect(kinds(await check(rowsOf(lost)))).toContain('transaction lost');
    expect(kinds(await check(rowsOf(committed.slice(0, -1))))).toEqual(['transaction lost']);
    const twice = committed.toSpliced(5, 0, committed[4] as Committed);
    expect(kinds(await check(rowsOf(twice)))).toContain('transaction twice, or never committed');
  });

  it('finds two changes that are swapped, in a transaction and between two of them', async () => {
    const transaction = committed[5] as Committed;
    const [first, ...others] = transaction.changes as [Change, ...Change[]];
    const within = committed.with(5, { ...transaction, changes: [...others, first] });
    expect(kinds(await check(rowsOf(within)))).toEqual(['wrong order']);
    const swapped = committed.toSpliced(5, 2, committed[6] as Committed, committed[5] as Committed);
    expect(kinds(await check(rowsOf(swapped)))).toEqual(['wrong order']);
  });

  it('finds a transaction that is torn: another one stands in the middle of it', async () => {
    const [first, second] = [committed[4] as Committed, committed[5] as Committed];
    const [head, ...tail] = first.changes as [Change, ...Change[]];
    const torn = [{ ...first, changes: [head] }, second, { ...first, changes: tail }];
    const verdict = await check(rowsOf(committed.toSpliced(4, 2, ...torn)));
    expect(kinds(verdict)).toContain('change lost, transaction torn');
  });

  it('finds a gap in the ids, though nothing is lost', async () => {
    const verdict = await check(all.map((row) => (row[0] > oneId ? (row.with(0, row[0] + 1) as Row) : row)));
    expect(verdict.counts).toEqual({ 'gap in record ids': 1 });
  });

  it('finds an image, a flag, a partition or a second that is wrong', async () => {
    const at = all.findIndex((row) => row[2] === 'U' && row[1] === 'accounts');
    const change = (place: number, value: unknown): Row[] =>
      all.with(at, (all[at] as Row).with(place, value as never) as Row);
    const image = ['7', '0.5', '999', null, null];
    expect(kinds(await check(change(7, image)))).toContain('change of another image or transaction');
    expect(kinds(await check(change(5, 'Y')))).toContain('wrong flags');
    expect(kinds(await check(change(6, '2025-11-24-16-01')))).toEqual(['wrong partition']);
    const late = all.map((row) => row.with(3, second + 30).with(6, partition) as Row);
    expect(kinds(await check(late))).toEqual(['wrong utc_timestamp']);
  });

  it('finds a transaction that was rolled back', async () => {
    const verdict = await check(all, { rolledBack: committed[11] as Committed });
    expect(kinds(verdict)).toContain('transaction twice, or never committed');
  });

  it('lets transactions be missing that may lie before the first start position, and no others', async () => {
    const rows = rowsOf(committed.slice(4));
    const early = starts.map((start) => ({ ...start, seqs: [2, 2] }));
    expect((await check(rows, { starts: early })).faults).toEqual([]);
    const tooEarly = starts.map((start) => ({ ...start, seqs: [1, 2] }));
    expect(kinds(await check(rows, { starts: tooEarly }))).toEqual(['transaction lost']);
  });

  it('lets changes of a table be missing that its new baseline holds, and no others', async () => {
    const without = (places: readonly number[]): Row[] =>
      rowsOf(
        committed.map((transaction, index) => ({
          ...transaction,
          changes: transaction.changes.filter(([table]) => table !== 'accounts' || !places.includes(index)),
        })),
      );
    const again = { table: 'accounts', generation: 2, afterRecordId: 5, seqs: [4, 4] };
    const verdict = await check(without([4, 5, 6]), { starts: [...starts, again] });
    expect(verdict.faults).toEqual([]);
    expect(verdict.figures).toMatchObject({ 'changes in baselines copied again': 3 });
    expect(kinds(await check(without([4, 6]), { starts: [...starts, again] }))).toEqual(['changes lost']);
    expect(kinds(await check(without([0]), { starts: [...starts, again] }))).toEqual(['change lost, transaction torn']);
    expect(kinds(await check(without([8, 9]), { starts: [...starts, again] }))).toEqual([
      'change lost, transaction torn',
    ]);
    expect(kinds(await check(without([5])))).toEqual(['change lost, transaction torn']);
  });
});
