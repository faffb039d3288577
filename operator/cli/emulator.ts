/** `mcsync emulator`: a local MaxCompute, until Ctrl-C. */
import { resolve } from 'node:path';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { startEmulator } from '../emulator/emulator.js';

export interface EmulatorFlags {
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly project: string;
  readonly accessKey: { readonly id: string; readonly secret: string };
}

export async function emulatorCommand(flags: EmulatorFlags): Promise<ExitCode> {
  const { port, host, project, accessKey } = flags;
  const dataDir = flags.data === undefined ? null : resolve(flags.data);
  const stopped = untilStopped();
  const emulator = await startEmulator({
    port,
    host,
    dataDir,
    project,
    accessKeyId: accessKey.id,
    accessKeySecret: accessKey.secret,
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${emulator.endpoint}\n`);
  process.stderr.write(
    [
      `project ${project}, access key id ${accessKey.id}, ${dataDir === null ? 'nothing is kept' : `data in ${dataDir}`}`,
      `PyODPS: ODPS('${accessKey.id}', SECRET, '${project}', endpoint='${emulator.endpoint}')`,
      'Ctrl-C ends it.\n',
    ].join('\n'),
  );
  await stopped;
  await emulator.close();
  return exitCodes.done;
}

function untilStopped(): Promise<void> {
  return new Promise((resolveStopped) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolveStopped());
  });
}
