// The order of test files: the long end-to-end suites first, so that they do not run on alone when all else is done.
import sequencer from '@jest/test-sequencer';

export default class LongestFirst extends (sequencer.default ?? sequencer) {
  sort(tests) {
    const rank = ({ path }) => (path.includes('/test/live/') ? 0 : 1);
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
}
