import type { SourceIdentity } from '../model/source-facts.js';
import type { SourceType } from '../model/source-table.js';

/**
 * COLUMN_DEFAULT of information_schema as the text of a constant; null for none, NULL and expressions.
 * MySQL shows the value bare (`abc`, `7`, CURRENT_TIMESTAMP). MariaDB since 10.2.7 shows SQL (`'abc'`, `7`, `NULL`,
 * `current_timestamp()`); see "Information Schema COLUMNS Table" in its documentation.
 */
export function readDefault(
  text: string | null,
  extra: string,
  type: SourceType,
  flavor: SourceIdentity['flavor'],
): string | null {
  if (text === null) return null;
  if (flavor === 'mysql') {
    const isMoment = type.kind === 'datetime' || type.kind === 'timestamp';
    // 8.0.13 marks expressions, CURRENT_TIMESTAMP too; before, that was the only one.
    const isExpression = /\bDEFAULT_GENERATED\b/i.test(extra) || (isMoment && /^CURRENT_TIMESTAMP/i.test(text));
    return isExpression ? null : text;
  }
  const quoted = /^'((?:[^'\\]|''|\\.)*)'$/s.exec(text);
  if (quoted) return unquote(quoted[1] as string);
  const isConstant = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) || /^(b'[01]*'|x'[0-9a-f]*')$/i.test(text);
  return isConstant ? text : null;
}

function unquote(text: string): string {
  const controls: Readonly<Record<string, string>> = { 0: '\0', n: '\n', r: '\r', t: '\t', b: '\b', Z: '\x1a' };
  return text.replace(/''|\\(.)/gs, (_, escaped?: string) =>
    escaped === undefined ? "'" : (controls[escaped] ?? escaped),
  );
}
