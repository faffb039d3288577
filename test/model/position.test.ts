import { SyncError } from '../../operator/base/errors.js';
import {
  type BinlogPosition,
  comparePositions,
  hasReached,
  isOtherHistory,
  onServer,
  placeKey,
} from '../../operator/model/position.js';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

function place(server: string | null, file: string, offset: number, gtidSet: string | null = null): BinlogPosition {
  return { file, offset, gtidSet, ...(server === null ? {} : { server }) };
}

function codeOf(step: () => unknown): string {
  try {
    return String(step());
  } catch (error) {
    return error instanceof SyncError ? error.code : `a bug: ${error}`;
  }
}

describe('positions of one server', () => {
  it('are ordered by the number of the file, then by offset, whatever their GTIDs', () => {
    const ordered = [place('a', 'binlog.000002', 900), place('a', 'binlog.000010', 4), place('a', 'binlog.1000000', 4)];
    const shuffled = [2, 0, 1].map((index) => ordered[index] as BinlogPosition);
    expect(shuffled.toSorted(comparePositions)).toEqual(ordered);
    expect(hasReached(place('a', 'b.1', 9, `${uuid}:1-3`), place('a', 'b.1', 9, `${uuid}:1-5`))).toBe(true);
  });

  it('are those that do not say whose they are, too', () => {
    expect(hasReached(place(null, 'b.2', 4), place('a', 'b.1', 9))).toBe(true);
    expect(hasReached(place('a', 'b.1', 4), place(null, 'b.1', 9))).toBe(false);
  });
});

describe('positions of two servers', () => {
  it.each([
    ['has all of it and more', `${uuid}:1-9`, `${uuid}:1-8`, 'true'],
    ['has just that', `${uuid}:1-8`, `${uuid}:1-8`, 'true'],
    ['lacks the last', `${uuid}:1-7`, `${uuid}:1-8`, 'false'],
    ['lacks one in the middle', `${uuid}:1-3:5-9`, `${uuid}:1-8`, 'false'],
    ['has another history', `${uuid}:1-7,4${uuid.slice(1)}:1-50`, `${uuid}:1-8`, 'false'],
    ['has all of it (MariaDB)', '0-2-101,1-1-7', '0-1-100', 'true'],
    ['lacks the last (MariaDB)', '0-1-99', '0-1-100', 'false'],
    ['lacks a domain (MariaDB)', '0-2-101', '0-1-100,1-1-7', 'false'],
    ['keeps no GTIDs', null, `${uuid}:1-8`, 'SOURCE_IDENTITY_CHANGED'],
    ['has GTIDs, and the target none', `${uuid}:1-8`, null, 'SOURCE_IDENTITY_CHANGED'],
    ['is of the other kind', '0-2-101', `${uuid}:1-8`, 'SOURCE_IDENTITY_CHANGED'],
  ])('are ordered by GTIDs alone: one that %s', (_, held, wanted, outcome) => {
    // File and offset say the contrary each time.
    const position = place('b', outcome === 'true' ? 'binlog.000001' : 'binlog.000009', 4, held);
    expect(codeOf(() => hasReached(position, place('a', 'binlog.000005', 4, wanted)))).toBe(outcome);
  });

  it('have no other order', () => {
    const [a, b] = [place('a', 'b.1', 4, `${uuid}:1`), place('b', 'b.1', 4, `${uuid}:1-2`)];
    expect(codeOf(() => comparePositions(a, b))).toBe('SOURCE_IDENTITY_CHANGED');
  });

  it('are of two histories unless one is known to hold the other', () => {
    const read = place('a', 'b.5', 4, `${uuid}:1-8`);
    expect(isOtherHistory(place('b', 'b.1', 4, `${uuid}:1-9`), read)).toBe(false);
    expect(isOtherHistory(place('b', 'b.9', 4, `${uuid}:1-7`), read)).toBe(true);
    expect(isOtherHistory(place('b', 'b.9', 4), read)).toBe(true);
    expect(isOtherHistory(place('a', 'b.1', 4, `${uuid}:1`), read)).toBe(false);
  });
});

test('a place in one log is not that place in another', () => {
  expect(placeKey(place('a', 'b.1', 4))).not.toBe(placeKey(place('b', 'b.1', 4)));
  expect(placeKey(place(null, 'b.1', 4))).toBe('b.1:4');
});

test('a position of an earlier version gets the server that the task began with', () => {
  const identity = { flavor: 'mysql', version: '8.4.0', serverUuid: uuid, serverId: 3, gtidDomain: null } as const;
  expect(onServer(place(null, 'b.1', 4), identity).server).toBe(uuid);
  expect(onServer(place(null, 'b.1', 4), { ...identity, flavor: 'mariadb', serverUuid: null }).server).toBe('3');
  expect(onServer(place('b', 'b.1', 4), identity).server).toBe('b');
});
