/**
 * One transaction of a writer: it reads what it is about to change under lock, changes it, and notes both images of every
 * row change in the order of the server. What stands in the notes is what the binary log must hold if it is committed.
 */
import type mysql from 'mysql2/promise';
import type { Random } from './random.js';
import { type CampaignTable, database, type Image, imageColumns, keyOf, literal, whereEqual } from './tables.js';

/** Null stands for no row: before an insert, after a delete. */
export type Change = readonly [table: string, before: Image | null, after: Image | null];

export class Transaction {
  readonly writer: number;
  readonly seq: number;
  readonly random: Random;
  readonly changes: Change[] = [];
  readonly #connection: mysql.Connection;
  #keysGiven = 0;

  constructor(connection: mysql.Connection, writer: number, seq: number, random: Random) {
    this.#connection = connection;
    this.writer = writer;
    this.seq = seq;
    this.random = random;
  }

  /** A number that no other row of this writer was ever given. */
  newNumber(): number {
    this.#keysGiven += 1;
    return this.seq * 1_000 + this.#keysGiven;
  }

  /** Locked until the end of the transaction. `rest` is what follows the table's name. */
  async select(table: CampaignTable, rest: string): Promise<Image[]> {
    const [rows] = await this.#connection.query(
      `SELECT ${imageColumns(table)} FROM ${database}.${table.name} ${rest} FOR UPDATE`,
    );
    return (rows as Record<string, string | null>[]).map((row) => table.columns.map(({ name }) => row[name] ?? null));
  }

  /** One statement, whatever the number of rows. */
  async insert(table: CampaignTable, images: readonly Image[]): Promise<void> {
    if (images.length === 0) return;
    const rows = images.map(
      (image) => `(${table.columns.map((column, at) => literal(column, image[at] ?? null)).join()})`,
    );
    await this.#change(`INSERT INTO ${database}.${table.name} VALUES ${rows.join()}`, images.length);
    for (const image of images) this.changes.push([table.name, null, image]);
  }

  /** An insert that meets a row and updates it instead. */
  async insertOver(
    table: CampaignTable,
    before: Image,
    values: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const row = table.columns.map((column, at) => literal(column, before[at] ?? null)).join();
    const sets = table.columns
      .filter(({ name }) => name in values)
      .map((column) => `\`${column.name}\` = ${literal(column, values[column.name] ?? null)}`);
    const after = table.columns.map(({ name }, at) => (name in values ? (values[name] ?? null) : (before[at] ?? null)));
    // The server counts a row that was met and changed as two.
    await this.#change(
      `INSERT INTO ${database}.${table.name} VALUES (${row}) ON DUPLICATE KEY UPDATE ${sets.join(', ')}`,
      2,
    );
    this.changes.push([table.name, before, after]);
  }

  /** `values`: new texts by column name. An image equal to the one before is a statement that changes nothing. */
  async update(table: CampaignTable, before: Image, values: Readonly<Record<string, string | null>>): Promise<Image> {
    const after = table.columns.map(({ name }, at) => (name in values ? (values[name] ?? null) : (before[at] ?? null)));
    const changed = table.columns.filter(({ name }) => name in values);
    const sets = changed.map((column) => `\`${column.name}\` = ${literal(column, values[column.name] ?? null)}`);
    const isSame = after.every((text, at) => text === before[at]);
    await this.#change(
      `UPDATE ${database}.${table.name} SET ${sets.join(', ')} WHERE ${this.#rowOf(table, before)} LIMIT 1`,
      isSame ? 0 : 1,
    );
    if (!isSame) this.changes.push([table.name, before, after]);
    return after;
  }

  /** All rows of `befores` by one statement that counts a column up; `rest` selects exactly them, in their order. */
  async countUp(table: CampaignTable, befores: readonly Image[], counter: string, rest: string): Promise<void> {
    const at = table.columns.findIndex(({ name }) => name === counter);
    await this.#change(
      `UPDATE ${database}.${table.name} SET \`${counter}\` = \`${counter}\` + 1 ${rest}`,
      befores.length,
    );
    for (const before of befores)
      this.changes.push([table.name, before, before.with(at, String(BigInt(before[at] ?? '0') + 1n))]);
  }

  async delete(table: CampaignTable, before: Image): Promise<void> {
    await this.#change(`DELETE FROM ${database}.${table.name} WHERE ${this.#rowOf(table, before)} LIMIT 1`, 1);
    this.changes.push([table.name, before, null]);
  }

  /** All rows of `befores` by one statement; `rest` selects exactly them, in their order. */
  async deleteAll(table: CampaignTable, befores: readonly Image[], rest: string): Promise<void> {
    if (befores.length === 0) return;
    await this.#change(`DELETE FROM ${database}.${table.name} ${rest}`, befores.length);
    for (const before of befores) this.changes.push([table.name, before, null]);
  }

  /** What `steps` did is undone by the server, and is forgotten here. */
  async undone(steps: () => Promise<void>): Promise<void> {
    const kept = this.changes.length;
    await this.#connection.query('SAVEPOINT undone');
    await steps();
    await this.#connection.query('ROLLBACK TO SAVEPOINT undone');
    this.changes.length = kept;
  }

  #rowOf(table: CampaignTable, image: Image): string {
    return table.key.length > 0
      ? keyOf(table, image)
      : whereEqual(
          table,
          image,
          table.columns.map(({ name }) => name),
        );
  }

  async #change(sql: string, rows: number): Promise<void> {
    const [result] = await this.#connection.query(sql);
    const { affectedRows } = result as mysql.ResultSetHeader;
    if (affectedRows !== rows) throw new Error(`${affectedRows} rows changed, not ${rows}, by ${sql.slice(0, 500)}`);
  }
}
