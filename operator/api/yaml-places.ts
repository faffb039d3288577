/** Where things stand in a YAML text: lines of paths, duplicate keys, and what is wrong with its syntax. */
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';

export type Path = readonly (string | number)[];

/** The sentences are ours: those of the parser may quote the text, and with it a secret. */
const syntaxSentences: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias (*name) whose anchor (&name) is not there',
  BAD_DQ_ESCAPE: 'a backslash sequence that YAML does not know; in single quotes a backslash is a backslash',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a value that starts with a character that YAML keeps for itself; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a key and a value where only a value may stand; is a line break or indentation missing?',
  MISSING_CHAR: 'a character is missing: a closing quote or bracket, a comma, or a space after a colon',
  MULTILINE_IMPLICIT_KEY: 'a line that is neither a key with a colon nor a list item',
  TAB_AS_INDENT: 'a tab in the indentation; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'a tag (!name) that YAML does not know; a text that starts with ! goes in quotes',
  UNEXPECTED_TOKEN: 'something stands where YAML expects nothing; is a quote, bracket or line break missing?',
};

export function syntaxSentence(code: string): string {
  return `not valid YAML: ${syntaxSentences[code] ?? code.toLowerCase().replaceAll('_', ' ')}`;
}

/** The line of a path, or of the nearest thing above it that is there. Counted from 1. */
export function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range[0];
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (node === undefined) break;
      offset = startOf(node) ?? offset;
    } else break;
  }
  return lines.linePos(offset).line;
}

export interface DuplicateKey {
  readonly path: Path;
  readonly line: number;
  readonly firstLine: number;
}

export function duplicateKeys(document: Document.Parsed, lines: LineCounter): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const visit = (node: unknown, path: Path): void => {
    if (isSeq(node)) node.items.forEach((item, index) => void visit(item, [...path, index]));
    if (!isMap(node)) return;
    const firstLines = new Map<string, number>();
    for (const pair of node.items) {
      const key = keyText(pair);
      const line = lines.linePos(startOf(pair.key) ?? 0).line;
      const firstLine = firstLines.get(key);
      if (firstLine === undefined) firstLines.set(key, line);
      else found.push({ path: [...path, key], line, firstLine });
      visit(pair.value, [...path, key]);
    }
  };
  visit(document.contents, []);
  return found;
}

/** `spec.objects[0].columnNames["unit price"]` */
export function renderPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '?';
}

function startOf(node: unknown): number | null {
  if (isPair(node)) return startOf(node.key);
  return (node as Node | null)?.range?.[0] ?? null;
}
