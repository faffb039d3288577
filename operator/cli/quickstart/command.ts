/** Runs the command line of mcsync as a user would: another process, the same arguments. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SyncError } from '../../base/errors.js';

export interface RunningCommand {
  /** Exit code; null where a signal ended it. Never rejects. */
  readonly ended: Promise<number | null>;
  readonly isRunning: () => boolean;
  /** The last lines that it printed, for the one who must tell why it failed. */
  readonly lastLines: () => readonly string[];
  /** As Ctrl-C does; kills it after `stopMsMax`. */
  stop(): Promise<number | null>;
}

const program = fileURLToPath(new URL('../main.js', import.meta.url));
const lastLinesMax = 12;
/** A stop flushes and commits what is read; a minute is longer than the slowest of both. */
const stopMsMax = 60_000;

/** `onLine` gets each line of the command's stdout and stderr. */
export function startCommand(args: readonly string[], onLine: (line: string) => void): RunningCommand {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
    // Its own group: Ctrl-C in a terminal is for us to pass on, in our order.
    detached: true,
  });
  const last: string[] = [];
  const listen = (line: string): void => {
    last.push(line);
    if (last.length > lastLinesMax) last.shift();
    onLine(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', listen);
  const ended = endOf(child);
  return {
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    lastLines: () => last,
    async stop() {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Runs a command to its end; a failure of it is ours. */
export async function runCommand(
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const command = startCommand(args, onLine);
  const stop = (): void => void command.stop();
  signal.addEventListener('abort', stop, { once: true });
  const code = await command.ended;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw commandFailed(args, code, command.lastLines());
}

export function commandFailed(args: readonly string[], code: number | null, lastLines: readonly string[]): SyncError {
  return new SyncError('QUICKSTART_STEP_FAILED', {
    seen: `mcsync ${args[0]} ended with ${code === null ? 'a signal' : `exit code ${code}`}; it said last:\n${lastLines.join('\n')}`,
    wanted: 'exit code 0',
    fix: 'Mend what the command says. `mcsync quickstart --stay` leaves everything up, so that the command can be run by hand.',
  });
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code));
  });
}
