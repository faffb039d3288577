// A fault campaign by hand: `npm run campaign -- --kills N`. See options.ts for what it takes, campaign.ts for what it does.
import { writeFileSync } from 'node:fs';
import '../typescript.mjs';

const { readOptions, usage } = await import('./options.ts');
const { runCampaign } = await import('./campaign.ts');
const { isWell, renderFigures, renderReport, renderVerdict } = await import('./report.ts');

const linesApart = 50;
const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  say(usage);
  process.exit(0);
}
let options;
try {
  options = readOptions(args, Date.now());
} catch (error) {
  say(`${error.message}\n\n${usage}`);
  process.exit(64);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort(new Error(signal)));
let faults = 0;
const progress = {
  fault(line, kills) {
    faults += 1;
    if (process.stderr.isTTY || faults % linesApart === 0) say(`${kills}/${options.kills} ${line}`);
  },
  stage: say,
};

try {
  const result = await runCampaign(options, progress, stop.signal);
  say(`\n${renderFigures(result)}\n\n${renderVerdict(result)}`);
  if (options.report !== null) writeFileSync(options.report, renderReport(result, new Date()));
  for (const folder of result.kept) say(`kept: ${folder}`);
  process.exit(isWell(result) ? 0 : 1);
} catch (error) {
  say(
    stop.signal.aborted
      ? `stopped by ${stop.signal.reason.message}; everything is removed`
      : (error.stack ?? error.message),
  );
  process.exit(stop.signal.aborted ? 130 : 1);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
