/**
 * The pipeline with one rule of docs/design.md, section 5, taken out at a time. Each must be caught: a rule that can go
 * without anyone noticing is not tested, or is no rule.
 */
import type { Edit } from './patched-pipeline.js';

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const saveIntent = 'await checkpoint.update((value) => ({ ...value, intent: checkedIntent({ upTo, sessions }) }));';
const settleSessions =
  'const missing = await settleIntent(sessions, { ...context, confirmIntent: () => checkpoint.confirm() });';

export const mutants: readonly Mutant[] = [
  {
    name: 'skip-the-reload',
    edits: [
      {
        file: 'model/fenced-document.ts',
        find: 'return this.#inTurn(() => this.#confirm());',
        replace: 'return Promise.resolve();',
      },
    ],
  },
  {
    name: 'save-the-intent-late',
    edits: [
      {
        file: 'pipeline/flush.ts',
        find: saveIntent,
        replace: `const late = context.clock.sleep(300).then(() => checkpoint.update((value) => ({ ...value, intent: checkedIntent({ upTo, sessions }) })));
    late.catch(() => undefined);`,
      },
      { file: 'pipeline/flush.ts', find: settleSessions, replace: `${settleSessions}\n    await late;` },
    ],
  },
  {
    name: 'new-ids-on-retry',
    edits: [
      {
        file: 'pipeline/recovery.ts',
        find: 'const counter = { next: checkpoint.value.recordId + 1 };',
        replace: 'const counter = { next: upTo.recordId + 1 };',
      },
      { file: 'pipeline/recovery.ts', find: 'if (recordId !== wantedId) throw', replace: 'if (false) throw' },
      { file: 'pipeline/recovery.ts', find: 'if (seen !== wanted) throw', replace: 'if (false) throw' },
    ],
  },
  {
    name: 'no-fence',
    edits: [
      {
        file: 'model/fenced-document.ts',
        find: 'if (!sameWrite(value.writer, this.#value.writer)) throw',
        replace: 'if (false) throw',
      },
      {
        file: 'model/fenced-document.ts',
        find: 'if (!sameWrite(current.writer, this.#value.writer)) throw',
        replace: 'if (false) throw',
      },
    ],
  },
  {
    name: 'commit-before-the-intent',
    edits: [
      { file: 'pipeline/flush.ts', find: saveIntent, replace: '' },
      { file: 'pipeline/flush.ts', find: settleSessions, replace: `${settleSessions}\n    ${saveIntent}` },
    ],
  },
  {
    name: 'replay-all-sessions',
    edits: [
      {
        file: 'pipeline/recovery.ts',
        find: 'await sendAgain(missing, intent.upTo, input)',
        replace: 'await sendAgain(intent.sessions, intent.upTo, input)',
      },
    ],
  },
  {
    name: 'count-while-committing',
    edits: [
      {
        file: 'model/recovery.ts',
        find: "    case 'GONE':\n      return 'count';\n    case 'CLOSING':\n    case 'COMMITTING':",
        replace: "    case 'GONE':\n    case 'COMMITTING':\n      return 'count';\n    case 'CLOSING':",
      },
    ],
  },
  {
    name: 'one-block-id-with-two-contents',
    edits: [
      {
        file: 'pipeline/upload.ts',
        find: 'const id = this.#nextBlockId;\n    this.#nextBlockId += 1;',
        replace: 'const id = this.#inFlight.size > 0 ? this.#nextBlockId - 1 : this.#nextBlockId++;',
      },
      {
        file: 'pipeline/upload.ts',
        find: 'this.#sent.push({ id, rows: block.rows, crc: block.crc });',
        replace: `const same = this.#sent.findIndex((each) => each.id === id);
      if (same >= 0) this.#sent.splice(same, 1);
      this.#sent.push({ id, rows: block.rows, crc: block.crc });`,
      },
    ],
  },
  {
    name: 'one-read-table-goes-on-in-its-old-session',
    edits: [
      {
        file: 'pipeline/snapshot-parts.ts',
        find: 'chunks === 1 ? await newBaseSession(copy) : await baseSession(copy, to - from)',
        replace: 'await baseSession(copy, chunks === 1 ? copy.settings.blocksPerSessionMax : to - from)',
      },
    ],
  },
  {
    name: 'no-wait-between-counts',
    edits: [
      {
        file: 'pipeline/settle.ts',
        find: 'if (count !== session.rows) await context.clock.sleep(recountDelayMs, context.signal);',
        replace: '',
      },
    ],
  },
  {
    name: 'changed-session-is-committed',
    edits: [
      {
        file: 'model/recovery.ts',
        find: "return sameBlocks(session.blocks, state.blocks) ? 'commit' : 'changed';",
        replace: "return 'commit';",
      },
    ],
  },
  {
    name: 'unanswered-save-is-taken-for-saved',
    edits: [
      {
        file: 'model/fenced-document.ts',
        find: 'failure = error;',
        replace: 'return String(Number(expected ?? 0) + 1);',
      },
    ],
  },
  {
    name: 'refused-claim-is-taken-for-an-earlier-one',
    edits: [
      {
        file: 'model/fenced-document.ts',
        find: 'epoch - 1 === displacedEpoch',
        replace: 'displacedEpoch !== null',
      },
    ],
  },
  {
    name: 'watermark-is-ignored',
    edits: [
      {
        file: 'pipeline/watches.ts',
        find: 'watermark: last?.recordId ?? memory.sinceRecordId',
        replace: 'watermark: 0',
      },
    ],
  },
  {
    name: 'complete-at-once',
    edits: [
      {
        file: 'pipeline/table-states.ts',
        find: 'if (!hasReached(position, table.completeAfter)) continue;',
        replace: '',
      },
    ],
  },
  {
    name: 'no-flush-before-a-schema-change',
    edits: [
      {
        file: 'pipeline/stream-pass.ts',
        find: '    await this.#flushNow();\n    const { documents, checkpoint, warehouse, book',
        replace: '    const { documents, checkpoint, warehouse, book',
      },
    ],
  },
];
