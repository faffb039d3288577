/** Where things stand: URL paths, qualified SQL names, quoting. */

export interface Namespace {
  readonly project: string;
  /** Of a three-level project; null in a two-level one. */
  readonly schema: string | null;
}

export function projectPath({ project }: Namespace): string {
  return `/projects/${encodeURIComponent(project)}`;
}

/** Both the service and the tunnel know a table of a three-level project by this path. */
export function tablePath(namespace: Namespace, table: string): string {
  const schema = namespace.schema === null ? '' : `/schemas/${encodeURIComponent(namespace.schema)}`;
  return `${projectPath(namespace)}${schema}/tables/${encodeURIComponent(table)}`;
}

export function instancePath(namespace: Namespace, instanceId: string): string {
  return `${projectPath(namespace)}/instances/${encodeURIComponent(instanceId)}`;
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** MaxCompute reads backslash escapes in string literals. */
export function quoteText(text: string): string {
  const escaped = text.replace(/[\\'\n\r\t\0]/g, (character) => escapes[character] as string);
  return `'${escaped}'`;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\0',
};

/** `pt=20240102,region=cn` as the tunnel writes it, taken apart. */
export function parsePartition(partition: string): { readonly name: string; readonly value: string }[] {
  return partition.split(',').map((part) => {
    const at = part.indexOf('=');
    return { name: part.slice(0, at), value: part.slice(at + 1) };
  });
}
