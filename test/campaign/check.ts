/**
 * Hands the checker what it needs (the tables, a dump of the source) and returns what it found. The checker itself is
 * Python over PyODPS, in checker/, and knows nothing of mcsync.
 */
import { execFile } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2';
import { pyodpsModules } from '../parts/pyodps.js';
import type { TestServer } from '../parts/test-server.js';
import { type CampaignTable, database, imageColumns, tables } from './tables.js';
import { accessKey, project, type World } from './world.js';

const script = fileURLToPath(new URL('checker/main.py', import.meta.url));

export interface Verdict {
  readonly figures: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  /** The first of each kind, in words; empty when all is well. */
  readonly faults: readonly string[];
}

/** `merged`: names of the merges' results, by table. */
export async function check(
  { server, folder, emulator }: World,
  merged: ReadonlyMap<string, string>,
): Promise<Verdict> {
  for (const table of tables) await dump(server, table, join(folder, `source-${table.name}.jsonl`));
  writeTables(folder, merged);
  return runChecker([folder, emulator.endpoint, project, accessKey.id, accessKey.secret]);
}

/** Names, kinds and keys, for the checker. */
export function writeTables(folder: string, merged: ReadonlyMap<string, string> = new Map()): void {
  const facts = tables.map(({ name, key, columns }) => ({
    ...{ name, key, merged: merged.get(name) ?? null },
    columns: columns.map((column) => ({ name: column.name, kind: column.kind })),
  }));
  writeFileSync(join(folder, 'tables.json'), JSON.stringify(facts));
}

export function runChecker(args: readonly string[]): Promise<Verdict> {
  const env = { ...process.env, PYTHONPATH: pyodpsModules, PYTHONDONTWRITEBYTECODE: '1' };
  return new Promise((resolve, reject) => {
    execFile('python3', [script, ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`the checker failed: ${stderr.slice(-3_000) || error.message}`));
      else resolve(JSON.parse(stdout) as Verdict);
    });
  });
}

/** A row per line, in the form of an `Image`. Row by row: the table may be large. */
async function dump(server: TestServer, table: CampaignTable, file: string): Promise<void> {
  const connection = mysql.createConnection({
    ...server.connectionOptions(),
    charset: 'utf8mb4_general_ci',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    typeCast: (field) => field.string(),
    rowsAsArray: true,
  });
  try {
    await connection.promise().query("SET SESSION time_zone = '+00:00'");
    const rows = connection.query(`SELECT ${imageColumns(table)} FROM ${database}.${table.name}`).stream();
    await pipeline(
      rows,
      async function* (source: AsyncIterable<unknown>) {
        for await (const row of source) yield `${JSON.stringify(row)}\n`;
      },
      createWriteStream(file),
    );
  } finally {
    connection.destroy();
  }
}
