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
  return `${[generated, '# Command line', ...help].join('\n\n')}\n`;
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}
