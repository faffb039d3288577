/** What a transaction is made of: small and large changes, on rows of one writer and on rows that all writers share. */
import { accountCount, accounts, big, type Image, pairGroups, pairs, texts, ticks, turns, wide } from './tables.js';
import type { Transaction } from './transaction.js';

export type Step = (transaction: Transaction) => Promise<void>;

interface WeightedStep {
  readonly weight: number;
  readonly step: Step;
}

/** `bigRows`: rows that `big` was made with; each writer has an equal share of them. */
export function campaignSteps(writers: number, bigRows: number): readonly WeightedStep[] {
  const share = Math.floor(bigRows / writers);
  return [
    { weight: 10, step: transfer },
    { weight: 3, step: sameRowAgain },
    { weight: 4, step: changeKey },
    { weight: 2, step: changeNothing },
    { weight: 6, step: writeTexts },
    { weight: 3, step: insertOrUpdate },
    { weight: 4, step: deleteTexts },
    { weight: 1, step: insertMany },
    { weight: 6, step: tick },
    { weight: 6, step: writeWide },
    { weight: 2, step: comeAndGo },
    { weight: 2, step: (transaction) => undo(transaction) },
    { weight: 2, step: (transaction) => countUpBig(transaction, share) },
    { weight: 2, step: (transaction) => thinOutBig(transaction, share) },
  ];
}

/** Every transaction takes its turn once: by it the log tells which transaction it was. */
export const takeTurn: Step = async (transaction) => {
  const [before] = await transaction.select(turns, `WHERE writer = ${transaction.writer}`);
  await transaction.update(turns, before as Image, { seq: String(transaction.seq) });
};

const transfer: Step = async (transaction) => {
  const { random } = transaction;
  const ids = [random.below(accountCount), random.below(accountCount), random.below(accountCount)];
  for (const id of [...new Set(ids)].slice(0, random.between(1, 3))) await touchAccount(transaction, id);
};

async function touchAccount(transaction: Transaction, id: number): Promise<void> {
  const { random, writer, seq } = transaction;
  const [before] = await transaction.select(accounts, `WHERE id = ${id}`);
  const balance = Number(before?.[1]) + random.between(-50_000, 50_000) / 10_000;
  await transaction.update(accounts, before as Image, {
    balance: balance.toFixed(4),
    n: next(before?.[2]),
    writer: String(writer),
    seq: String(seq),
  });
}

const sameRowAgain: Step = async (transaction) => {
  const id = transaction.random.below(accountCount);
  for (let times = transaction.random.between(2, 4); times > 0; times -= 1) await touchAccount(transaction, id);
};

const changeKey: Step = async (transaction) => {
  const { random, writer } = transaction;
  const [before] = await transaction.select(pairs, `WHERE a = ${random.below(pairGroups)} ORDER BY b LIMIT 1`);
  if (!before) return;
  await transaction.update(pairs, before, {
    a: String(random.below(pairGroups)),
    b: `w${writer}-${transaction.newNumber()}`,
    n: next(before[2]),
    v: random.chance(0.3) ? null : String(random.below(1_000_000) / 7),
  });
};

/** The server writes no event for a row that stays as it is. */
const changeNothing: Step = async (transaction) => {
  const [before] = await transaction.select(accounts, `WHERE id = ${transaction.random.below(accountCount)}`);
  await transaction.update(accounts, before as Image, { n: before?.[2] ?? null, balance: before?.[1] ?? null });
};

const writeTexts: Step = async (transaction) => {
  const count = transaction.random.between(1, 3);
  await transaction.insert(
    texts,
    Array.from({ length: count }, () => newText(transaction)),
  );
};

const insertOrUpdate: Step = async (transaction) => {
  const { random } = transaction;
  const [known] = await transaction.select(texts, `WHERE ${own(transaction)} ORDER BY k LIMIT 1`);
  if (!known || random.chance(0.3)) await transaction.insert(texts, [newText(transaction)]);
  else await transaction.insertOver(texts, known, { t: text(transaction), n: next(known[2]) });
};

const deleteTexts: Step = async (transaction) => {
  const count = transaction.random.chance(0.25)
    ? transaction.random.between(50, 200)
    : transaction.random.between(1, 5);
  const rest = `WHERE ${own(transaction)} ORDER BY k LIMIT ${count}`;
  await transaction.deleteAll(texts, await transaction.select(texts, rest), rest);
};

const insertMany: Step = async (transaction) => {
  const count = transaction.random.between(30, 200);
  await transaction.insert(
    texts,
    Array.from({ length: count }, () => newText(transaction)),
  );
};

const tick: Step = async (transaction) => {
  const { random, writer } = transaction;
  const row: Image = [String(writer), random.chance(0.2) ? null : random.pick(['tick', 'tock', '']), '0'];
  await transaction.insert(
    ticks,
    Array.from({ length: random.between(1, 3) }, () => row),
  );
  const [found] = await transaction.select(ticks, `WHERE writer = ${writer} LIMIT 1`);
  if (!found) return;
  if (random.chance(0.3)) await transaction.update(ticks, found, { n: next(found[2]) });
  else await transaction.delete(ticks, found);
};

/** Of the numbers that rows of `wide` are given, to each writer. */
const wideShare = 10n ** 15n;

const writeWide: Step = async (transaction) => {
  const { random, writer } = transaction;
  const values = (): Record<string, string | null> => wideValues(transaction);
  const first = BigInt(writer) * wideShare;
  const mine = `WHERE id BETWEEN ${first} AND ${first + wideShare - 1n} ORDER BY id`;
  const kind = random.next();
  if (kind < 0.45) {
    const rows = Array.from({ length: random.between(1, 4) }, () => {
      const drawn: Record<string, string | null> = { ...values(), id: String(first + BigInt(transaction.newNumber())) };
      return wide.columns.map(({ name }) => drawn[name] ?? null);
    });
    await transaction.insert(wide, rows);
  } else if (kind < 0.75) {
    const [before] = await transaction.select(wide, `${mine} LIMIT 1`);
    if (!before) return;
    const drawn = Object.entries(values()).filter(() => random.chance(0.3));
    await transaction.update(
      wide,
      before,
      Object.fromEntries([['whole', String(transaction.newNumber() % 4_000_000_000)], ...drawn]),
    );
  } else {
    const rest = `${mine} LIMIT ${random.between(1, 3)}`;
    await transaction.deleteAll(wide, await transaction.select(wide, rest), rest);
  }
};

const comeAndGo: Step = async (transaction) => {
  const row = newText(transaction);
  await transaction.insert(texts, [row]);
  const changed = await transaction.update(texts, row, { t: text(transaction), n: '1' });
  await transaction.delete(texts, changed);
};

const undo: Step = (transaction) =>
  transaction.undone(async () => {
    await transfer(transaction);
    await writeTexts(transaction);
  });

async function countUpBig(transaction: Transaction, share: number): Promise<void> {
  const count = transaction.random.chance(0.1)
    ? transaction.random.between(100, 400)
    : transaction.random.between(1, 30);
  const rest = `WHERE id BETWEEN ${bigRange(transaction, share, count)} ORDER BY id`;
  await transaction.countUp(big, await transaction.select(big, rest), 'n', rest);
}

/** Takes rows away, and puts some of them back with another text. */
async function thinOutBig(transaction: Transaction, share: number): Promise<void> {
  const { random } = transaction;
  const rest = `WHERE id BETWEEN ${bigRange(transaction, share, random.between(1, 20))} ORDER BY id`;
  const gone = await transaction.select(big, rest);
  await transaction.deleteAll(big, gone, rest);
  const back = gone
    .filter(() => random.chance(0.8))
    .map((row): Image => [row[0] ?? null, `back ${transaction.seq}`, next(row[2])]);
  await transaction.insert(big, back);
}

function bigRange({ random, writer }: Transaction, share: number, count: number): string {
  const from = writer * share + random.below(Math.max(1, share - count));
  return `${from} AND ${Math.min(from + count, (writer + 1) * share) - 1}`;
}

function own({ writer }: Transaction): string {
  return `k LIKE 'w${writer}-%'`;
}

function newText(transaction: Transaction): Image {
  return [`w${transaction.writer}-${transaction.newNumber()}-é`, text(transaction), '0'];
}

function text({ random, seq }: Transaction): string | null {
  if (random.chance(0.1)) return null;
  return (
    random.pick(['→', 'x', "it's ", '\\', '😀', '\n\t"', '']).repeat(random.below(40)) + (random.chance(0.5) ? seq : '')
  );
}

function wideValues({ random, seq }: Transaction): Record<string, string | null> {
  const hex = (bytes: number): string =>
    Array.from({ length: bytes }, () => random.below(256).toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase();
  const two = (high: number): string => String(random.between(1, high)).padStart(2, '0');
  const clock = `${two(23)}:${two(59)}:${two(59)}`;
  const values: Record<string, string> = {
    tiny: String(random.between(-128, 127)),
    small: String(random.below(65_536)),
    medium: String(random.between(-8_388_608, 8_388_607)),
    whole: String(random.below(4_294_967_296)),
    huge: random.chance(0.1) ? '18446744073709551615' : String(random.below(2 ** 50)),
    price: `${random.chance(0.5) ? '-' : ''}${random.between(1, 10 ** 9)}.${String(random.below(10 ** 10)).padStart(10, '0')}`,
    ratio: String((random.next() - 0.5) * 10 ** random.between(-5, 5)),
    half: String(random.between(-999, 999) / 8),
    code: random.pick(['', 'a', 'code', '0123456789']),
    name: `name ${seq} é`,
    story: random.pick(['once ', '→', 'x']).repeat(random.below(100)).trim(),
    raw: hex(random.below(40)),
    heap: hex(random.below(120)),
    day: `20${two(29)}-${two(12)}-${two(28)}`,
    at: `20${two(29)}-${two(12)}-${two(28)} ${clock}.${String(random.below(10 ** 6)).padStart(6, '0')}`,
    stamp: `20${two(29)}-${two(12)}-${two(28)} ${clock}.${String(random.below(1000)).padStart(3, '0')}`,
    span: `${random.chance(0.3) ? '-' : ''}${clock}.${String(random.below(1000)).padStart(3, '0')}`,
    year: String(random.between(1970, 2100)),
    colour: random.pick(['red', 'green', 'blue']),
    marks: random.pick(['', 'a', 'a,c', 'b,c', 'a,b,c']),
    flags: String(random.below(512)),
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, random.chance(0.15) ? null : value]));
}

function next(count: string | null | undefined): string {
  return String(BigInt(count ?? '0') + 1n);
}
