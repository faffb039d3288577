// jest reporter: a line for each file, failures in full, the reason for each suite that was skipped, and as the very
// last line `N passed, N failed` or `N passed, N failed, N skipped`. A file that cannot be loaded counts as a failure.
import { relative } from 'node:path';

// As in parts/part.ts, which puts it there.
const skipMark = '[skipped]';

export default class Reporter {
  #counts = { passed: 0, failed: 0, skipped: 0 };
  #running = new Set();
  #skipped = new Set();
  #deadline;

  onRunStart() {
    const deadlineMs = Number(process.env.MCSYNC_TEST_DEADLINE_MS ?? 0);
    if (deadlineMs > 0) this.#deadline = setTimeout(() => this.#giveUp(deadlineMs), deadlineMs);
  }

  onTestFileStart(test) {
    this.#running.add(relative(process.cwd(), test.path));
  }

  onTestFileResult(test, result) {
    const path = relative(process.cwd(), test.path);
    this.#running.delete(path);
    const failed = result.testExecError ? Math.max(1, result.numFailingTests) : result.numFailingTests;
    this.#counts.passed += result.numPassingTests;
    this.#counts.failed += failed;
    this.#counts.skipped += result.numPendingTests + result.numTodoTests;
    for (const { status, fullName, ancestorTitles } of result.testResults) {
      if (status !== 'pending') continue;
      // A suite that says why is one line; a test that a suite leaves out on some server is named.
      const reason = ancestorTitles.find((title) => title.startsWith(skipMark));
      this.#skipped.add(`${path}: ${reason?.slice(skipMark.length).trim() ?? fullName}`);
    }
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    say(`${failed > 0 ? 'FAILED' : 'ok    '} ${path} (${result.numPassingTests} passed, ${seconds} s)`);
    if (result.failureMessage) say(result.failureMessage);
  }

  onRunComplete() {
    clearTimeout(this.#deadline);
    this.#summarize();
  }

  getLastError() {
    return this.#counts.passed + this.#counts.failed === 0 ? new Error('no test ran') : undefined;
  }

  #giveUp(deadlineMs) {
    for (const path of this.#running) say(`FAILED ${path} (not finished after ${Math.round(deadlineMs / 1000)} s)`);
    this.#counts.failed += Math.max(1, this.#running.size);
    this.#summarize();
    process.exit(1);
  }

  #summarize() {
    for (const what of this.#skipped) say(`skipped ${what}`);
    const { passed, failed, skipped } = this.#counts;
    say(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
