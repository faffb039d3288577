/**
 * Reads one expression of MaxCompute SQL and writes it as DuckDB SQL that gives the same value. What is not known here is
 * refused: nothing goes through to DuckDB's own grammar or function names.
 */
import { castTo } from './casts.js';
import { columnType } from './column-types.js';
import { writeFunction } from './functions.js';
import { quoteName, quoteString } from './quote.js';
import { parseError } from './sql-error.js';
import type { TokenReader } from './token-reader.js';
import type { Token } from './tokenizer.js';

export interface ExpressionContext {
  /** Reads a query up to its closing parenthesis. */
  readonly query: () => string;
  /** `odps.sql.hive.compatible`: the frame of a window that names none is another there. */
  readonly hiveFrames: boolean;
}

/** Nested deeper than this is not written by people, and would overflow a stack. */
const depthMax = 500;

export class ExpressionReader {
  private readonly reader: TokenReader;
  private readonly context: ExpressionContext;
  private depth = 0;

  constructor(reader: TokenReader, context: ExpressionContext) {
    this.reader = reader;
    this.context = context;
  }

  expression(): string {
    if (++this.depth > depthMax) throw parseError(this.reader.next, 'the expression is nested too deeply');
    let left = this.conjunction();
    while (this.reader.accept('OR')) left = `(${left} OR ${this.conjunction()})`;
    this.depth -= 1;
    return left;
  }

  list(close: string): string[] {
    const items: string[] = [];
    if (this.reader.accept(close)) return items;
    do items.push(this.expression());
    while (this.reader.accept(','));
    this.reader.expect(close);
    return items;
  }

  /** `ORDER BY` items: NULL is the smallest value in MaxCompute. */
  orderItems(): string {
    const items: string[] = [];
    do {
      const value = this.expression();
      const isDescending = this.reader.accept('DESC');
      if (!isDescending) this.reader.accept('ASC');
      let nulls = isDescending ? 'NULLS LAST' : 'NULLS FIRST';
      if (this.reader.accept('NULLS', 'FIRST')) nulls = 'NULLS FIRST';
      else if (this.reader.accept('NULLS', 'LAST')) nulls = 'NULLS LAST';
      items.push(`${value} ${isDescending ? 'DESC' : 'ASC'} ${nulls}`);
    } while (this.reader.accept(','));
    return items.join(', ');
  }

  private conjunction(): string {
    let left = this.negation();
    while (this.reader.accept('AND')) left = `(${left} AND ${this.negation()})`;
    return left;
  }

  private negation(): string {
    if (this.reader.accept('NOT')) return `(NOT ${this.negation()})`;
    return this.predicate();
  }

  private predicate(): string {
    const reader = this.reader;
    if (reader.accept('EXISTS', '(')) return `EXISTS (${this.closedQuery()})`;
    let left = this.sum();
    for (;;) {
      if (reader.accept('IS')) {
        const not = reader.accept('NOT') ? 'NOT ' : '';
        if (reader.accept('NULL')) left = `(${left} IS ${not}NULL)`;
        else if (reader.accept('TRUE')) left = `(${left} IS ${not}TRUE)`;
        else if (reader.accept('FALSE')) left = `(${left} IS ${not}FALSE)`;
        else if (reader.accept('DISTINCT', 'FROM')) left = `(${left} IS ${not}DISTINCT FROM ${this.sum()})`;
        else throw reader.unexpected("'NULL'");
        continue;
      }
      const not = reader.sees('NOT') && ['IN', 'BETWEEN', 'LIKE', 'RLIKE', 'REGEXP'].includes(reader.peek(1).text);
      if (not) reader.take();
      const tested = this.test(left);
      if (tested === null) return left;
      left = not ? `(NOT ${tested})` : tested;
    }
  }

  /** One comparison that begins here, or null. */
  private test(left: string): string | null {
    const reader = this.reader;
    if (reader.accept('IN', '(')) {
      if (reader.sees('SELECT') || reader.sees('WITH')) return `(${left} IN (${this.closedQuery()}))`;
      return `(${left} IN (${this.list(')').join(', ')}))`;
    }
    if (reader.accept('BETWEEN')) {
      const low = this.sum();
      reader.expect('AND');
      return `(${left} BETWEEN ${low} AND ${this.sum()})`;
    }
    if (reader.accept('LIKE')) {
      const pattern = this.sum();
      if (reader.accept('ESCAPE')) return `(${left} LIKE ${pattern} ESCAPE ${quoteString(reader.string('a string'))})`;
      return `(${left} LIKE ${pattern} ESCAPE '\\')`;
    }
    if (reader.accept('RLIKE') || reader.accept('REGEXP')) return `regexp_matches(${left}, ${this.sum()})`;
    for (const operator of ['=', '==', '<>', '!=', '<', '<=', '>', '>=']) {
      if (reader.accept(operator)) return `(${left} ${operator === '==' ? '=' : operator} ${this.sum()})`;
    }
    if (reader.accept('<=>')) return `(${left} IS NOT DISTINCT FROM ${this.sum()})`;
    return null;
  }

  private sum(): string {
    let left = this.product();
    for (;;) {
      if (this.reader.accept('+')) left = `(${left} + ${this.product()})`;
      else if (this.reader.accept('-')) left = `(${left} - ${this.product()})`;
      else if (this.reader.accept('||')) left = `(mc_text(${left}) || mc_text(${this.product()}))`;
      else return left;
    }
  }

  private product(): string {
    let left = this.unary();
    for (;;) {
      if (this.reader.accept('*')) left = `(${left} * ${this.unary()})`;
      else if (this.reader.accept('/')) left = `(mc_not_decimal(${left}) / nullif(mc_not_decimal(${this.unary()}), 0))`;
      else if (this.reader.accept('%')) left = `(${left} % nullif(${this.unary()}, 0))`;
      else if (this.reader.accept('DIV')) left = `(mc_whole(${left}) // nullif(mc_whole(${this.unary()}), 0))`;
      else return left;
    }
  }

  private unary(): string {
    if (this.reader.accept('-')) {
      // The most negative BIGINT has no positive twin, so the sign goes into the literal.
      const isLiteral = this.reader.next.kind === 'number';
      const value = this.unary();
      return isLiteral && /^\d/.test(value) ? `-${value}` : `(- ${value})`;
    }
    if (this.reader.accept('+')) return this.unary();
    return this.primary();
  }

  private primary(): string {
    const reader = this.reader;
    const token = reader.next;
    if (token.kind === 'string') {
      let text = reader.take().text;
      // Neighbouring strings are one, as in Hive.
      while (reader.next.kind === 'string') text += reader.take().text;
      return quoteString(text);
    }
    if (token.kind === 'binary') return binaryLiteral(reader.take());
    if (token.kind === 'number') return numberLiteral(reader.take());
    if (reader.accept('(')) {
      if (reader.sees('SELECT') || reader.sees('WITH')) return `(${this.closedQuery()})`;
      const first = this.expression();
      if (!reader.accept(',')) {
        reader.expect(')');
        return `(${first})`;
      }
      return `(${[first, ...this.list(')')].join(', ')})`;
    }
    for (const constant of ['NULL', 'TRUE', 'FALSE']) if (reader.accept(constant)) return constant;
    if (reader.accept('CASE')) return this.caseOf();
    if (reader.accept('CAST', '(')) return this.cast(token);
    if (reader.peek(1).kind === 'string' && token.kind === 'word') {
      const literal = timeLiteral(reader, token);
      if (literal !== null) return literal;
    }
    if (reader.peek(1).text === '(' && reader.peek(1).kind === 'symbol' && (reader.seesName() || reader.sees('IF'))) {
      return this.call();
    }
    const name = reader.name('an expression');
    if (reader.accept('.')) return `${quoteName(name)}.${quoteName(reader.name('a column'))}`;
    return quoteName(name);
  }

  private closedQuery(): string {
    const query = this.context.query();
    this.reader.expect(')');
    return query;
  }

  private caseOf(): string {
    const reader = this.reader;
    const subject = reader.sees('WHEN') ? '' : ` ${this.expression()}`;
    const branches: string[] = [];
    while (reader.accept('WHEN')) {
      const when = this.expression();
      reader.expect('THEN');
      branches.push(`WHEN ${when} THEN ${this.expression()}`);
    }
    if (branches.length === 0) throw reader.unexpected("'WHEN'");
    const otherwise = reader.accept('ELSE') ? ` ELSE ${this.expression()}` : '';
    reader.expect('END');
    return `CASE${subject} ${branches.join(' ')}${otherwise} END`;
  }

  private cast(at: Token): string {
    const value = this.expression();
    this.reader.expect('AS');
    const text = readTypeText(this.reader);
    this.reader.expect(')');
    const type = columnType(text);
    if (type === null) throw parseError(at, `cannot cast to ${text}`);
    return castTo(value, type);
  }

  private call(): string {
    const reader = this.reader;
    const at = reader.take();
    const name = at.text.toLowerCase();
    reader.expect('(');
    const isDistinct = reader.accept('DISTINCT');
    const args = reader.accept('*', ')') ? ['*'] : this.list(')');
    const literals = args.map((arg) => (/^'(?:[^']|'')*'$/.test(arg) ? arg.slice(1, -1).replaceAll("''", "'") : null));
    const over = reader.accept('OVER') ? this.window(name) : null;
    return writeFunction({ at, name, args, literals, isDistinct, over });
  }

  private window(name: string): string {
    const reader = this.reader;
    reader.expect('(');
    const parts: string[] = [];
    if (reader.accept('PARTITION', 'BY')) {
      const keys: string[] = [];
      do keys.push(this.expression());
      while (reader.accept(','));
      parts.push(`PARTITION BY ${keys.join(', ')}`);
    }
    const isOrdered = reader.accept('ORDER', 'BY');
    if (isOrdered) parts.push(`ORDER BY ${this.orderItems()}`);
    if (reader.sees('ROWS') || reader.sees('RANGE')) parts.push(this.frame());
    else if (isOrdered && /^(avg|count|max|min|stddev|stddev_samp|sum)$/.test(name) && !this.context.hiveFrames) {
      // Manual, window functions: without odps.sql.hive.compatible the frame is one of rows, not of peers.
      parts.push('ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW');
    } else if (isOrdered && name === 'last_value') throw parseError(reader.next, 'last_value needs a frame here');
    reader.expect(')');
    return `OVER (${parts.join(' ')})`;
  }

  private frame(): string {
    const reader = this.reader;
    const unit = reader.take().text;
    if (!reader.accept('BETWEEN')) return `${unit} ${this.bound()}`;
    const low = this.bound();
    reader.expect('AND');
    return `${unit} BETWEEN ${low} AND ${this.bound()}`;
  }

  private bound(): string {
    const reader = this.reader;
    if (reader.accept('CURRENT', 'ROW')) return 'CURRENT ROW';
    const distance = reader.accept('UNBOUNDED') ? 'UNBOUNDED' : String(reader.integer('a frame bound'));
    if (reader.accept('PRECEDING')) return `${distance} PRECEDING`;
    reader.expect('FOLLOWING');
    return `${distance} FOLLOWING`;
  }
}

/** The tokens of a type, up to what cannot belong to it. */
export function readTypeText(reader: TokenReader): string {
  let text = reader.name('a type');
  const open = reader.sees('(') ? ')' : reader.sees('<') ? '>' : null;
  if (open === null) return text;
  const opener = reader.take().text;
  text += opener;
  for (let depth = 1; depth > 0; ) {
    const token = reader.take();
    if (token.kind === 'end') throw parseError(token, 'the type is not closed');
    if (token.text === opener) depth += 1;
    else if (token.text === open) depth -= 1;
    else if (open === '>' && token.text === '>=') throw parseError(token, 'the type is not closed');
    text += token.kind === 'word' ? token.text.toLowerCase() : token.text;
  }
  return text;
}

function binaryLiteral(token: Token): string {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(token.text)) throw parseError(token, 'a binary literal is pairs of hex digits');
  return `from_hex(${quoteString(token.text)})`;
}

function numberLiteral(token: Token): string {
  const match = /^(.*?)(BD|bd|[LSYDFlsydf])?$/.exec(token.text);
  const digits = match?.[1] ?? '';
  const isWhole = /^\d+$/.test(digits);
  const sized: Readonly<Record<string, string>> = { L: 'BIGINT', S: 'SMALLINT', Y: 'TINYINT' };
  const suffix = (match?.[2] ?? '').toUpperCase();
  if (suffix === 'BD') return `CAST('${digits}' AS DECIMAL(38,18))`;
  if (suffix === 'D' || suffix === 'F') return `CAST('${digits}' AS ${suffix === 'D' ? 'DOUBLE' : 'FLOAT'})`;
  if (suffix !== '') {
    if (!isWhole) throw parseError(token, `invalid number ${token.text}`);
    return `CAST(${digits} AS ${sized[suffix]})`;
  }
  if (!isWhole) return `CAST('${digits}' AS DOUBLE)`;
  if (BigInt(digits) > 9223372036854775808n) throw parseError(token, `${digits} is out of the range of BIGINT`);
  return digits;
}

/** `DATE'2024-01-02'` and its kin; null where the word before the string is something else. */
function timeLiteral(reader: TokenReader, token: Token): string | null {
  const shapes: Readonly<Record<string, readonly [RegExp, string]>> = {
    DATE: [/^\d{4}-\d{2}-\d{2}$/, 'DATE'],
    DATETIME: [/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,3})?$/, 'TIMESTAMP_MS'],
    TIMESTAMP: [/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/, 'TIMESTAMPTZ'],
    TIMESTAMP_NTZ: [/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/, 'TIMESTAMP'],
  };
  const shape = shapes[token.text];
  if (shape === undefined) return null;
  const text = reader.peek(1).text;
  if (!shape[0].test(text)) throw parseError(token, `'${text}' is not a ${token.text} of this emulator`);
  reader.take();
  reader.take();
  return `CAST('${text}' AS ${shape[1]})`;
}
