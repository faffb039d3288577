/** Reads tokens one after the other; every `expect` that fails names the place and what stands there. */
import { parseError, type SqlError } from './sql-error.js';
import type { Token } from './tokenizer.js';

/** Words that cannot be a name unless back-quoted: where a query could go on otherwise. */
const reserved = new Set(
  (
    'ALL AND ANTI AS ASC BETWEEN BY CASE CAST CROSS CREATE DELETE DESC DISTINCT DISTRIBUTE DROP ELSE END EXISTS EXCEPT ' +
    'FALSE FROM FULL GROUP HAVING IF IN INNER INSERT INTERSECT INTO IS JOIN LATERAL LEFT LIKE LIMIT MINUS NOT NULL ON OR ' +
    'ORDER OUTER OVER OVERWRITE QUALIFY RIGHT RLIKE SELECT SEMI SORT TABLE THEN TRUE UNION USING VALUES WHEN WHERE WINDOW WITH'
  ).split(' '),
);

export class TokenReader {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get next(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== 'end') this.at += 1;
    return token;
  }

  /** True when the tokens ahead are these words and symbols. */
  sees(...texts: readonly string[]): boolean {
    return texts.every((text, ahead) => {
      const token = this.peek(ahead);
      return (token.kind === 'word' || token.kind === 'symbol') && token.text === text;
    });
  }

  /** Takes these words and symbols, all or none. */
  accept(...texts: readonly string[]): boolean {
    if (!this.sees(...texts)) return false;
    this.at += texts.length;
    return true;
  }

  expect(...texts: readonly string[]): Token {
    const token = this.next;
    for (const text of texts) if (!this.accept(text)) throw this.unexpected(`'${text}'`);
    return token;
  }

  /** A name, in lower case, as MaxCompute keeps names. */
  name(wanted: string): string {
    const token = this.next;
    if (!this.seesName()) throw this.unexpected(wanted);
    this.at += 1;
    return token.text.toLowerCase();
  }

  seesName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'quoted' || (token.kind === 'word' && !reserved.has(token.text));
  }

  string(wanted: string): string {
    if (this.next.kind !== 'string') throw this.unexpected(wanted);
    return this.take().text;
  }

  integer(wanted: string): number {
    const token = this.next;
    if (token.kind !== 'number' || !/^\d{1,15}$/.test(token.text)) throw this.unexpected(wanted);
    return Number(this.take().text);
  }

  unexpected(wanted: string): SqlError {
    const token = this.next;
    return parseError(
      token,
      `unexpected ${token.kind === 'end' ? 'end of script' : `token '${token.text}'`}, wanted ${wanted}`,
    );
  }
}
