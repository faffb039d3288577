/**
 * Cuts a script of MaxCompute SQL into tokens. Strings stand in single or double quotes with backslash escapes, names may
 * stand in back-quotes. What is no token is a parse error: nothing is passed on unread.
 */
import { type Place, parseError } from './sql-error.js';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'binary' | 'symbol' | 'end';

export interface Token extends Place {
  readonly kind: TokenKind;
  /** Words in upper case, symbols as they stand, numbers as written; for strings and names their value. */
  readonly text: string;
  /** Offsets into the script. */
  readonly from: number;
  readonly to: number;
}

const symbols = ['<=>', '<>', '!=', '<=', '>=', '==', '||', ...'()[],.;=<>+-*/%&|^~:@'];
const numberPattern = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDFlsydf]|bd)?/y;
const wordPattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const blankPattern = /(?:\s|--[^\n]*|\/\*(?!\+)[\s\S]*?\*\/|\/\*\+[\s\S]*?\*\/)+/y;

export function tokenize(script: string): Token[] {
  const tokens: Token[] = [];
  const lineStarts = [0];
  for (let at = script.indexOf('\n'); at >= 0; at = script.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  let line = 0;
  const place = (offset: number): Place => {
    while (line + 1 < lineStarts.length && (lineStarts[line + 1] as number) <= offset) line += 1;
    return { line: line + 1, column: offset - (lineStarts[line] as number) + 1 };
  };
  let at = 0;
  for (;;) {
    at = endOf(blankPattern, script, at) ?? at;
    const from = at;
    const where = place(from);
    const push = (kind: TokenKind, text: string, to: number): void => {
      tokens.push({ kind, text, from, to, ...where });
      at = to;
    };
    if (at >= script.length) {
      push('end', 'end of script', at);
      return tokens;
    }
    const head = script[at] as string;
    const quoteAt = head === 'X' || head === 'x' ? at + 1 : at;
    const quote = script[quoteAt];
    if (quote === "'" || quote === '"') {
      const { text, to } = readString(script, quoteAt, where);
      push(quoteAt > at ? 'binary' : 'string', text, to);
      continue;
    }
    if (head === '`') {
      const { text, to } = readName(script, at, where);
      push('quoted', text, to);
      continue;
    }
    const numberEnd = endOf(numberPattern, script, at);
    if (numberEnd !== null) {
      if (/[A-Za-z0-9_]/.test(script[numberEnd] ?? ' ')) throw parseError(where, `invalid number near '${head}'`);
      push('number', script.slice(at, numberEnd), numberEnd);
      continue;
    }
    const wordEnd = endOf(wordPattern, script, at);
    if (wordEnd !== null) {
      push('word', script.slice(at, wordEnd).toUpperCase(), wordEnd);
      continue;
    }
    const symbol = symbols.find((candidate) => script.startsWith(candidate, at));
    if (symbol === undefined) throw parseError(where, `invalid token '${head}'`);
    push('symbol', symbol, at + symbol.length);
  }
}

function endOf(pattern: RegExp, script: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(script) ? pattern.lastIndex : null;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', '0': '\0', Z: '\x1a' };

function readString(script: string, start: number, where: Place): { text: string; to: number } {
  const quote = script[start];
  let text = '';
  let at = start + 1;
  for (;;) {
    const char = script[at];
    if (char === undefined) throw parseError(where, 'the string is not closed');
    if (char === quote) return { text, to: at + 1 };
    if (char !== '\\') {
      text += char;
      at += 1;
      continue;
    }
    const code = /^\\u([0-9a-fA-F]{4})/.exec(script.slice(at, at + 6));
    const octal = /^\\([0-3][0-7]{2})/.exec(script.slice(at, at + 4));
    const next = script[at + 1];
    if (next === undefined) throw parseError(where, 'the string is not closed');
    if (code) {
      text += String.fromCharCode(Number.parseInt(code[1] as string, 16));
      at += 6;
    } else if (octal) {
      text += String.fromCharCode(Number.parseInt(octal[1] as string, 8));
      at += 4;
    } else if (next === '%' || next === '_') {
      // Kept with its backslash, which is what LIKE wants.
      text += `\\${next}`;
      at += 2;
    } else {
      text += escapes[next] ?? next;
      at += 2;
    }
  }
}

function readName(script: string, start: number, where: Place): { text: string; to: number } {
  let text = '';
  for (let at = start + 1; ; at += 1) {
    const char = script[at];
    if (char === undefined) throw parseError(where, 'the quoted name is not closed');
    if (char !== '`') text += char;
    else if (script[at + 1] === '`') {
      text += '`';
      at += 1;
    } else {
      if (text === '') throw parseError(where, 'an empty name');
      return { text, to: at + 1 };
    }
  }
}
