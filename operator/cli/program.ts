/**
 * The command line. In: arguments. Out: an exit code; results on stdout, all else on stderr. Each command stands in a file of
 * its own, loaded when it is called, so that `--help` answers at once. It prints no stack trace for a failure of the world.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import type { EmulatorFlags } from './emulator.js';
import { reportFailure } from './failure.js';
import { type OutputFormat, outputFormats } from './output.js';
import { version } from './version.js';

export interface TaskFlags {
  readonly file: string;
  readonly state?: string;
  readonly secrets?: string;
}

export interface ShowFlags extends TaskFlags {
  readonly output: OutputFormat;
}

export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.badInput;
    return reportFailure(error, process.stderr);
  }
}

export function buildProgram(end: (code: ExitCode) => void): Command {
  const program = new Command('mcsync')
    .description('MySQL tables, kept in MaxCompute, declared as code.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .showHelpAfterError('Try `mcsync --help`, or `mcsync COMMAND --help`.')
    .addHelpText('after', firstHelp);
  const commands = [quickstart, run, precheck, status, resnapshot, merge, emulator];
  for (const command of commands) program.addCommand(command(end).exitOverride().showHelpAfterError(false));
  program.addCommand(worker(end).exitOverride(), { hidden: true });
  for (const command of program.commands) command.configureHelp({ showGlobalOptions: false });
  return program;
}

const firstHelp = `
Start here:
  $ mcsync quickstart                 a MySQL and a MaxCompute on this machine; the main job, shown and proven
  $ mcsync precheck -f task.yaml      what stands in the way of your own task, each with its fix
  $ mcsync run -f task.yaml           schema, data, then every change, until Ctrl-C; run it again to resume

Exit codes: 0 done, 1 bug, 2 precheck failed, 64 bad input, 65 position lost, 66 credentials rejected,
67 incompatible change, 68 another writer took over, 69 source identity changed, 75 try again later.`;

type End = (code: ExitCode) => void;

function quickstart(end: End): Command {
  return new Command('quickstart')
    .description(
      'show the main job on this machine: embedded MySQL, local MaxCompute, sample traffic, row-by-row proof',
    )
    .option('--stay', 'leave everything up afterwards, until Ctrl-C')
    .option('--verify', 'compare once more what a `--stay` elsewhere keeps up')
    .addHelpText('after', examples(['mcsync quickstart --stay', 'mcsync quickstart --verify']))
    .action(async (flags: { stay?: boolean; verify?: boolean }) => {
      const { quickstartCommand } = await import('./quickstart.js');
      end(await quickstartCommand(flags));
    });
}

function run(end: End): Command {
  return onTask(new Command('run'))
    .description('run a task: precheck, initial schema, initial data, then every change; resumes where it stopped')
    .addOption(
      new Option('--until <point>', 'end with 0 at this point instead of staying').choices([
        'synchronizing',
        'caught-up',
      ]),
    )
    .option('-v, --verbose', 'also show what the workers report when all is well')
    .addHelpText(
      'after',
      `
  synchronizing: every baseline is complete and changes are streamed.
  caught-up:     all that the source had written when streaming began is committed.
${examples(['mcsync run -f task.yaml', 'mcsync run -f task.yaml --secrets /run/secrets --until caught-up'])}
  Ctrl-C commits what was read and ends; the same command resumes. A second Ctrl-C ends at once, and loses nothing either.`,
    )
    .action(async (flags: TaskFlags & { until?: 'synchronizing' | 'caught-up'; verbose?: boolean }) => {
      const { runCommand } = await import('./run.js');
      end(await runCommand(flags));
    });
}

function precheck(end: End): Command {
  return showing(onTask(new Command('precheck')))
    .description('find all that stands in the way of a task, and how to mend it; changes nothing')
    .addHelpText('after', examples(['mcsync precheck -f task.yaml', 'mcsync precheck -f task.yaml -o json']))
    .action(async (flags: ShowFlags) => {
      const { precheckCommand } = await import('./precheck.js');
      end(await precheckCommand(flags));
    });
}

function status(end: End): Command {
  return showing(onTask(new Command('status')))
    .description('show phase, progress, lag, position and the rows of each table')
    .option('-w, --watch', 'show it again whenever it changes, until Ctrl-C')
    .addHelpText('after', examples(['mcsync status -f task.yaml --watch', 'mcsync status -f task.yaml -o json']))
    .action(async (flags: ShowFlags & { watch?: boolean }) => {
      const { statusCommand } = await import('./status.js');
      end(await statusCommand(flags));
    });
}

function resnapshot(end: End): Command {
  return onTask(new Command('resnapshot'))
    .description('copy tables anew; also the way out of a stop that a schema change caused')
    .argument('<table...>', 'source tables as database.table; back-quotes round a part that holds a dot')
    .addHelpText(
      'after',
      examples(['mcsync resnapshot -f task.yaml shop.orders', 'mcsync resnapshot -f task.yaml shop.`a.b`'], true),
    )
    .action(async (tables: string[], flags: TaskFlags) => {
      const { resnapshotCommand } = await import('./resnapshot.js');
      end(await resnapshotCommand(tables, flags));
    });
}

function merge(end: End): Command {
  return onTask(new Command('merge'))
    .description('fold baseline and change log into the table as it was, in MaxCompute')
    .argument('<table...>', 'source tables as database.table; back-quotes round a part that holds a dot')
    .option(
      '--at <time>',
      'rows with utc_timestamp below it: ISO 8601 with zone, or epoch seconds; default: the checkpoint',
      parseTime,
    )
    .option('--into <name>', 'table that takes the result; default: the target name and the seconds of the time')
    .option('--print', 'print the SQL and run nothing')
    .addHelpText(
      'after',
      examples(
        [
          'mcsync merge -f task.yaml shop.orders',
          'mcsync merge -f task.yaml shop.orders --at 2026-11-22T08:00:00Z --into orders_at_8',
          'mcsync merge -f task.yaml shop.orders --print > orders.sql',
        ],
        true,
      ),
    )
    .action(async (tables: string[], flags: TaskFlags & { at?: number; into?: string; print?: boolean }) => {
      const { mergeCommand } = await import('./merge.js');
      end(await mergeCommand(tables, flags));
    });
}

function emulator(end: End): Command {
  return new Command('emulator')
    .description('a local MaxCompute that PyODPS, the Java SDK, JDBC and mcsync use as they are')
    .option('--port <n>', 'port to listen on; 0 takes a free one', parsePort, 8080)
    .option(
      '--host <address>',
      'address to listen on; others than this machine reach it only if you say so',
      '127.0.0.1',
    )
    .option('--data <dir>', 'folder that keeps tables and rows; default: none, nothing is kept')
    .option('--project <name>', 'project to serve', 'local')
    .option('--access-key <id:secret>', 'access key to accept', parseAccessKey, { id: 'local', secret: 'local-secret' })
    .option('--faults [file]', 'let faults be injected, by the admin API below /mcsync; those of a JSON file at once')
    .option('--clock-skew <time>', 'set its clock forward (90s, 5m, 25h) or back (-5m)', parseSkew, 0)
    .addOption(
      new Option('--second-commit <answer>', 'what a second commit of a session is answered: 409 or 200')
        .choices(['conflict', 'success'])
        .default('conflict'),
    )
    .addHelpText(
      'after',
      `${examples(['mcsync emulator --data ./warehouse --project warehouse --access-key me:secret', 'mcsync emulator --data ./warehouse --faults'])}
  PyODPS: ODPS('me', 'secret', 'warehouse', endpoint='http://127.0.0.1:8080/api')
  A commit that is carried out, and whose answer is lost:
  $ curl -u local:local-secret http://127.0.0.1:8080/mcsync/faults -d '{"on": "commit", "do": {"reset": "after"}}'`,
    )
    .action(async (flags: EmulatorFlags) => {
      const { emulatorCommand } = await import('./emulator.js');
      end(await emulatorCommand(flags));
    });
}

function worker(end: End): Command {
  return new Command('worker')
    .description('one worker of a task; started by `run` and by pods')
    .argument('<role>', 'prepare, snapshot or stream')
    .requiredOption('--task <file>', 'the task')
    .requiredOption('--store <place>', 'dir:PATH')
    .requiredOption('--secrets <dir>', 'folder with <secret>/<key> files')
    .option('--shard <i/n>', 'which part of the tables, and of how many', '0/1')
    .action(async (role: string, flags: { task: string; store: string; secrets: string; shard: string }) => {
      const { workerCommand } = await import('./worker.js');
      end(await workerCommand(role, flags));
    });
}

function onTask(command: Command): Command {
  return command
    .requiredOption('-f, --file <file>', 'task file: one SyncTask, and Secrets beside it; - reads standard input')
    .option('--state <dir>', 'state folder; default: .mcsync/<namespace>-<name>')
    .option('--secrets <dir>', 'take secrets from DIR/<secret>/<key> files, not from the task file');
}

function showing(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'form of the result').choices(outputFormats).default('table'),
  );
}

function examples(lines: readonly string[], isAfterArguments = false): string {
  const text = lines.map((line) => `  $ ${line}`).join('\n');
  return `\nExamples:\n${text}${isAfterArguments ? '\n  (quote back-quotes for your shell)' : ''}`;
}

/** Epoch seconds. Without a zone the same text would mean another moment on another machine. */
function parseTime(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const isWithZone = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i.test(text);
  const ms = isWithZone ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError('Wanted: a time with zone such as 2026-11-22T08:00:00Z, or epoch seconds.');
  }
  return Math.ceil(ms / 1000);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Wanted: a port from 0 to 65535.');
}

/** Milliseconds. */
function parseSkew(text: string): number {
  const [, amount, unit] = /^([+-]?\d{1,6})(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (unitMs === undefined) throw new InvalidArgumentError('Wanted: a time such as 90s, 5m, 25h or -5m.');
  return Number(amount) * unitMs;
}

function parseAccessKey(text: string): { id: string; secret: string } {
  const match = /^([^:\s]+):(\S+)$/.exec(text);
  if (match) return { id: match[1] as string, secret: match[2] as string };
  throw new InvalidArgumentError('Wanted: ID:SECRET.');
}
