/** The figures of a campaign, as a table for a terminal and as a file. */
import { cpus } from 'node:os';
import type { CampaignResult } from './campaign.js';

export function isWell({ verdict }: CampaignResult): boolean {
  return verdict.faults.length === 0;
}

/** Name and number, one per line. */
export function renderFigures(result: CampaignResult): string {
  return figures(result)
    .map(([name, value]) => `  ${name.padEnd(62)} ${value.padStart(12)}`)
    .join('\n');
}

export function renderVerdict(result: CampaignResult): string {
  if (isWell(result)) return 'PASSED: 0 lost, 0 doubled, 0 torn; every merge equals the source';
  const counts = Object.entries(result.verdict.counts).map(([kind, count]) => `  ${count} x ${kind}`);
  return ['FAILED', ...counts, 'the first ones:', ...result.verdict.faults.map((fault) => `  ${fault}`)].join('\n');
}

export function renderReport(result: CampaignResult, at: Date): string {
  const { options, serverVersion, mcsyncVersion } = result;
  const command = `npm run campaign -- --kills ${options.kills} --server ${options.server} --seed ${options.seed} --writers ${options.writers} --rows ${options.rows}`;
  const limit = Number.isFinite(options.minutes) ? ` --minutes ${options.minutes}` : '';
  return [
    `# Fault campaign: ${result.kills} kills on ${options.server === 'mysql56' ? 'MySQL' : 'MariaDB'} ${serverVersion}`,
    '',
    `**${renderVerdict(result)}**`,
    '',
    'Writers keep a history of what they do; faults hit mcsync, its server, the emulator and the wires between them. At the end a',
    'checker that shares no code with mcsync holds the history against the change logs, row by row (each change once, both images,',
    'transactions whole and in order, ids without gaps), and the merge of each table against the source.',
    '',
    `    ${command}${limit}`,
    '',
    `${at.toISOString().slice(0, 16)}Z, mcsync ${mcsyncVersion}, ${serverVersion}, Node ${process.version}, ${cpus().length} cores. The seed draws`,
    "faults and rows; what meets what in time is the machine's.",
    '',
    '| figure | |',
    '| --- | ---: |',
    ...figures(result).map(([name, value]) => `| ${name} | ${value} |`),
    '',
  ].join('\n');
}

function figures(result: CampaignResult): [string, string][] {
  const { kills, faults, moments, verdict, faultsMs, wholeMs } = result;
  const sum = Object.values(faults).reduce((total, count) => total + count, 0);
  const rows: [string, number | string][] = [
    ['kills', kills],
    ['faults, kills included', sum],
    ...sorted(faults).map(([name, count]): [string, number] => [`- ${name}`, count]),
    ...sorted(moments).map(([name, count]): [string, number] => [`faults ${name}`, count]),
    ...Object.entries(result.figures),
    ...Object.entries(verdict.figures),
    ['seconds of faults', Math.round(faultsMs / 1000)],
    ['seconds in all', Math.round(wholeMs / 1000)],
    ...['lost', 'twice', 'torn', 'gap'].map((word): [string, number] => [
      `found: ${word}`,
      countOf(verdict.counts, word),
    ]),
    ['found: faults of any kind', Object.values(verdict.counts).reduce((total, count) => total + count, 0)],
  ];
  return rows.map(([name, value]) => [name, typeof value === 'number' ? value.toLocaleString('en-US') : value]);
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function countOf(counts: Readonly<Record<string, number>>, word: string): number {
  return Object.entries(counts)
    .filter(([kind]) => kind.includes(word))
    .reduce((total, [, count]) => total + count, 0);
}
