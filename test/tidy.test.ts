/**
 * Rules of the house that no linter knows: who may import whom, where each library of the wire may be used, how long a
 * file gets, and words that have no place in the repository. (biome.json holds the rest: console, any, default exports, barrels.)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { repositoryRoot } from './parts/cache.js';

/** What each folder of operator/ may import, beside itself. `cli` alone sees everyone; nobody imports `cli`. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  api: ['base', 'model'],
  prepare: ['base', 'model', 'api'],
  merge: ['base', 'model'],
  pipeline: ['base', 'model', 'prepare', 'merge'],
  reconcile: ['base', 'model', 'api'],
  mysql: ['base', 'model'],
  maxcompute: ['base', 'model'],
  local: ['base', 'model'],
  kube: ['base', 'model', 'api'],
  emulator: ['base', 'model', 'maxcompute/records'],
  cli: [
    'base',
    'model',
    'api',
    'prepare',
    'merge',
    'pipeline',
    'reconcile',
    'mysql',
    'maxcompute',
    'local',
    'kube',
    'emulator',
  ],
};

/** Where a package may be imported. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  '@vlasky/zongji': ['mysql/binlog'],
  fzstd: ['mysql/binlog', 'emulator'],
  mysql2: ['mysql'],
  undici: ['maxcompute'],
  '@duckdb/node-api': ['emulator'],
  'fast-xml-parser': ['maxcompute', 'emulator'],
  '@kubernetes/client-node': ['kube'],
  zod: ['api'],
  yaml: ['api', 'cli'],
  commander: ['cli'],
  pino: ['cli'],
  'node:child_process': ['local', 'cli'],
};

const linesMax = 350;
/** Lists of like things may be longer. */
const lists = new Set(['operator/base/error-codes.ts']);

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const operatorFiles = filesBelow('operator').filter((path) => path.endsWith('.ts'));
const imports = operatorFiles.flatMap(importsOf);

describe('the import rule', () => {
  it('lets a folder import only what stands below it', () => {
    const forbidden = imports.filter(({ file, specifier }) => {
      if (!specifier.startsWith('.')) return false;
      const target = posix.join(posix.dirname(file), specifier);
      const from = folderOf(file);
      if (folderOf(target) === from) return false;
      return !(mayImport[from] ?? []).some((folder) => target.startsWith(`operator/${folder}/`));
    });
    expect(forbidden.map(show)).toEqual([]);
  });

  it('keeps each library of the wire in its one place', () => {
    const forbidden = imports.filter(({ file, specifier }) => {
      const homes = packageHomes[packageOf(specifier)];
      return homes !== undefined && !homes.some((home) => file.startsWith(`operator/${home}/`));
    });
    expect(forbidden.map(show)).toEqual([]);
  });

  it('uses only packages that operator/package.json declares', () => {
    const declared = new Set(['operator/package.json', 'operator/api/package.json'].flatMap(dependenciesOf));
    const undeclared = imports.filter(({ specifier }) => {
      const isPackage = !specifier.startsWith('.') && !specifier.startsWith('node:');
      return isPackage && !declared.has(packageOf(specifier));
    });
    expect(undeclared.map(show)).toEqual([]);
  });

  it('knows every folder', () => {
    const folders = new Set(operatorFiles.map(folderOf));
    expect([...folders].filter((folder) => mayImport[folder] === undefined)).toEqual([]);
  });
});

describe('package-lock.json', () => {
  interface Locked {
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly resolved?: string;
  }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> };

  it('names the optional packages of every platform, without which npm ci refuses to start', () => {
    // npm leaves out those that the registry of the day could not show it.
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${from}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
  });

  it('names no registry, so that everyone uses their own', () => {
    const named = Object.entries(packages).filter(([, { resolved }]) => resolved?.startsWith('http'));
    expect(named).toEqual([]);
  });
});

describe('files', () => {
  const texts = [...filesBelow('.')].filter((path) =>
    /\.(ts|mjs|md|json|ya?ml|py|java|sql|sh)$|Dockerfile|\.ci\/run$/.test(path),
  );

  it(`of code have at most ${linesMax} lines`, () => {
    const long = operatorFiles.filter((path) => !lists.has(path) && read(path).split('\n').length > linesMax + 1);
    expect(long).toEqual([]);
  });

  it('leave no work for later, and no paths or hosts of one machine', () => {
    // Written so that this file does not hold them itself.
    const words =
      /\bTO[D]O\b|\bFIX[M]E\b|\bXX[X]\b|\/work\/(main|shared|tmp)\b|\/ho[m]e\/\w|\/ro[o]t\/|registry\.np[m]js|py[p]i\.org/;
    const found = texts
      .filter((path) => path !== 'package-lock.json')
      .flatMap((path) =>
        read(path)
          .split('\n')
          .flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
  });

  it('of tests run all of their tests', () => {
    const focused = texts
      .filter((path) => path.endsWith('.test.ts'))
      .filter(
        (path) =>
          /\b(it|test|describe)\.(only|todo)\b|^\s*(it|test|describe)\.skip\(/m.test(read(path)) &&
          path !== 'test/tidy.test.ts',
      );
    expect(focused).toEqual([]);
  });
});

function importsOf(file: string): Import[] {
  const pattern = /^(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
  return [...read(file).matchAll(pattern)].map((match) => ({
    file,
    specifier: match[1] ?? match[2] ?? match[3] ?? '',
  }));
}

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function dependenciesOf(manifest: string): string[] {
  return Object.keys((JSON.parse(read(manifest)) as { dependencies?: object }).dependencies ?? {});
}

function filesBelow(folder: string): string[] {
  const skipped = new Set(['node_modules', 'dist', '.git', '.cache', '.mcsync', 'coverage']);
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = posix.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

function show({ file, specifier }: Import): string {
  return `${file} imports ${specifier}`;
}
