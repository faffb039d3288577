/** XML documents of the service, read as plain nodes. Texts stay texts: no number is guessed from them. */
import { XMLParser } from 'fast-xml-parser';

export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] };

const textKey = '#text';

/** Attributes are children whose name begins with `@`. Null when the text is no XML document. */
export function parseXml(text: string): Readonly<Record<string, XmlNode>> | null {
  if (!text.trimStart().startsWith('<')) return null;
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    textNodeName: textKey,
    parseTagValue: false,
    parseAttributeValue: false,
    ignoreDeclaration: true,
    // Server texts hold escaped quotes by the hundred; the library's guard is against nested entities of a DTD.
    processEntities: { enabled: true, maxTotalExpansions: 1_000_000, maxExpandedLength: 100_000_000 },
  });
  try {
    return parser.parse(text) as Record<string, XmlNode>;
  } catch {
    return null;
  }
}

/** The first child of that name. */
export function childOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  return childrenOf(node, name)[0];
}

export function childrenOf(node: XmlNode | undefined, name: string): readonly XmlNode[] {
  if (node === undefined || typeof node === 'string') return [];
  const child = node[name];
  if (child === undefined) return [];
  return Array.isArray(child) ? child : [child as XmlNode];
}

export function textOf(node: XmlNode | undefined): string {
  if (node === undefined) return '';
  if (typeof node === 'string') return node;
  const text = node[textKey];
  return typeof text === 'string' ? text : '';
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
