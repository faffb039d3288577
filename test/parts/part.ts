/**
 * Parts: what a suite needs beyond Node (a server, Python, Java). Each says whether it is here and how to get it;
 * all.ts names every one of them. In: parts and a suite. Out: the suite, or one line that says why it is skipped.
 * A part must never be a silent reason for a green run: what MCSYNC_REQUIRE names (comma list) fails when it is missing.
 */

export interface Part {
  /** As MCSYNC_REQUIRE spells it. */
  readonly name: string;
  /** Null when the part is here; else what is not there, and how to get it. Quick and synchronous: suites are declared with it. */
  missing(): string | null;
  /** Gets the part without root; `npm test` calls it where `missing` says so. Rejects when it cannot. */
  get?(signal: AbortSignal): Promise<void>;
}

/** Stands at the head of a skipped suite's name; the reporter prints such names as the reasons. */
export const skipMark = '[skipped]';

/** `describe`, for suites that need parts. */
export function describeWithPart(parts: Part | readonly Part[], title: string, body: () => void): void {
  const needed: readonly Part[] = 'name' in parts ? [parts] : parts;
  const absent = needed.flatMap((part) => {
    const reason = part.missing();
    return reason === null ? [] : [{ part, reason }];
  });
  const required = absent.filter(({ part }) => requiredParts().has(part.name));
  if (required.length > 0) {
    describe(title, () => {
      test.each(required)('has its part $part.name, which MCSYNC_REQUIRE names', ({ part, reason }) => {
        throw new Error(`${part.name}: ${reason}`);
      });
    });
  } else if (absent.length > 0) {
    const reasons = absent.map(({ part, reason }) => `${part.name}: ${reason}`).join('; ');
    describe.skip(`${skipMark} ${title}: needs ${reasons}`, body);
  } else {
    describe(title, body);
  }
}

/** `describe`, for suites that are too slow for every run: on with MCSYNC_LIVE=1, as in .ci/run. */
export function describeWhenLive(parts: Part | readonly Part[], title: string, body: () => void): void {
  if (process.env.MCSYNC_LIVE === '1') describeWithPart(parts, title, body);
  else describe.skip(`${skipMark} ${title}: slow; set MCSYNC_LIVE=1 to run it`, body);
}

export function requiredParts(): ReadonlySet<string> {
  return new Set((process.env.MCSYNC_REQUIRE ?? '').split(',').filter((name) => name !== ''));
}
