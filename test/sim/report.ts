/** What a simulation tells a person: the figures, and each failing seed with its last lines and the way to repeat it. */
import { writeFileSync } from 'node:fs';
import { faultKinds } from './faults.js';
import type { ShownSeed } from './seeds.js';
import type { Totals } from './totals.js';

export function renderFailure(
  failed: ShownSeed,
  { isTraced, mutant }: { readonly isTraced: boolean; readonly mutant: { readonly name: string } | null },
): string {
  const lines = isTraced ? failed.trace : failed.lastLines;
  const { shrunk, seed, failure } = failed;
  const smaller = shrunk
    ? `\nsmallest found in ${shrunk.runs} runs: ${shrunk.entriesLeft} entries in the log, ${shrunk.faultsLeft} faults; its ${isTraced ? '' : 'last '}lines:`
    : '';
  const repeat = `npm run simulate -- --seed ${seed} --runs 1${mutant ? ` --mutant ${mutant.name}` : ''}`;
  const head = failure === null ? `seed ${seed} held` : `seed ${seed} failed: ${failure}`;
  return `${head}${smaller}\n${lines.map((line) => `  ${line}\n`).join('')}repeat: ${repeat}\n\n`;
}

export function renderSummary(totals: Totals, seconds: number): string {
  const rows = figures(totals, seconds).map(([name, value]) => `${name.padEnd(28)} ${value}`);
  return `${rows.join('\n')}\n${totals.failed === 0 ? 'all seeds held' : `${totals.failed} of ${totals.seeds} seeds failed: ${renderKinds(totals)}`}\n`;
}

/** JSON or Markdown, by the file's name. */
export function saveReport(file: string, totals: Totals, shown: readonly ShownSeed[], seconds: number): void {
  if (file.endsWith('.json')) {
    const failures = totals.failures.map((failure) => ({
      ...failure,
      text: shown.find((each) => each.seed === failure.seed)?.failure ?? null,
    }));
    writeFileSync(file, `${JSON.stringify({ ...totals, seconds, failures }, null, 2)}\n`);
    return;
  }
  const lines = [
    '# Simulation',
    '',
    'The code of `operator/pipeline` over a simulated source, MaxCompute, network, store and clock; one history and one set of',
    'faults per seed. After each save of the checkpoint and each commit: nothing lost, doubled, torn, invented or under another id, and each',
    'complete table folds into what the source had. `npm run simulate` repeats it.',
    '',
    '| | |',
    '| --- | --- |',
    ...figures(totals, seconds).map(([name, value]) => `| ${name} | ${value} |`),
    `| failed seeds | ${totals.failed === 0 ? '0' : `${totals.failed}: ${renderKinds(totals)}`} |`,
    '',
    '| fault | times | what it is |',
    '| --- | ---: | --- |',
    ...Object.entries(faultKinds).map(([kind, what]) => `| ${kind} | ${count(totals.faults[kind] ?? 0)} | ${what} |`),
    '',
    '| how workers ended | times |',
    '| --- | ---: |',
    ...Object.entries(totals.ends)
      .toSorted((a, b) => b[1] - a[1])
      .map(([how, times]) => `| ${how} | ${count(times)} |`),
    '',
  ];
  writeFileSync(file, lines.join('\n'));
}

function figures(totals: Totals, seconds: number): [string, string][] {
  const faults = Object.values(totals.faults).reduce((sum, each) => sum + each, 0);
  return [
    [
      'seeds',
      `${count(totals.seeds)}, from ${totals.firstSeed}${totals.mutant ? `, without a rule: ${totals.mutant}` : ''}`,
    ],
    ['lives of workers', `${count(totals.lives)}, ${count(totals.kills)} of them killed`],
    ['faults', `${count(faults)} of ${Object.keys(totals.faults).length} kinds`],
    ['row changes', `${count(totals.changes)} in ${count(totals.rows)} log rows`],
    ['committed sessions', count(totals.commits)],
    ['simulated hours', count(Math.round(totals.simulatedHours))],
    ['events', count(totals.events)],
    ['seconds', seconds.toFixed(1)],
  ];
}

function renderKinds({ failures }: Totals): string {
  const kinds = new Map<string, number[]>();
  for (const { kind, seed } of failures) kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  return [...kinds].map(([kind, seeds]) => `${kind} (seed ${seeds.slice(0, 5).join(', ')})`).join('; ');
}

const count = (value: number): string => value.toLocaleString('en-US');
