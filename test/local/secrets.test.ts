import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecretReader, writeSecrets } from '../../operator/local/secrets.js';

let dir: string;
let nowMs = 0;
const clock = { monotonicMs: () => nowMs };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mcsync-secrets-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const values = (password: string) => new Map([['mysql', new Map([['password', password]])]]);

test('what is written is read, by the owner alone', async () => {
  await writeSecrets(join(dir, 's'), values('päss'));
  expect(createSecretReader(join(dir, 's'), clock).read('mysql', 'password')).toBe('päss');
  const modes = await Promise.all(['s', 's/mysql', 's/mysql/password'].map((path) => stat(join(dir, path))));
  expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '700', '600']);
});

test('a changed file is read anew, at most a second later', async () => {
  await writeSecrets(dir, values('old'));
  const reader = createSecretReader(dir, clock);
  expect(reader.read('mysql', 'password')).toBe('old');
  await writeSecrets(dir, values('new'));
  expect(reader.read('mysql', 'password')).toBe('old');
  nowMs += 1_000;
  expect(reader.read('mysql', 'password')).toBe('new');
});

test('a file that goes and comes back is followed', async () => {
  await writeSecrets(dir, values('one'));
  const reader = createSecretReader(dir, clock);
  const path = join(dir, 'mysql', 'password');
  expect(reader.readOptional('mysql', 'password')).toBe('one');
  await rename(path, `${path}.away`);
  nowMs += 1_000;
  expect(reader.readOptional('mysql', 'password')).toBeNull();
  await rename(`${path}.away`, path);
  nowMs += 1_000;
  expect(reader.readOptional('mysql', 'password')).toBe('one');
});

test('the line end that an editor adds is no part of a secret; one inside is', async () => {
  await writeSecrets(dir, new Map([['tls', new Map([['ca.crt', 'a\nb\n']])]]));
  await writeFile(join(dir, 'tls', 'windows'), 'x\r\n');
  const reader = createSecretReader(dir, clock);
  expect(reader.read('tls', 'ca.crt')).toBe('a\nb');
  expect(reader.read('tls', 'windows')).toBe('x');
});

test('a missing one is told by its place, never by a value', () => {
  const reader = createSecretReader(dir, clock);
  expect(reader.readOptional('mysql', 'password')).toBeNull();
  expect(() => reader.read('mysql', 'password')).toThrow(
    expect.objectContaining({ code: 'SECRET_MISSING', seen: expect.stringContaining(join('mysql', 'password')) }),
  );
});

test('a folder that is a file is told, with its place', async () => {
  const file = join(dir, 'task.yaml');
  await writeFile(file, '');
  expect(() => createSecretReader(file, clock).readOptional('mysql', 'password')).toThrow(
    expect.objectContaining({ code: 'SECRET_MISSING', seen: expect.stringContaining('cannot be read (ENOTDIR)') }),
  );
});
