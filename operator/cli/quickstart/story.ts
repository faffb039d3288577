/** What the quickstart tells: numbered steps, the commands it runs, tables. Plain text where nobody watches. */
import { relative } from 'node:path';
import type { Writable } from 'node:stream';

export interface Story {
  step(title: string): void;
  say(line: string): void;
  /** A command as a user would type it. */
  command(args: readonly string[]): void;
  /** A line that a command printed. */
  echo(line: string): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  verdict(isGood: boolean, line: string): void;
}

const codes = { bold: '1', dim: '2', green: '32', red: '31', cyan: '36' } as const;

export function createStory(output: Writable & { readonly isTTY?: boolean }, startedMs: number): Story {
  const isColored = output.isTTY === true && process.env.NO_COLOR === undefined;
  const paint = (style: keyof typeof codes, text: string): string =>
    isColored ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
  const write = (line: string): void => {
    output.write(`${line}\n`);
  };
  let steps = 0;
  return {
    step(title) {
      steps += 1;
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
      write(`\n${paint('bold', `${steps}. ${title}`)} ${paint('dim', `(${seconds} s)`)}`);
    },
    say: (line) => write(`   ${line}`),
    command: (args) => write(`   ${paint('cyan', `$ mcsync ${args.map(quoteArgument).join(' ')}`)}`),
    echo: (line) => write(`   ${paint('dim', '|')} ${line}`),
    table(head, rows) {
      const widths = head.map((title, column) =>
        Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
      );
      const isNumber = head.map((_, column) => rows.every((row) => /^[\d,.]*$/.test(row[column] ?? '')));
      const line = (cells: readonly string[]): string =>
        cells
          .map((cell, column) =>
            isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
          )
          .join('  ')
          .trimEnd();
      write(`   ${paint('dim', line(head))}`);
      for (const row of rows) write(`   ${line(row)}`);
    },
    verdict: (isGood, line) => write(`\n${paint(isGood ? 'green' : 'red', paint('bold', line))}`),
  };
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** As a person in the working directory would type it. */
export function shownPath(path: string): string {
  return relative('', path) || path;
}

function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
