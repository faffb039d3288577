import type { ExitCode } from '../base/exit-codes.js';
import { runQuickstart } from './quickstart/quickstart.js';

export async function quickstartCommand(flags: {
  readonly stay?: boolean;
  readonly verify?: boolean;
}): Promise<ExitCode> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error(signal)));
  const { stay = false, verify = false } = flags;
  return runQuickstart({ stay, verify, signal: stop.signal, output: process.stdout });
}
