/** `mcsync emulator`: a local MaxCompute, until Ctrl-C. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SyncError } from '../base/errors.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { startEmulator } from '../emulator/emulator.js';
import type { Fault } from '../emulator/faults/fault.js';
import { readFaults } from '../emulator/faults/fault-reader.js';

export interface EmulatorFlags {
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly project: string;
  readonly accessKey: { readonly id: string; readonly secret: string };
  /** True: the admin API alone; a text: the file whose faults are there from the start. */
  readonly faults?: true | string;
  readonly clockSkew: number;
  readonly secondCommit: 'conflict' | 'success';
}

export async function emulatorCommand(flags: EmulatorFlags): Promise<ExitCode> {
  const { port, host, project, accessKey } = flags;
  const dataDir = flags.data === undefined ? null : resolve(flags.data);
  const faults = typeof flags.faults === 'string' ? await loadFaults(flags.faults, dataDir !== null) : [];
  const stopped = untilStopped();
  const emulator = await startEmulator({
    port,
    host,
    dataDir,
    project,
    accessKeyId: accessKey.id,
    accessKeySecret: accessKey.secret,
    log: (line) => void process.stderr.write(`${line}\n`),
    faults,
    faultApi: flags.faults !== undefined,
    clockSkewMs: flags.clockSkew,
    secondCommit: flags.secondCommit,
    // Nothing is flushed, no handler runs: as if the machine had done it.
    kill: () => process.kill(process.pid, 'SIGKILL'),
  });
  process.stdout.write(`${emulator.endpoint}\n`);
  process.stderr.write(
    [
      `project ${project}, access key id ${accessKey.id}, ${dataDir === null ? 'nothing is kept' : `data in ${dataDir}`}`,
      `PyODPS: ODPS('${accessKey.id}', SECRET, '${project}', endpoint='${emulator.endpoint}')`,
      ...(flags.faults === undefined
        ? []
        : [`faults: curl -u ${accessKey.id}:SECRET ${emulator.endpoint.replace(/\/api$/, '/mcsync/faults')}`]),
      'Ctrl-C ends it.\n',
    ].join('\n'),
  );
  await stopped;
  await emulator.close();
  return exitCodes.done;
}

async function loadFaults(path: string, hasData: boolean): Promise<readonly Fault[]> {
  const wanted = 'a fault or a list of faults as JSON';
  const fix = 'See docs/emulator.md for each fault with an example.';
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new SyncError('USAGE', { seen: `--faults ${path}: ${(cause as Error).message}`, wanted, fix, cause });
  }
  const { faults, mistakes } = readFaults(value, { restart: !hasData, kill: false });
  if (mistakes.length === 0) return faults;
  throw new SyncError('USAGE', {
    seen: `--faults ${path}\n${mistakes.map((each) => `  ${each}`).join('\n')}`,
    wanted,
    fix,
  });
}

function untilStopped(): Promise<void> {
  return new Promise((resolveStopped) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolveStopped());
  });
}
