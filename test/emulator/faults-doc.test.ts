import { readFileSync } from 'node:fs';
import { requestKinds, sessionEffects } from '../../operator/emulator/faults/fault.js';
import { readFaults } from '../../operator/emulator/faults/fault-reader.js';

/** docs/emulator.md shows every fault as it is taken. */
const text = readFileSync(new URL('../../docs/emulator.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^(\{"\w+": .*?\}) {3}/gm)].map(([, json]) => JSON.parse(json as string) as object);

test('every example is a fault', () => {
  const faults = examples.map((effect) => {
    const name = Object.keys(effect)[0] as keyof typeof sessionEffects;
    return { on: sessionEffects[name]?.[0] ?? 'any', do: effect };
  });
  expect(readFaults(faults, { restart: false, kill: false })).toEqual({ faults, mistakes: [] });
});

test('every kind of fault and of request is shown', () => {
  const { mistakes } = readFaults({ on: 'any', do: {} }, { restart: false, kill: false });
  const names = /exactly one of (.*)$/.exec(mistakes[0] as string)?.[1]?.split(', ') ?? [];
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !examples.some((effect) => name in effect))).toEqual([]);
  expect(requestKinds.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([]);
});
