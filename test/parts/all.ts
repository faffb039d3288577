/** Every part that some suite needs, in one place. */
import { javaSdk, jdbc } from './java-sdk.js';
import { mydumper } from './mydumper.js';
import type { Part } from './part.js';
import { pyodps } from './pyodps.js';

export const allParts: readonly Part[] = [mydumper, pyodps, javaSdk, jdbc];
