import type { Writable } from 'node:stream';
import { renderError, SyncError } from '../base/errors.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import type { WorkerFailure } from '../model/ports.js';
import { version } from './version.js';

/** Tells a person what went wrong, and gives the exit code. Only a bug shows its stack. */
export function reportFailure(error: unknown, output: Writable): ExitCode {
  if (error instanceof SyncError) {
    output.write(`${renderError(error)}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  output.write(`${stack}\n\nThis is a bug of mcsync ${version()} (Node.js ${process.version}, ${process.platform}).\n`);
  output.write('Please report it, with the lines above, in the issue tracker of the project.\n');
  return exitCodes.bug;
}

/** A worker's last words, in the form of `renderError`. */
export function renderFailure(failure: WorkerFailure): string {
  const where = [failure.table && `table ${failure.table}`, failure.position && `at ${failure.position}`].filter(
    Boolean,
  );
  return [
    `${failure.code}${where.length > 0 ? ` (${where.join(', ')})` : ''}`,
    `  seen:   ${failure.seen}`,
    `  wanted: ${failure.wanted}`,
    `  fix:    ${failure.fix}`,
  ].join('\n');
}

/** What a worker tells its parent: of a bug the message alone, since the stack is in the log. */
export function toFailure(error: unknown): WorkerFailure {
  if (!(error instanceof SyncError)) {
    return {
      code: 'BUG',
      seen: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '',
      wanted: 'no bug',
      fix: 'Report it, with the stack trace that stands in the log of the worker. Nothing is lost: the checkpoint stands.',
    };
  }
  const { code, seen, wanted, fix, table, position } = error;
  return { code, seen, wanted, fix, ...(table ? { table } : {}), ...(position ? { position } : {}) };
}
