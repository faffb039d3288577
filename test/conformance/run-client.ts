import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';

export function startForClients(): Promise<Emulator> {
  return startEmulator({
    port: 0,
    dataDir: null,
    project: 'proj',
    projects: [{ name: 'proj3', isThreeLevel: true }],
    accessKeyId: 'ak',
    accessKeySecret: 'sk',
  });
}

/** Runs a client's program, which prints `name=value` lines; a name that comes again gets its values joined. */
export async function runClient(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Record<string, string>> {
  const run = promisify(execFile)(command, [...args], { env: { ...process.env, ...env }, timeout: 110_000 });
  const { stdout } = await run.catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${command} failed: ${error.message}\n${error.stdout ?? ''}\n${error.stderr ?? ''}`);
  });
  const values: Record<string, string> = {};
  for (const line of stdout.split('\n')) {
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const name = line.slice(0, equals);
    const value = line.slice(equals + 1);
    values[name] = values[name] === undefined ? value : `${values[name]}, ${value}`;
  }
  return values;
}
