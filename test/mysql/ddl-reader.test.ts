import { readFileSync } from 'node:fs';
import type { SchemaChange } from '../../operator/model/change.js';
import { tableKey } from '../../operator/model/source-table.js';
import { readStatement } from '../../operator/mysql/ddl/reader.js';
import type { StatementContext } from '../../operator/mysql/ddl/statement.js';

const context: StatementContext = {
  database: 'shop',
  flavor: 'mysql',
  version: 50_624,
  ansiQuotes: false,
  backslashEscapes: true,
  realIsFloat: false,
  utcSeconds: 1_700_000_000,
  tableDefaults: () => ({ charset: 'utf8mb4', collation: 'utf8mb4_general_ci' }),
};

/** One case per block of ddl-cases.txt: `[options]` if any, the statement, `-> expected` lines. */
interface Case {
  readonly statement: string;
  readonly options: string;
  readonly expected: readonly string[];
}

function readCases(): Case[] {
  const text = readFileSync(new URL('./ddl-cases.txt', import.meta.url), 'utf8');
  const cases: Case[] = [];
  for (const block of text.split(/\n\s*\n/)) {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('## '));
    if (lines.length === 0) continue;
    const options = lines[0]?.startsWith('[') ? (lines.shift() as string) : '';
    const expected = lines.filter((line) => line.startsWith('-> ')).map((line) => line.slice(3));
    const statement = lines.filter((line) => !line.startsWith('-> ')).join('\n');
    cases.push({ statement, options, expected });
  }
  return cases;
}

function render(change: SchemaChange): string {
  if (change.kind === 'losesIndex') return `loses ${tableKey(change.table)}: ${change.index}`;
  if (change.kind !== 'addColumns')
    return `${change.kind} ${change.table ? tableKey(change.table) : '?'}: ${change.what}`;
  const columns = change.columns.map(({ column, after }) => {
    const { type } = column;
    const charset = type.kind === 'text' ? ` ${type.charset}/${type.collation}` : '';
    const presence = column.nullable ? '' : ' not null';
    const fill = column.defaultText === null ? '' : ` = ${JSON.stringify(column.defaultText)}`;
    const place = after === null ? '' : after === '' ? ' first' : ` after ${after}`;
    return `${column.name} ${column.typeText}${charset}${presence}${fill}${place}`;
  });
  return `add ${tableKey(change.table)}: ${columns.join('; ')}`;
}

function read({ statement, options }: Case): string[] {
  const version = Number(/version=(\d+)/.exec(options)?.[1] ?? context.version);
  const result = readStatement(statement, {
    ...context,
    version,
    flavor: options.includes('mariadb') ? 'mariadb' : 'mysql',
    ansiQuotes: options.includes('ansi'),
    backslashEscapes: !options.includes('no-backslash'),
    ...(options.includes('no-defaults') ? { tableDefaults: () => null } : {}),
  });
  if (result.kind === 'rows') return [`rows ${result.tables === null ? '?' : result.tables.map(tableKey).join(', ')}`];
  return result.changes.length === 0 ? ['nothing'] : result.changes.map(render);
}

describe('statements of the binary log', () => {
  it.each(readCases().map((one) => [`${one.options} ${one.statement}`.trim(), one] as const))('%s', (_, one) => {
    expect(read(one)).toEqual(one.expected);
  });
});
