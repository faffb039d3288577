// The test command: gets the parts that need no root, runs jest, and ends with one line of counts.
// Arguments go to jest: `npm test -- test/mysql`. Bounded in time as a whole, so that a hanging server is a failure.
import { spawn } from 'node:child_process';
import './typescript.mjs';

const startedMs = performance.now();
const minutesMax = process.env.MCSYNC_LIVE === '1' ? 60 : 6;
// What is left of the six minutes is for compiling before and for ending the servers after.
const testMsMax = minutesMax * 60_000 - 25_000;
const partMsMax = 100_000;

await getParts();
process.exitCode = await runJest(process.argv.slice(2));

async function getParts() {
  const { allParts } = await import('./parts/all.ts');
  const wanted = allParts.filter((part) => part.get && part.missing() !== null);
  await Promise.all(
    wanted.map(async (part) => {
      say(`getting ${part.name}`);
      await part.get(AbortSignal.timeout(partMsMax)).catch((error) => say(`cannot get ${part.name}: ${error.message}`));
    }),
  );
}

function runJest(args) {
  const deadlineMs = Math.round(testMsMax - (performance.now() - startedMs));
  const jest = new URL('../node_modules/jest/bin/jest.js', import.meta.url).pathname;
  const options = [...args, '--maxWorkers=2', '--reporters=<rootDir>/test/reporter.mjs'];
  const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, MCSYNC_TEST_DEADLINE_MS: String(deadlineMs) },
    // Its own process group: workers that hang, and what they started, end with it.
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.once('exit', () => killGroup(child.pid));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // nobody is left: as it should be
  }
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
