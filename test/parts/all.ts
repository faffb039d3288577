/** Every part that some suite needs, in one place. */
import { javaSdk, jdbc } from './java-sdk.js';
import { mariadb } from './mariadb.js';
import { mydumper } from './mydumper.js';
import { mysql56 } from './mysql56.js';
import { mysql97 } from './mysql97.js';
import type { Part } from './part.js';
import { pyodps } from './pyodps.js';
import { tmpfs } from './tmpfs.js';

export const allParts: readonly Part[] = [mysql56, mariadb, mysql97, mydumper, pyodps, javaSdk, jdbc, tmpfs];
