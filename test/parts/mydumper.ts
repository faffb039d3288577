import { spawnSync } from 'node:child_process';
import type { Part } from './part.js';

/** The fastest one-connection reader of MySQL tables known: what the snapshot is measured against. */
export const mydumper: Part = {
  name: 'mydumper',
  missing: () =>
    spawnSync('mydumper', ['--version']).error ? 'no mydumper on the PATH: apt-get install mydumper' : null,
};
