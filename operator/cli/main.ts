#!/usr/bin/env node
import { exitCodes } from '../base/exit-codes.js';
import { runProgram } from './program.js';

// A reader that has seen enough (`| head`) is no failure; one of stderr that is gone takes the command with it, since
// nobody would ever learn what it does.
process.stdout.on('error', () => process.exit(exitCodes.done));
process.stderr.on('error', () => process.exit(exitCodes.tryAgainLater));

const exitCode = await runProgram(process.argv.slice(2));
// Pipes are written in the background on some platforms; sockets that linger must not hold a command that is done.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit(exitCode);
