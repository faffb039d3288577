/**
 * Failures of the world, told to a person: a code, what was seen, what was wanted, and the fix.
 * In: the facts of one failure. Out: a `SyncError` that each layer passes on or handles.
 * A bug is not one of these (see assert.ts), and no message ever carries a secret or a row's value.
 */
import { type ErrorCode, errorCatalog } from './error-codes.js';
import type { ExitCode } from './exit-codes.js';

export interface ErrorFacts {
  readonly seen: string;
  readonly wanted: string;
  readonly fix: string;
  /** Source table `database.table` or target table, where one is concerned. */
  readonly table?: string;
  readonly task?: string;
  /** Binlog position as text, where one is concerned. */
  readonly position?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: ErrorCode;
  readonly seen: string;
  readonly wanted: string;
  readonly fix: string;
  readonly table: string | undefined;
  readonly task: string | undefined;
  readonly position: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, facts: ErrorFacts) {
    super(`${code}: ${facts.seen}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.seen = facts.seen;
    this.wanted = facts.wanted;
    this.fix = facts.fix;
    this.table = facts.table;
    this.task = facts.task;
    this.position = facts.position;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** The same step may succeed later without anyone changing anything. */
  get isRetryable(): boolean {
    return errorCatalog[this.code].kind === 'retryable';
  }

  get exitCode(): ExitCode {
    return errorCatalog[this.code].exitCode;
  }
}

/** The lines a person reads: code and where, seen, wanted, fix. No stack trace. */
export function renderError(error: SyncError): string {
  const where = [
    error.task && `task ${error.task}`,
    error.table && `table ${error.table}`,
    error.position && `at ${error.position}`,
  ].filter(Boolean);
  return [
    `${error.code}${where.length > 0 ? ` (${where.join(', ')})` : ''}`,
    `  seen:   ${error.seen}`,
    `  wanted: ${error.wanted}`,
    `  fix:    ${error.fix}`,
  ].join('\n');
}
