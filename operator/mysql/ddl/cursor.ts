/** Reads tokens from left to right. What does not fit is `null`, never a guess. */
import type { TableName } from '../../model/source-table.js';
import type { Token } from './lexer.js';

export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token | undefined {
    this.#at += 1;
    return this.#tokens[this.#at - 1];
  }

  rest(): readonly Token[] {
    return this.#tokens.slice(this.#at);
  }

  /** True, and past them, when the next tokens are these words or symbols. A quoted name is never a word. */
  take(...texts: readonly string[]): boolean {
    if (!this.is(...texts)) return false;
    this.#at += texts.length;
    return true;
  }

  is(...texts: readonly string[]): boolean {
    return texts.every((text, index) => {
      const token = this.peek(index);
      return (token?.kind === 'word' || token?.kind === 'symbol') && token.text === text;
    });
  }

  /** The first of the words that stands here, taken. */
  takeAny(words: readonly string[]): string | null {
    return words.find((word) => this.take(word)) ?? null;
  }

  /** An identifier, quoted or not. */
  name(): string | null {
    const token = this.peek();
    if (token?.kind !== 'name' && token?.kind !== 'word') return null;
    this.#at += 1;
    return token.kind === 'name' ? token.text : token.raw;
  }

  /** `t`, `d.t` or `.t`. */
  tableName(database: string): TableName | null {
    const isBare = this.take('.');
    const first = this.name();
    if (first === null) return null;
    if (isBare || !this.take('.')) return { database, table: first };
    const token = this.peek();
    if (token?.kind === 'number') {
      this.#at += 1;
      return { database: first, table: token.raw };
    }
    const table = this.name();
    return table === null ? null : { database: first, table };
  }

  /** The tokens inside the parentheses that open here, commas and all; null when none open or they do not close. */
  parenthesised(): readonly Token[] | null {
    if (!this.is('(')) return null;
    const from = this.#at + 1;
    let depth = 0;
    for (let at = this.#at; at < this.#tokens.length; at += 1) {
      const token = this.#tokens[at] as Token;
      if (token.kind !== 'symbol') continue;
      if (token.text === '(') depth += 1;
      if (token.text === ')') depth -= 1;
      if (depth > 0) continue;
      this.#at = at + 1;
      return this.#tokens.slice(from, at);
    }
    return null;
  }
}

/** Parts between commas outside parentheses. */
export function splitAtCommas(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.text === '(') depth += 1;
    if (token.kind === 'symbol' && token.text === ')') depth -= 1;
    if (token.kind === 'symbol' && token.text === ',' && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}
