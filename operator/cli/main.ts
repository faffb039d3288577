#!/usr/bin/env node
import { runProgram } from './program.js';

// Sockets that linger must not hold a command that is done.
process.exit(await runProgram(process.argv.slice(2)));
