/**
 * SQL text to tokens, as the server's own lexer reads it (sql/sql_lex.cc): comments are dropped, and the text of
 * executable comments (`/*!50003 ... *\/`, `/*M! ... *\/`) counts where the server that logged it would run it.
 */

export interface Token {
  /** `word`: unquoted, upper-cased in `text`; `name`: quoted identifier; `string`, `number`; `symbol`: one character. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol';
  /** Without quotes and escapes. */
  readonly text: string;
  /** As written, for unquoted names. */
  readonly raw: string;
}

export interface LexerOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** `50624`, `101119`: of the server that logged the statement. */
  readonly version: number;
  readonly ansiQuotes: boolean;
  readonly backslashEscapes: boolean;
}

const wordPattern = /[\p{L}\p{N}\p{M}_$\u0080-\uffff]+/uy;
const exponentPattern = /\d+(?:\.\d*)?e[+-]?\d+/iy;

/** Null when a quote or comment never ends. */
export function lex(text: string, options: LexerOptions): Token[] | null {
  const tokens: Token[] = [];
  let openComments = 0;
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (/\s/.test(char)) {
      at += 1;
    } else if (char === '#' || (char === '-' && /^--(\s|$)/.test(text.slice(at, at + 3)))) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else if (text.startsWith('/*', at)) {
      const inside = executableFrom(text, at, options);
      if (inside === null) {
        const end = commentEnd(text, at);
        if (end === null) return null;
        at = end;
      } else {
        openComments += 1;
        at = inside;
      }
    } else if (openComments > 0 && text.startsWith('*/', at)) {
      openComments -= 1;
      at += 2;
    } else if (char === '`' || char === '"' || char === "'") {
      const isName = char === '`' || (char === '"' && options.ansiQuotes);
      const quoted = readQuoted(text, at, !isName && options.backslashEscapes);
      if (quoted === null) return null;
      const before = tokens.at(-1);
      at = quoted.end;
      // Strings that stand side by side are one.
      if (!isName && before?.kind === 'string')
        tokens[tokens.length - 1] = { ...before, text: before.text + quoted.text };
      else tokens.push({ kind: isName ? 'name' : 'string', text: quoted.text, raw: quoted.text });
    } else {
      const raw =
        match(exponentPattern, text, at) ??
        match(wordPattern, text, at) ??
        String.fromCodePoint(text.codePointAt(at) as number);
      at += raw.length;
      tokens.push({ kind: kindOf(raw), text: raw.toUpperCase(), raw });
    }
  }
  return openComments > 0 ? null : tokens;
}

function kindOf(raw: string): Token['kind'] {
  if (/^\d+(\.\d*)?(e[+-]?\d+)?$/i.test(raw)) return 'number';
  return /^[\p{L}\p{N}\p{M}_$\u0080-\uffff]/u.test(raw) ? 'word' : 'symbol';
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Where the text of an executable comment begins; null for a comment that the server skips. */
function executableFrom(text: string, at: number, { flavor, version }: LexerOptions): number | null {
  const head = /^\/\*(M?)!(\d{5,6})?/.exec(text.slice(at, at + 10));
  if (!head || (head[1] === 'M' && flavor === 'mysql')) return null;
  const wanted = Number(head[2] ?? 0);
  // MariaDB skips what is meant for MySQL 5.7 and later: those numbers mean other features there.
  const isForeign = flavor === 'mariadb' && head[1] !== 'M' && wanted >= 50_700 && wanted <= 99_999;
  return wanted > version || isForeign ? null : at + head[0].length;
}

/** Comments inside a skipped executable comment nest. */
function commentEnd(text: string, from: number): number | null {
  const nests = /^\/\*M?!/.test(text.slice(from, from + 4));
  let depth = 0;
  for (let at = from; at < text.length; ) {
    if (text.startsWith('/*', at) && (depth === 0 || nests)) {
      depth += 1;
      at += 2;
    } else if (text.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  return null;
}

function readQuoted(text: string, from: number, escapes: boolean): { text: string; end: number } | null {
  const quote = text[from] as string;
  const controls: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a' };
  let value = '';
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '\\' && escapes) {
      at += 1;
      const escaped = text[at] ?? '';
      value += controls[escaped] ?? escaped;
    } else if (char !== quote) value += char;
    else if (text[at + 1] === quote) {
      value += quote;
      at += 1;
    } else return { text: value, end: at + 1 };
  }
  return null;
}
