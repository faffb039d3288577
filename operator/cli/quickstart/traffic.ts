/**
 * What happens in the sample shop while it is being copied: a few writers that insert, update, delete, change keys,
 * roll back, and treat the table without a key as tables without a key are treated. Every statement depends on the
 * seed alone; their order among the writers is the server's.
 */
import { type Clock, systemClock } from '../../base/clock.js';
import type { Session } from '../../mysql/session.js';
import { shopTables } from './sample-shop.js';

export interface Traffic {
  readonly counts: { transactions: number; rolledBack: number };
  /** Lets each writer end its transaction. Rejects with the first failure of a writer. */
  stop(): Promise<void>;
  /** From now on new orders use the column that a schema change has added. */
  useColumn(column: string): void;
}

const writers = 3;
/** Keeps the load at a few hundred transactions a second, so that a small machine shows the copy and not the traffic. */
const pauseMs = 8;

/** InnoDB chose a transaction to end a deadlock, or gave up waiting for a lock: ordinary life, tried no further. */
const lockRefusals = [1205, 1213];

export function startTraffic(openSession: () => Promise<Session>, clock: Clock = systemClock): Traffic {
  const stopping = new AbortController();
  const state = { transactions: 0, rolledBack: 0, column: null as string | null };
  const running = Array.from({ length: writers }, async (_, writer) => {
    await using session = await openSession();
    const random = randomOf(writer + 1);
    while (!stopping.signal.aborted) {
      const statements = nextTransaction(random, state.column);
      if (await execute(session, statements)) state.transactions += 1;
      else state.rolledBack += 1;
      await clock.sleep(pauseMs);
    }
  });
  // A failure is told by `stop`; until then it shall not end the process.
  const ended = Promise.allSettled(running);
  return {
    counts: state,
    useColumn(column) {
      state.column = column;
    },
    async stop() {
      stopping.abort();
      await ended;
      await Promise.all(running);
    },
  };
}

async function execute(session: Session, statements: readonly string[]): Promise<boolean> {
  await session.query('START TRANSACTION');
  for (const statement of statements) {
    if ((await session.queryUnless(lockRefusals, statement)) === null) {
      await session.query('ROLLBACK');
      return false;
    }
  }
  const isRollback = statements.at(-1) === 'ROLLBACK';
  if (!isRollback) await session.query('COMMIT');
  return !isRollback;
}

type Random = (below: number) => number;

function nextTransaction(random: Random, column: string | null): readonly string[] {
  const dice = random(100);
  const customer = 1 + random(shopTables.customers);
  const order = 1 + random(shopTables.orders);
  const sku = `'SKU-${String(1 + random(shopTables.products)).padStart(6, '0')}'`;
  if (dice < 35) return placeOrder(random, customer, sku, column);
  if (dice < 50)
    return [`UPDATE orders SET status = 1 + ${random(4)} WHERE id BETWEEN ${order} AND ${order + random(20)}`];
  if (dice < 60)
    return [
      `UPDATE customers SET balance = balance - ${random(900) / 100}, name = CONCAT(LEFT(name, 40), '·') WHERE id = ${customer}`,
    ];
  if (dice < 65) return newCustomer(random);
  if (dice < 72)
    return [
      `UPDATE addresses SET line_no = line_no + ${10 + random(50)} WHERE customer_id = ${customer} AND line_no < 30000 ORDER BY line_no DESC`,
    ];
  if (dice < 75)
    return [`UPDATE IGNORE products SET sku = CONCAT(sku, '~${random(9)}'), price = price + 1 WHERE sku = ${sku}`];
  if (dice < 83) return [`DELETE FROM order_items WHERE order_id = ${order}`, `DELETE FROM orders WHERE id = ${order}`];
  if (dice < 93) return viewPages(random);
  if (dice < 96)
    return [`REPLACE INTO exchange_rates VALUES ('2025-02-${10 + random(18)}', 'CNY', ${random(1000) / 7}, 2025)`];
  return [...placeOrder(random, customer, sku, column), 'ROLLBACK'];
}

function placeOrder(random: Random, customer: number, sku: string, column: string | null): string[] {
  const items = Array.from(
    { length: 1 + random(4) },
    (_, line) => `(@order_id, ${line + 1}, ${sku}, ${1 + random(9)}, ${random(9999) / 100})`,
  );
  const [name, value] = column === null ? ['', ''] : [`, ${column}`, random(2) ? ", 'app'" : ', DEFAULT'];
  return [
    `INSERT INTO orders (customer_id, status, total, note${name}) VALUES (${customer}, 'new', ${random(99999) / 100}, ${random(2) ? "'gift: 礼物 🎁'" : 'NULL'}${value})`,
    'SET @order_id = LAST_INSERT_ID()',
    `INSERT INTO order_items VALUES ${items.join(', ')}`,
    `UPDATE inventory SET on_hand = on_hand - 1, counted_at = NOW(3) WHERE warehouse = 'HGH' AND sku = ${sku}`,
    `INSERT INTO payments VALUES (UUID(), @order_id, ${random(99999)}.${random(99999)}, NOW(6), 'card', UNHEX('00FF80'))`,
  ];
}

function newCustomer(random: Random): string[] {
  return [
    `INSERT INTO customers (email, name, birthday, tier, newsletter, balance, created_at)
     VALUES (CONCAT(UUID(), '@example.org'), 'Новый 新客 ${random(1000)}', NULL, 'silver', 1, 0, NOW(3))`,
    `INSERT INTO addresses VALUES (LAST_INSERT_ID(), 1, '1 Sesame St', 'Malmö', NULL, ${random(900) / 7 - 60}, NULL)`,
  ];
}

/** Equal rows on purpose: only their number tells whether each change was applied once. */
function viewPages(random: Random): string[] {
  const visitor = random(500);
  const row = `(${visitor}, '/p/${random(40)}?q=杭州', '2025-06-02 00:00:00', '00:00:0${random(9)}', b'0')`;
  return [
    `INSERT INTO page_views VALUES ${row}, ${row}, ${row}`,
    `UPDATE page_views SET stayed = '-00:01:00' WHERE visitor = ${visitor} LIMIT 1`,
    `DELETE FROM page_views WHERE visitor = ${random(500)} LIMIT 2`,
  ];
}

/** mulberry32: small, seeded, and good enough to choose statements. */
function randomOf(seed: number): Random {
  let state = seed * 0x9e3779b9;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
