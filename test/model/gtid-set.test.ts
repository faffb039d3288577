import fc from 'fast-check';
import { gtidSetContains, MariadbGtidPosition, MysqlGtidSet, missingGtids } from '../../operator/model/gtid-set.js';

const uuids = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '4e11fa47-71ca-11e1-9e33-c80aa9429562'] as const;
const sources = [uuids[0], uuids[1], `${uuids[0]}:tag`] as const;

/** The same set as one number per transaction. */
const transactions = fc.array(fc.tuple(fc.constantFrom(...sources), fc.integer({ min: 1, max: 30 })), {
  maxLength: 60,
});

function setOf(all: readonly (readonly [string, number])[]): MysqlGtidSet {
  const set = new MysqlGtidSet();
  for (const [source, number] of all) set.add(source, number);
  return set;
}

describe('a MySQL GTID set', () => {
  it('holds exactly what was added, in any order', () => {
    fc.assert(
      fc.property(transactions, (all) => {
        const set = setOf(all);
        const known = new Set(all.map(([source, number]) => `${source}:${number}`));
        for (const source of sources) {
          for (let number = 1; number <= 31; number += 1) {
            expect(set.has(source, number)).toBe(known.has(`${source}:${number}`));
          }
        }
      }),
    );
  });

  it('has one text, whatever the order of adding and however often it was rendered between', () => {
    fc.assert(
      fc.property(transactions, fc.infiniteStream(fc.boolean()), (all, coins) => {
        const set = new MysqlGtidSet();
        for (const [source, number] of all) {
          set.add(source, number);
          if (coins.next().value) set.toString();
        }
        const sorted = [...all].sort((a, b) => a[1] - b[1] || a[0].localeCompare(b[0]));
        expect(set.toString()).toBe(setOf(sorted).toString());
        expect(MysqlGtidSet.parse(set.toString())?.toString()).toBe(set.toString());
      }),
    );
  });

  it('contains another one when it has each of its transactions', () => {
    fc.assert(
      fc.property(transactions, transactions, (a, b) => {
        const outer = setOf(a);
        expect(outer.contains(setOf(b))).toBe(b.every(([source, number]) => outer.has(source, number)));
        expect(setOf([...a, ...b]).contains(outer)).toBe(true);
      }),
    );
  });

  it('reads what servers write', () => {
    const text = `${uuids[1]}:7,\n${uuids[0].toUpperCase()}:1-3:5-5:tag:1-2`;
    expect(MysqlGtidSet.parse(text)?.toString()).toBe(`${uuids[0]}:1-3:5:tag:1-2,${uuids[1]}:7`);
    expect(MysqlGtidSet.parse('')?.isEmpty).toBe(true);
  });

  it.each(['0-1-9', uuids[0], `${uuids[0]}:0`, `${uuids[0]}:1-99999999999999999999`, 'x:1'])('refuses %s', (text) => {
    expect(MysqlGtidSet.parse(text)).toBeNull();
  });
});

describe('a MariaDB GTID position', () => {
  it('keeps the last transaction of each domain', () => {
    const position = MariadbGtidPosition.parse('0-1-9,\n3-2-4');
    position?.add(3, 7, 5);
    position?.add(0, 1, 8);
    position?.add(9, 1, 1);
    expect(position?.toString()).toBe('0-1-8,3-7-5,9-1-1');
    expect(MariadbGtidPosition.parse(`${uuids[0]}:1`)).toBeNull();
  });

  it('contains another one when each domain is there and as far', () => {
    expect(gtidSetContains('mariadb', '0-1-9,3-2-4', '0-7-9')).toBe(true);
    expect(gtidSetContains('mariadb', '0-1-9', '0-1-10')).toBe(false);
    expect(gtidSetContains('mariadb', '0-1-9', '1-1-1')).toBe(false);
    expect(gtidSetContains('mariadb', '0-1-9', 'nonsense')).toBeNull();
  });
});

describe('what a server lacks', () => {
  const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  const other = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

  it.each([
    ['', `${uuid}:1-9`, `${uuid}:2-8`],
    [`${uuid}:9-10`, `${uuid}:1-8`, `${uuid}:1-10`],
    [`${uuid}:1:4-5:9`, `${uuid}:2-3:6-8`, `${uuid}:1-9`],
    [`${uuid}:5,${other}:1-3`, `${uuid}:1-4:6-9`, `${uuid}:1-9,${other}:1-3`],
    [`${uuid}:tag:2`, `${uuid}:1-9:tag:1`, `${uuid}:3:tag:1-2`],
    [`${uuid}:1-9`, '', `${uuid}:1-9`],
    [null, 'nonsense', `${uuid}:1`],
  ])('MySQL: %s of what is wanted', (missing, held, wanted) => {
    expect(missingGtids('mysql', held, wanted)).toBe(missing);
  });

  it('MySQL: exactly the transactions that are in one set and not in the other', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (state >> 8) % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const [held, wanted] = [new MysqlGtidSet(), new MysqlGtidSet()];
      const [heldNumbers, wantedNumbers] = [new Set<number>(), new Set<number>()];
      for (let step = 0; step < 12; step += 1) {
        const number = 1 + random(15);
        const isHeld = random(2) === 0;
        (isHeld ? held : wanted).add(uuid, number);
        (isHeld ? heldNumbers : wantedNumbers).add(number);
      }
      const left = wanted.minus(held);
      for (let number = 1; number <= 16; number += 1) {
        const isMissing = wantedNumbers.has(number) && !heldNumbers.has(number);
        expect({ seed, round, number, isMissing: left.has(uuid, number) }).toEqual({ seed, round, number, isMissing });
      }
    }
  });

  it.each([
    ['', '0-1-100,0-2-150,1-1-7', '0-1-100,1-1-6'],
    // It wrote on under its own id without our last ones: its sequence has passed theirs.
    ['0-1-100', '0-1-90,0-2-150', '0-1-100'],
    ['5-1-1', '0-1-100', '0-1-90,5-1-1'],
    ['0-1-1', '', '0-1-1'],
    [null, '0-1-100', `${uuid}:1`],
  ])('MariaDB: %s of what is wanted, by the last transaction of each server', (missing, state, wanted) => {
    expect(missingGtids('mariadb', state, wanted)).toBe(missing);
  });

  it('MariaDB: one position is a part of another when its domains end alike', () => {
    const parse = (text: string) => MariadbGtidPosition.parse(text) as MariadbGtidPosition;
    expect(parse('0-1-9').isPartOf(parse('1-1-3,0-1-9'))).toBe(true);
    expect(parse('0-1-9,1-1-3').isPartOf(parse('0-1-9'))).toBe(false);
    expect(parse('0-1-9').isPartOf(parse('0-1-10'))).toBe(false);
    expect(parse('0-2-9').isPartOf(parse('0-1-9'))).toBe(false);
  });
});
