import { SyncError } from '../../operator/base/errors.js';
import { withPatience } from '../../operator/base/rejection-patience.js';
import { manualClock } from '../maxcompute/manual-clock.js';

const rejected = (): SyncError =>
  new SyncError('SOURCE_CREDENTIALS_REJECTED', { seen: 'no', wanted: 'yes', fix: 'change it' });
const isRejection = ({ code }: SyncError): boolean =>
  code === 'SOURCE_CREDENTIALS_REJECTED' || code === 'SECRET_MISSING';

/** Secrets by the second of the clock at which they are in the file; the server takes one of them. */
function rotation(file: (ms: number) => string, isTaken: (secret: string, ms: number) => boolean) {
  const clock = manualClock();
  const tries: [secret: string, seconds: number][] = [];
  const waits: number[] = [];
  const patience = {
    clock,
    waitMs: 120_000,
    onWait: (_: SyncError, __: number, delayMs: number) => waits.push(delayMs),
  };
  const step = {
    read: () => file(clock.monotonicMs()),
    isRejection,
    run: async (secret: string) => {
      tries.push([secret, clock.monotonicMs() / 1000]);
      if (!isTaken(secret, clock.monotonicMs())) throw rejected();
      return secret;
    },
  };
  return { clock, tries, waits, patience, step };
}

test('without patience a rejection goes up at once', async () => {
  const { tries, step } = rotation(
    () => 'old',
    () => false,
  );
  await expect(withPatience(undefined, step)).rejects.toMatchObject({ code: 'SOURCE_CREDENTIALS_REJECTED' });
  expect(tries).toEqual([['old', 0]]);
});

test('a secret that changes in the file is tried within a second', async () => {
  const { tries, waits, patience, step } = rotation(
    (ms) => (ms < 20_500 ? 'old' : 'new'),
    (secret) => secret === 'new',
  );
  expect(await withPatience(patience, step)).toBe('new');
  expect(tries).toEqual([
    ['old', 0],
    ['old', 15],
    ['new', 21],
  ]);
  expect(waits).toEqual([15_000, 45_000]);
});

test('a file that was changed before the server is tried again, a few times', async () => {
  const { tries, patience, step } = rotation(
    () => 'new',
    (_, ms) => ms >= 100_000,
  );
  expect(await withPatience(patience, step)).toBe('new');
  expect(tries.map(([, seconds]) => seconds)).toEqual([0, 15, 60, 120]);
});

test('after two minutes the rejection goes up, and no account was tried more than four times', async () => {
  const { clock, tries, patience, step } = rotation(
    () => 'old',
    () => false,
  );
  await expect(withPatience(patience, step)).rejects.toMatchObject({ code: 'SOURCE_CREDENTIALS_REJECTED' });
  expect(clock.monotonicMs()).toBe(120_000);
  expect(tries).toHaveLength(4);
});

test('a file that is gone for a moment is waited for', async () => {
  const { tries, patience, step } = rotation(
    (ms) => {
      if (ms < 3_000) throw new SyncError('SECRET_MISSING', { seen: 'no file', wanted: 'a file', fix: 'write it' });
      return 'new';
    },
    () => true,
  );
  expect(await withPatience(patience, step)).toBe('new');
  expect(tries).toEqual([['new', 3]]);
});

test('other failures, and the end of the worker, are not waited out', async () => {
  const { clock, patience, step } = rotation(
    () => 'old',
    () => false,
  );
  const away = new SyncError('SOURCE_UNREACHABLE', { seen: 'away', wanted: 'there', fix: 'wait' });
  await expect(withPatience(patience, { ...step, run: () => Promise.reject(away) })).rejects.toBe(away);
  const stop = new AbortController();
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await clock.sleep(ms);
    if (clock.monotonicMs() >= 5_000) stop.abort(new Error('asked to stop'));
    signal?.throwIfAborted();
  };
  const stopped = withPatience({ ...patience, clock: { ...clock, sleep }, signal: stop.signal }, step);
  await expect(stopped).rejects.toThrow('asked to stop');
});
