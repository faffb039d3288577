import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cachePath, fillCache, runCommand } from './cache.js';
import type { Part } from './part.js';

const version = '0.13.2';
/** PyODPS hands out TIMESTAMP values as pandas' own, and refuses them without it. */
const pandas = 'pandas>=2.2,<3';
const folder = `pyodps-${version}-pandas`;
/** Modules are put beside the interpreter by `pip --target`: unlike a virtual environment, that may be moved. */
export const pyodpsModules = cachePath(folder);

/** Official Python client of MaxCompute: run `python3` with PYTHONPATH=`pyodpsModules`. */
export const pyodps: Part = {
  name: 'pyodps',
  missing: () =>
    existsSync(`${pyodpsModules}/odps/__init__.py`)
      ? null
      : `PyODPS ${version} is not in .cache: npm test gets it by pip, which needs python3 with pip or venv`,
  async get(signal) {
    await fillCache(folder, async (target) => {
      const args = [
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--target',
        target,
        `pyodps==${version}`,
        pandas,
      ];
      const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;
      if (hasPip) return runCommand('python3', ['-m', 'pip', ...args], signal);
      await fillCache('pip', (venv) => runCommand('python3', ['-m', 'venv', venv], signal));
      await runCommand(`${cachePath('pip')}/bin/python3`, ['-m', 'pip', ...args], signal);
    });
  },
};
