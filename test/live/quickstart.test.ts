/** The quickstart as README tells it, and its verdict on rows that someone broke. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mysql56 } from '../parts/mysql56.js';
import { describeWhenLive } from '../parts/part.js';
import { pyodps, pyodpsModules } from '../parts/pyodps.js';

const program = fileURLToPath(new URL('../../operator/dist/cli/main.js', import.meta.url));

describeWhenLive([mysql56, pyodps], 'the quickstart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcsync-quickstart-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows the main job, finds every row equal, and leaves nothing behind', async () => {
    const { code, output } = await start().ended;
    expect(output).toMatch(/Equal: 10 tables, 2\d\d,\d{3} rows, every value\./);
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  }, 180_000);

  it('names the rows that were broken, in a merged table and in a baseline', async () => {
    const stage = start('--stay');
    const endpoint = await stage.said(/endpoint='(\S+)'/);
    const odps = `ODPS('quickstart', 'quickstart-secret', 'quickstart', endpoint='${endpoint}')`;
    const sql = (statement: string): string => `o.execute_sql(${JSON.stringify(statement)})`;
    const script = [
      'from odps import ODPS',
      `o = ${odps}`,
      sql('INSERT OVERWRITE TABLE categories SELECT id, parent, title FROM categories WHERE id <> 99'),
      sql(
        "INSERT OVERWRITE TABLE products_base SELECT sku, category, CASE WHEN sku = 'SKU-000042' THEN 'broken' ELSE title END, price, weight_g, labels, thumbnail, digest, description FROM products_base",
      ),
    ];
    execFileSync('python3', ['-c', script.join('\n')], { env: { ...process.env, PYTHONPATH: pyodpsModules } });
    const { code, output } = await start('--verify').ended;
    expect(code).toBe(1);
    expect(output).toContain('missing: id="99"');
    expect(output).toContain('Different: categories');
    stage.interrupt();
    expect((await stage.ended).code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  }, 240_000);

  interface Started {
    readonly ended: Promise<{ code: number | null; output: string }>;
    said(pattern: RegExp): Promise<string>;
    interrupt(): void;
  }

  function start(...flags: readonly string[]): Started {
    const child = spawn(process.execPath, [program, 'quickstart', ...flags], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
      });
    const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, output }));
    });
    return {
      ended,
      said: (pattern) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            const found = pattern.exec(output)?.[1];
            if (found) resolve(found);
          };
          child.stdout.on('data', look);
          void ended.then(() => reject(new Error(`it ended without saying ${pattern}: ${output.slice(-2_000)}`)));
        }),
      interrupt: () => child.kill('SIGINT'),
    };
  }
});
