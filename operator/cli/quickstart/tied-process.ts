/**
 * A server process that lives no longer than we do. Node has no parent-death signal, so a shell beside the server
 * holds the reading end of a pipe whose writing end is ours: when we end in any way, kill -9 included, the pipe
 * closes and the server is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface TiedProcess {
  readonly pid: number;
  /** How the process ended, in words; pending while it runs. Never rejects. */
  readonly ended: Promise<string>;
  /** Asks it to end (SIGTERM), kills it after 20 s: a server that flushes a large buffer pool needs a while. */
  stop(): Promise<void>;
  /** SIGKILL now, as a crash would. */
  kill(): void;
}

const stopGraceMs = 20_000;

/**
 * `$$` stays the first shell's id in the background list, and `exec` gives that id to the server. A line on the pipe
 * says that the server was stopped in order: nothing is left to kill.
 */
const script = 'exec 3<&0; { read -r _ <&3 || kill -KILL $$; } 2>/dev/null & exec "$@" 3<&- </dev/null';

export function startTiedProcess(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): TiedProcess {
  const child = spawn('/bin/sh', ['-c', script, 'sh', command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own group: Ctrl-C in a terminal is for us to answer, in our order.
    detached: true,
  });
  const ended = endOf(child);
  return {
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
      await ended;
      clearTimeout(timer);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  // The pipe may close under a write when the server ends by itself.
  child.stdin?.on('error', () => undefined);
  // A running server shall not keep our event loop alive.
  child.unref();
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      child.stdin?.end('ended\n');
      resolve(signal === null ? `ended with exit code ${code}` : `ended by ${signal}`);
    });
  });
}
