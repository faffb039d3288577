/**
 * Reads a query of MaxCompute SQL and writes it as DuckDB SQL. Tables are looked up while reading, so that the reader also
 * knows which tables must be loaded before the query runs.
 */
import { ExpressionReader } from './expression.js';
import { quoteName } from './quote.js';
import { type Place, parseError } from './sql-error.js';
import type { TokenReader } from './token-reader.js';
import type { Token } from './tokenizer.js';

export interface QueryContext {
  /** The rows of a table as a DuckDB query with its columns in MaxCompute's order. `name` has one to three parts. */
  readonly table: (at: Place, name: readonly string[]) => string;
  readonly hiveFrames: boolean;
}

export class QueryReader {
  readonly expressions: ExpressionReader;
  private readonly reader: TokenReader;
  private readonly context: QueryContext;
  /** Names of the WITH clauses that are in sight. */
  private named: ReadonlySet<string> = new Set();

  constructor(reader: TokenReader, context: QueryContext) {
    this.reader = reader;
    this.context = context;
    this.expressions = new ExpressionReader(reader, { query: () => this.query(), hiveFrames: context.hiveFrames });
  }

  /** `[WITH ...] SELECT ... [UNION ALL ...] [ORDER BY ...] [LIMIT ...]` */
  query(): string {
    const outer = this.named;
    const prefix = this.reader.accept('WITH') ? `WITH ${this.withClauses()} ` : '';
    const body = this.setOperation();
    const text = prefix + body + this.orderAndLimit();
    this.named = outer;
    return text;
  }

  /** The WITH clauses of an INSERT that stand before it; they stay in sight. */
  withClauses(): string {
    const clauses: string[] = [];
    do {
      const name = this.reader.name('a name');
      this.reader.expect('AS', '(');
      clauses.push(`${quoteName(name)} AS (${this.query()})`);
      this.reader.expect(')');
      this.named = new Set([...this.named, name]);
    } while (this.reader.accept(','));
    return clauses.join(', ');
  }

  private setOperation(): string {
    let left = this.selectOrParens();
    for (;;) {
      const operator = this.setOperator();
      if (operator === null) return left;
      left = `${left} ${operator} ${this.selectOrParens()}`;
    }
  }

  private setOperator(): string | null {
    const reader = this.reader;
    if (reader.accept('UNION', 'ALL')) return 'UNION ALL';
    if (reader.accept('UNION', 'DISTINCT') || reader.accept('UNION')) return 'UNION';
    if (reader.sees('INTERSECT') || reader.sees('EXCEPT') || reader.sees('MINUS')) {
      const operator = reader.take().text;
      const all = reader.accept('ALL') ? ' ALL' : '';
      if (all === '') reader.accept('DISTINCT');
      return `${operator === 'MINUS' ? 'EXCEPT' : operator}${all}`;
    }
    return null;
  }

  private selectOrParens(): string {
    if (!this.reader.accept('(')) return this.select();
    const query = this.query();
    this.reader.expect(')');
    return `(${query})`;
  }

  private orderAndLimit(): string {
    const reader = this.reader;
    let text = '';
    if (reader.accept('ORDER', 'BY')) text += ` ORDER BY ${this.expressions.orderItems()}`;
    else if (reader.accept('DISTRIBUTE', 'BY')) {
      // Where rows are computed changes no result.
      do this.expressions.expression();
      while (reader.accept(','));
      if (reader.accept('SORT', 'BY')) this.expressions.orderItems();
    }
    if (reader.accept('LIMIT')) {
      const first = reader.integer('a number of rows');
      if (reader.accept(',')) text += ` LIMIT ${reader.integer('a number of rows')} OFFSET ${first}`;
      else text += ` LIMIT ${first}${reader.accept('OFFSET') ? ` OFFSET ${reader.integer('a number of rows')}` : ''}`;
    }
    return text;
  }

  private select(): string {
    const reader = this.reader;
    reader.expect('SELECT');
    const distinct = reader.accept('DISTINCT') ? 'DISTINCT ' : '';
    if (distinct === '') reader.accept('ALL');
    const items: string[] = [];
    do items.push(this.selectItem(items.length));
    while (reader.accept(','));
    let text = `SELECT ${distinct}${items.join(', ')}`;
    if (reader.accept('FROM')) text += ` FROM ${this.from()}`;
    if (reader.accept('WHERE')) text += ` WHERE ${this.expressions.expression()}`;
    if (reader.accept('GROUP', 'BY')) text += ` GROUP BY ${this.groupItems()}`;
    if (reader.accept('HAVING')) text += ` HAVING ${this.expressions.expression()}`;
    if (reader.accept('QUALIFY')) text += ` QUALIFY ${this.expressions.expression()}`;
    return text;
  }

  private groupItems(): string {
    const items: string[] = [];
    do items.push(this.expressions.expression());
    while (this.reader.accept(','));
    return items.join(', ');
  }

  private selectItem(index: number): string {
    const reader = this.reader;
    if (reader.accept('*')) return '*';
    if (
      reader.seesName() &&
      reader.peek(1).text === '.' &&
      reader.peek(2).text === '*' &&
      reader.peek(2).kind === 'symbol'
    ) {
      const table = reader.name('a table');
      reader.expect('.', '*');
      return `${quoteName(table)}.*`;
    }
    const first = reader.next;
    const value = this.expressions.expression();
    if (reader.accept('AS') || reader.seesName()) return `${value} AS ${quoteName(reader.name('a column name'))}`;
    const isColumn = isName(first) && /^(?:"(?:[^"]|"")*"\.)?"(?:[^"]|"")*"$/.test(value);
    return isColumn ? value : `${value} AS "_c${index}"`;
  }

  private from(): string {
    let text = this.joined();
    while (this.reader.accept(',')) text += ` CROSS JOIN ${this.joined()}`;
    return text;
  }

  private joined(): string {
    let text = this.lateralViews(this.source());
    for (;;) {
      const join = this.join();
      if (join === null) return text;
      text += ` ${join} ${this.source()}`;
      if (join !== 'CROSS JOIN') {
        const on = this.reader.accept('ON') ? ` ON ${this.expressions.expression()}` : this.using();
        text += on;
      }
      text = this.lateralViews(text);
    }
  }

  private using(): string {
    const reader = this.reader;
    if (!reader.accept('USING', '(')) throw reader.unexpected("'ON'");
    const names: string[] = [];
    do names.push(quoteName(reader.name('a column')));
    while (reader.accept(','));
    reader.expect(')');
    return ` USING (${names.join(', ')})`;
  }

  private join(): string | null {
    const reader = this.reader;
    for (const [words, join] of [
      [['JOIN'], 'JOIN'],
      [['INNER', 'JOIN'], 'JOIN'],
      [['CROSS', 'JOIN'], 'CROSS JOIN'],
      [['LEFT', 'SEMI', 'JOIN'], 'SEMI JOIN'],
      [['LEFT', 'ANTI', 'JOIN'], 'ANTI JOIN'],
      ...['LEFT', 'RIGHT', 'FULL'].flatMap((side) => [
        [[side, 'JOIN'], `${side} JOIN`] as const,
        [[side, 'OUTER', 'JOIN'], `${side} JOIN`] as const,
      ]),
    ] as const) {
      if (reader.accept(...words)) return join;
    }
    return null;
  }

  private source(): string {
    const reader = this.reader;
    if (reader.accept('(')) {
      const query = this.query();
      reader.expect(')');
      return `(${query}) AS ${this.alias() ?? quoteName(`_q${reader.next.from}`)}`;
    }
    if (reader.accept('VALUES')) return this.values();
    const at = reader.next;
    const name = readTableName(reader);
    const isNamed = name.length === 1 && this.named.has(name[0] as string);
    const rows = isNamed ? quoteName(name[0] as string) : `(${this.context.table(at, name)})`;
    return `${rows} AS ${this.alias() ?? quoteName(name[name.length - 1] as string)}`;
  }

  /** `VALUES (..), (..) alias (a, b)` as a source of rows. */
  private values(): string {
    const rows = this.valueRows();
    const alias = this.alias();
    if (alias === null) throw this.reader.unexpected('a name for the VALUES');
    this.reader.expect('(');
    const names: string[] = [];
    do names.push(quoteName(this.reader.name('a column')));
    while (this.reader.accept(','));
    this.reader.expect(')');
    return `(${rows}) AS ${alias}(${names.join(', ')})`;
  }

  valueRows(): string {
    const rows: string[] = [];
    do {
      this.reader.expect('(');
      rows.push(`(${this.expressions.list(')').join(', ')})`);
    } while (this.reader.accept(','));
    return `VALUES ${rows.join(', ')}`;
  }

  private alias(): string | null {
    if (this.reader.accept('AS')) return quoteName(this.reader.name('a name'));
    return this.reader.seesName() ? quoteName(this.reader.name('a name')) : null;
  }

  private lateralViews(source: string): string {
    const reader = this.reader;
    let text = source;
    while (reader.accept('LATERAL', 'VIEW')) {
      const isOuter = reader.accept('OUTER');
      const at = reader.next;
      const name = reader.name('explode or posexplode');
      if (name !== 'explode' && name !== 'posexplode') throw parseError(at, `LATERAL VIEW of ${name} is not supported`);
      reader.expect('(');
      const array = this.expressions.expression();
      reader.expect(')');
      const table = quoteName(reader.name('a name'));
      reader.expect('AS');
      const columns = [quoteName(reader.name('a column'))];
      while (reader.accept(',')) columns.push(quoteName(reader.name('a column')));
      if (columns.length !== (name === 'explode' ? 1 : 2))
        throw parseError(at, `${name} gives another number of columns`);
      const position =
        name === 'explode' ? '' : `CAST(unnest(generate_series(0, len(_a) - 1)) AS BIGINT) AS ${columns[0]}, `;
      const rows = `SELECT ${position}unnest(_a) AS ${columns[columns.length - 1]} FROM (SELECT ${array} AS _a)`;
      text += isOuter
        ? ` LEFT JOIN LATERAL (${rows}) AS ${table} ON TRUE`
        : ` CROSS JOIN LATERAL (${rows}) AS ${table}`;
    }
    return text;
  }
}

export function readTableName(reader: TokenReader): string[] {
  const name = [reader.name('a table')];
  while (name.length < 3 && reader.accept('.')) name.push(reader.name('a table'));
  return name;
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted';
}
