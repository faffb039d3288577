/** Pages of docs/ that say what the code says: texts by file name. Pure. */
import { errorCatalog } from '../base/error-codes.js';
import { exitCodes } from '../base/exit-codes.js';
import { findingCatalog } from '../prepare/finding-codes.js';
import { buildProgram } from './program.js';

export function generatedPages(): Record<string, string> {
  return { 'errors.md': errorsPage(), 'cli.md': cliPage() };
}

const generated = '<!-- made by `npm run generate`; do not edit -->';

function errorsPage(): string {
  const errors = Object.entries(errorCatalog).sort(([a], [b]) => (a < b ? -1 : 1));
  const findings = Object.entries(findingCatalog).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${[
    generated,
    '# Errors and findings',
    'Every failure has a code, what was seen, what was wanted, and the fix. A bug is not one of these: it ends with exit code 1 and a stack trace.',
    '## Exit codes',
    table(
      ['code', 'means'],
      Object.entries(exitCodes).map(([name, code]) => [String(code), exitMeanings[name as keyof typeof exitCodes]]),
    ),
    '## Errors',
    'A *retryable* error is tried again by mcsync itself; the exit code is what a command or worker ends with when that does not help, or not in time.',
    table(
      ['code', 'kind', 'exit', 'means'],
      errors.map(([code, { kind, exitCode, meaning }]) => [`\`${code}\``, kind, String(exitCode), meaning]),
    ),
    '## Findings of the precheck',
    'A finding is an error, a warning or a note. An error of an *ignorable* code can be accepted with `precheck.ignoreCodes`; of any other code it cannot, since the task could not go on, or data would be lost. A source or target that cannot be reached is a finding with the code of its error.',
    table(
      ['code', 'ignorable', 'means'],
      findings.map(([code, { isIgnorable, meaning }]) => [`\`${code}\``, isIgnorable ? 'yes' : 'no', meaning]),
    ),
  ].join('\n\n')}\n`;
}

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done',
  bug: 'a bug of mcsync',
  precheckFailed: 'the precheck failed',
  badInput: 'bad input: command line, task file, secrets, state folder',
  positionLost: 'the binary log that the checkpoint needs is gone',
  credentialsRejected: 'credentials or rights were rejected',
  incompatibleChange: 'a change that cannot be carried over without loss; a person decides',
  anotherWriter: 'another process has the task',
  sourceIdentityChanged: 'the server at the address is not the one it was',
  tryAgainLater: 'try again later; nothing is lost',
};

function cliPage(): string {
  const program = buildProgram(() => undefined);
  const shown = program.commands.filter((command) => command.name() !== 'worker');
  const help = [program, ...shown].map((command) => {
    let text = '';
    command.configureOutput({
      writeOut: (part) => (text += part),
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    const title = command === program ? 'mcsync' : `mcsync ${command.name()}`;
    return `## ${title}\n\n\`\`\`\n${text.trim()}\n\`\`\``;
  });
  return `${[generated, '# Command line', ...help, ...jsonSections()].join('\n\n')}\n`;
}

/** What `-o json` and `-o yaml` show. Fields are added, never renamed or taken away. */
function jsonSections(): string[] {
  return [
    '## JSON of `mcsync precheck`',
    table(
      ['field', 'is'],
      [
        ['`task`', 'name of the task'],
        ['`result`', '`Passed`, `PassedWithWarnings` or `Failed`'],
        [
          '`findings[]`',
          '`code`, `severity` (`error`, `warning`, `info`), `subject`, `seen`, `wanted`, `fix`; `ignored: true` where the task accepts the error',
        ],
      ],
    ),
    '## JSON of `mcsync status`',
    table(
      ['field', 'is'],
      [
        ['`task`, `isRunning`', 'name of the task; whether a process works on it'],
        [
          '`phase`',
          '`Pending`, `Prechecking`, `PrecheckFailed`, `InitialSchema`, `InitialData`, `Synchronizing`, `Suspended`, `Failed`, `PositionLost` or `Completed`',
        ],
        [
          '`message`, `failure`',
          'why the task is not further; `failure` has `code`, `seen`, `wanted`, `fix`, or is null',
        ],
        ['`conditions[]`', '`type`, `status` (`True`, `False`, `Unknown`), `reason`, `message`'],
        ['`precheck`', 'numbers of `errors`, `warnings` and `ignored` errors; null before the first one'],
        [
          '`tables[]`',
          '`table` (`database.table` of the source), `baseTable`, `logTable`, `phase`, `rowsCopied`, `rowsEstimate`, `percent`, `completeSince` (first moment that a merge can show, or null)',
        ],
        ['`position`, `recordId`', 'where the checkpoint stands in the binary log; the last record id given'],
        ['`lagMs`', 'how far the change logs are behind the source; null before the first event'],
        [
          '`changes`, `caughtUp`',
          'row changes committed; whether all that the source had written when streaming began is committed',
        ],
        ['`nulled`', 'how many values became NULL by `types.onUnrepresentable`, by `database.table.column`'],
        ['`restarts`, `savedAt`', 'restarts of workers in this run; when the checkpoint was saved'],
      ],
    ),
  ];
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}
