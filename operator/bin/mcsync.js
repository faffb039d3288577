#!/usr/bin/env node
// The program as npm links it: the compiled one is not there when npm makes its links in a fresh clone.
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('mcsync is not compiled yet: run `npm run build` first.\n');
  process.exitCode = 64;
}
