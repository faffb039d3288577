/** What a worker tells while it works: JSON lines on stderr, as pods want them; `run` makes sentences of them. */
import pino from 'pino';
import type { SyncError } from '../base/errors.js';
import type { Reporter } from '../pipeline/task-documents.js';

export function createWorkerLog(role: string): Reporter {
  const log = pino(
    { base: { role }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    info: (event, facts) => log.info({ ...facts }, event),
    warn: (event, facts) => log.warn({ ...facts }, event),
    retrying: (error: SyncError, attempt, delayMs) =>
      log.warn({ code: error.code, seen: error.seen, attempt, delayMs }, 'trying again'),
  };
}

export interface LogLine {
  readonly level: string;
  readonly sentence: string;
}

/** One line of a worker's stderr for a person; anything that is not a log line passes as it is. */
export function readLogLine(line: string): LogLine {
  const facts = parse(line);
  if (!facts) return { level: 'error', sentence: line };
  const { level, msg, role, time, ...rest } = facts;
  const shown = Object.entries(rest).map(([key, value]) => `${key}=${showFact(value)}`);
  return { level: String(level), sentence: [`${role}:`, msg, ...shown].join(' ') };
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    return typeof value.msg === 'string' && typeof value.level === 'string' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function showFact(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /\s/.test(text) ? JSON.stringify(text) : text;
}
