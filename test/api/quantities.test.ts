import { nearest } from '../../operator/api/near.js';
import { parseDurationMs, parseSizeBytes } from '../../operator/api/quantities.js';

describe('durations', () => {
  it.each([
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1h0m1s', 3_601_000],
    ['0s', 0],
  ])('%s is %d ms', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(['', '60', 's', '1m1h', '-5s', '1.5h', '5 m', '1d'])('%j is none', (text) => {
    expect(() => parseDurationMs(text)).toThrow(RangeError);
  });
});

describe('sizes', () => {
  it.each([
    ['64Mi', 67_108_864],
    ['512Ki', 524_288],
    ['1Gi', 1_073_741_824],
    ['100', 100],
  ])('%s is %d bytes', (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected);
  });

  it.each(['', 'Mi', '64MB', '1.5Gi', '-1'])('%j is none', (text) => {
    expect(() => parseSizeBytes(text)).toThrow(RangeError);
  });
});

describe('did you mean', () => {
  it.each([
    ['prot', ['host', 'port'], 'port'],
    ['HOST', ['host', 'port'], 'host'],
    ['paswd', ['password', 'username'], null],
    ['x', ['abc', 'def'], null],
    ['flushIntervall', ['flushBytes', 'flushInterval'], 'flushInterval'],
    ['ordres', ['orders', 'order_items'], 'orders'],
  ])('%j of %j: %j', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });
});
