/** The few XML documents of the service API. Reading: SQL comes as CDATA from PyODPS, as escaped text from Java. */
import { XMLParser } from 'fast-xml-parser';
import { ServiceError } from './service-error.js';

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function escapeXml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // Characters that XML 1.0 cannot hold at all.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '�')
  );
}

export function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}

export interface SqlJob {
  readonly taskName: string;
  readonly query: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** The job of `POST /instances`. The text as sent stays available for `?source`. */
export function readSqlJob(xml: string): SqlJob {
  let root: unknown;
  try {
    root = new XMLParser({
      processEntities: false,
      cdataPropName: '#cdata',
      trimValues: false,
      parseTagValue: false,
    }).parse(xml);
  } catch {
    throw malformed('the body is not XML');
  }
  const sql = at(root, 'Instance', 'Job', 'Tasks', 'SQL');
  if (sql === undefined) throw malformed('this emulator runs SQL tasks only');
  const query = textOf(at(sql, 'Query'));
  let settings: Record<string, string> = {};
  const properties = at(sql, 'Config', 'Property');
  for (const property of Array.isArray(properties) ? properties : [properties]) {
    if (textOf(at(property, 'Name')).trim() === 'settings') settings = readSettings(textOf(at(property, 'Value')));
  }
  return { taskName: textOf(at(sql, 'Name')).trim() || 'AnonymousSQLTask', query, settings };
}

function readSettings(text: string): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(text);
    const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
    return Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), String(value)]));
  } catch {
    throw malformed('the settings are not JSON');
  }
}

function at(node: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, name) =>
      typeof current === 'object' && current !== null ? (current as Record<string, unknown>)[name] : undefined,
    node,
  );
}

/** Text and CDATA of an element; the parser gives one of several shapes. */
function textOf(node: unknown): string {
  if (typeof node === 'string') return unescapeXml(node);
  if (Array.isArray(node)) return node.map(textOf).join('');
  if (typeof node !== 'object' || node === null) return '';
  const { '#text': text, '#cdata': data } = node as { '#text'?: unknown; '#cdata'?: unknown };
  const raw = Array.isArray(data) ? data.map(String).join('') : data === undefined ? '' : String(data);
  return raw === '' ? unescapeXml(String(text ?? '')) : raw;
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return named[name] ?? whole;
  });
}

function malformed(why: string): ServiceError {
  return new ServiceError(400, 'MalformedJobConf', `ODPS-0410065: ${why}`);
}
