/**
 * Reads a task file: what `kubectl apply -f` takes, one SyncTask and, for local use, Secret documents beside it.
 * In: the text. Out: the complete task and the Secrets' values, or every fault at once with its line and path.
 * It never quotes a value of a Secret, nor what stands where credentials belong.
 */
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { SyncError } from '../base/errors.js';
import { nearest } from './near.js';
import { schemaFaults } from './schema-faults.js';
import { readSecret, type SecretDocument } from './secret-document.js';
import { apiVersion, type SyncTask, syncTaskSchema, taskKind } from './sync-task.js';
import { duplicateKeys, lineOf, type Path, renderPath, syntaxSentence } from './yaml-places.js';

export interface Fault {
  /** Counted from 1. */
  readonly line: number;
  /** As a person writes it: `spec.objects[0].tables`; empty for the document itself. */
  readonly path: string;
  readonly sentence: string;
}

export type SecretValues = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface TaskFile {
  readonly task: SyncTask;
  /** By name of the Secret, then by key. */
  readonly secrets: SecretValues;
}

export function parseTaskFile(text: string, fileName: string): TaskFile {
  const { task, secrets, faults } = readTaskFile(text);
  if (faults.length === 0 && task) return { task, secrets };
  const lines = faults.map((fault) => renderFault(fileName, fault));
  throw new SyncError('TASK_INVALID', {
    seen: `${faults.length === 1 ? '1 fault' : `${faults.length} faults`} in ${fileName}\n${lines.join('\n')}`,
    wanted: `one ${taskKind} of ${apiVersion}, and beside it Secrets only`,
    fix: `Mend ${faults.length === 1 ? 'the line' : 'the lines'} named above; nothing was started.`,
  });
}

/** All faults of a task file, in the order of its lines; none when it is good. */
export function taskFaults(text: string): Fault[] {
  return readTaskFile(text).faults;
}

/** `task.yaml:14 spec.source.prot: unknown key; ...` */
export function renderFault(fileName: string, fault: Fault): string {
  return `${fileName}:${fault.line} ${fault.path === '' ? '' : `${fault.path}: `}${fault.sentence}`;
}

interface Part {
  readonly value: Record<string, unknown>;
  readonly report: (path: Path, sentence: string) => void;
  readonly line: number;
}

function readTaskFile(text: string): { task: SyncTask | null; secrets: SecretValues; faults: Fault[] } {
  const faults: Fault[] = [];
  const parts = readParts(text, faults);
  const secretParts = parts.filter((part) => part.value.kind === 'Secret');
  const otherParts = parts.filter((part) => part.value.kind !== 'Secret');
  const taskParts = otherParts.filter((part) => isMeantAsTask(part.value));
  for (const part of otherParts) if (!taskParts.includes(part)) reportForeign(part);

  const first = taskParts[0];
  if (!first && faults.length === 0)
    faults.push({ line: 1, path: '', sentence: `no ${taskKind} in this file; wanted: one` });
  for (const part of taskParts.slice(1)) {
    part.report(['kind'], `a second ${taskKind}, the first stands at line ${first?.line}; wanted: one in a file`);
  }
  for (const part of taskParts) for (const fault of schemaFaults(part.value)) part.report(fault.path, fault.sentence);

  const parsed = first ? syncTaskSchema.safeParse(first.value) : null;
  const task = parsed?.success ? parsed.data : null;
  const secrets = readSecrets(secretParts, task);
  faults.sort((a, b) => a.line - b.line);
  return { task, secrets, faults };
}

function readParts(text: string, faults: Fault[]): Part[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const parts: Part[] = [];
  for (const document of documents as Document.Parsed[]) {
    // The first one only: what a parser says after it is about text that it has lost its way in.
    const broken = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])[0];
    if (broken) {
      faults.push({ line: lines.linePos(broken.pos[0]).line, path: '', sentence: syntaxSentence(broken.code) });
      continue;
    }
    for (const { path, line, firstLine } of duplicateKeys(document, lines)) {
      faults.push({ line, path: renderPath(path), sentence: `the same key stands at line ${firstLine} already` });
    }
    const report = (path: Path, sentence: string): void => {
      faults.push({ line: lineOf(document, lines, path), path: renderPath(path), sentence });
    };
    const value = toValue(document, report);
    if (value !== null) parts.push({ value, report, line: lineOf(document, lines, []) });
  }
  return parts;
}

function toValue(document: Document.Parsed, report: Part['report']): Record<string, unknown> | null {
  let value: unknown;
  try {
    // More aliases than a task can need are an attack on memory.
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    report([], 'an alias (*name) without its anchor (&name) before it, or far too many of them');
    return null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  // Nothing but comments between two separators is no fault.
  if (value !== null) report([], `a document that is not a map; wanted: a ${taskKind} or a Secret`);
  return null;
}

/** A misspelt kind still gets its other faults listed; something else altogether gets one. */
function isMeantAsTask({ kind, spec }: Record<string, unknown>): boolean {
  if (kind === undefined || kind === taskKind || spec !== undefined) return true;
  return typeof kind === 'string' && nearest(kind, [taskKind, 'Secret']) === taskKind;
}

function reportForeign(part: Part): void {
  const kind = part.value.kind;
  const meant = typeof kind === 'string' ? nearest(kind, ['Secret']) : null;
  const seen = typeof kind === 'string' ? JSON.stringify(kind) : 'something else';
  part.report(['kind'], `seen ${seen}; ${meant ? `did you mean ${meant}? ` : ''}wanted: one of ${taskKind}, Secret`);
}

function readSecrets(parts: readonly Part[], task: SyncTask | null): SecretValues {
  const secrets = new Map<string, ReadonlyMap<string, string>>();
  for (const part of parts) {
    const { secret, faults } = readSecret(part.value);
    for (const fault of faults) part.report(fault.path, fault.sentence);
    if (!secret) continue;
    if (secrets.has(secret.name)) part.report(['metadata', 'name'], `a second Secret ${secret.name}`);
    secrets.set(secret.name, secret.values);
    if (task && faults.length === 0) checkFitsTask(part, secret, task);
  }
  return secrets;
}

function checkFitsTask(part: Part, secret: SecretDocument, task: SyncTask): void {
  if (secret.namespace !== null && secret.namespace !== task.metadata.namespace) {
    part.report(
      ['metadata', 'namespace'],
      `seen ${JSON.stringify(secret.namespace)}; wanted: ${task.metadata.namespace}, the namespace of the task`,
    );
  }
  for (const key of neededKeys(task, secret.name)) {
    if (secret.values.has(key)) continue;
    const meant = nearest(key, secret.values.keys());
    const hint = meant === null ? '' : `; is ${meant} meant?`;
    part.report(['stringData'], `the key ${key}, which the task takes from Secret ${secret.name}, is missing${hint}`);
  }
}

/** Keys that the task takes from a Secret of this name. The security token may be missing. */
function neededKeys(task: SyncTask, name: string): string[] {
  const { source, target } = task.spec;
  const { caSecretRef: ca, clientCertSecretRef: client } = source.tls;
  const mysql = source.credentials.secretRef;
  const access = target.credentials.secretRef;
  return [
    ...(mysql.name === name ? [mysql.usernameKey, mysql.passwordKey] : []),
    ...(access?.name === name ? [access.accessKeyIdKey, access.accessKeySecretKey] : []),
    ...(ca?.name === name ? [ca.key] : []),
    ...(client?.name === name ? [client.certKey, client.keyKey] : []),
  ];
}
