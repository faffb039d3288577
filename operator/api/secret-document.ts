import type { Path } from './yaml-places.js';

/** What a Secret document holds. Its faults never quote a value. */
export interface SecretDocument {
  readonly name: string;
  readonly namespace: string | null;
  readonly values: ReadonlyMap<string, string>;
}

export interface SecretFault {
  readonly path: Path;
  readonly sentence: string;
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function readSecret(value: Record<string, unknown>): { secret: SecretDocument | null; faults: SecretFault[] } {
  const faults: SecretFault[] = [];
  if (value.apiVersion !== 'v1') faults.push({ path: ['apiVersion'], sentence: 'a Secret has apiVersion v1' });
  for (const key of Object.keys(value)) {
    if (secretKeys.includes(key)) continue;
    faults.push({ path: [key], sentence: `unknown key of a Secret; Allowed: ${secretKeys.join(', ')}` });
  }
  const metadata = asMap(value.metadata);
  const name = metadata?.name;
  if (typeof name !== 'string' || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    faults.push({ path: ['metadata', 'name'], sentence: 'a Secret needs a name: lower-case letters, digits, - and .' });
  }
  const values = new Map<string, string>();
  collect(value.data, 'data', decodeBase64, values, faults);
  collect(value.stringData, 'stringData', (text) => text, values, faults);
  const namespace = typeof metadata?.namespace === 'string' ? metadata.namespace : null;
  return { secret: typeof name === 'string' ? { name, namespace, values } : null, faults };
}

const secretKeys = ['apiVersion', 'kind', 'metadata', 'type', 'immutable', 'stringData', 'data'];

/** As Kubernetes does it: `stringData` wins over `data`. */
function collect(
  source: unknown,
  field: 'data' | 'stringData',
  decode: (text: string) => string | null,
  values: Map<string, string>,
  faults: SecretFault[],
): void {
  if (source === undefined || source === null) return;
  const map = asMap(source);
  if (!map) {
    faults.push({ path: [field], sentence: 'must be a map of keys and texts' });
    return;
  }
  for (const [key, raw] of Object.entries(map)) {
    const text = typeof raw === 'string' ? decode(raw) : null;
    if (text !== null) values.set(key, text);
    else if (typeof raw === 'string')
      faults.push({ path: [field, key], sentence: 'is not base64; plain text goes to stringData' });
    else faults.push({ path: [field, key], sentence: 'must be a text; put it in quotes' });
  }
}

function decodeBase64(text: string): string | null {
  const compact = text.replaceAll(/\s/g, '');
  return base64Pattern.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : null;
}

function asMap(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
