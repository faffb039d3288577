import { SyncError } from '../../operator/base/errors.js';
import type { Envelope } from '../../operator/model/documents.js';
import { type Claim, FencedDocument } from '../../operator/model/fenced-document.js';
import type { CheckpointStore } from '../../operator/model/ports.js';

interface Note extends Envelope {
  readonly text: string;
}

const noAnswer = new SyncError('STORE_UNAVAILABLE', { seen: 'no answer', wanted: 'one', fix: 'wait' });

/** One document; `onSave` may keep the answer back, or let the save land later. */
class OneDocument {
  body: string | null = null;
  version = 0;
  onSave: (land: () => void) => void = (land) => land();
  onLoad: () => void = () => undefined;

  get text(): string | undefined {
    return this.body === null ? undefined : (JSON.parse(this.body) as Note).text;
  }

  readonly store: CheckpointStore = {
    load: async () => {
      this.onLoad();
      return this.body === null ? null : { body: this.body, version: String(this.version) };
    },
    save: async (_, body, expected) => {
      let isSaved = false;
      this.onSave(() => {
        if ((this.body === null ? null : String(this.version)) !== expected) return;
        this.body = body;
        this.version += 1;
        isSaved = true;
      });
      return isSaved ? { saved: true, version: String(this.version) } : { saved: false };
    },
  };

  claim(writerId: string): Promise<FencedDocument<Note>> {
    const claim: Claim = { store: this.store, name: 'note', taskId: 't', writerId, version: 'test' };
    return FencedDocument.claim<Note>(claim, (previous) => ({ text: previous?.text ?? 'begun' }));
  }
}

const code = (error: unknown): string => (error instanceof SyncError ? error.code : String(error));

test('a save whose answer is lost is read back', async () => {
  const one = new OneDocument();
  const document = await one.claim('a');
  one.onSave = (land) => {
    one.onSave = (next) => next();
    land();
    throw noAnswer;
  };
  await document.update(() => ({ text: 'first' }));
  await document.update(() => ({ text: 'second' }));
  expect(one.text).toBe('second');
});

test('behind a save whose outcome is not known nothing is taken for saved that is not', async () => {
  const one = new OneDocument();
  const document = await one.claim('a');
  let landLate: () => void = () => undefined;
  one.onSave = (land) => {
    landLate = land;
    throw noAnswer;
  };
  one.onLoad = () => {
    throw noAnswer;
  };
  const first = await document.update(() => ({ text: 'first' })).then(() => 'saved', code);
  one.onSave = (land) => land();
  one.onLoad = () => undefined;
  landLate();
  const second = await document.update(() => ({ text: 'second' })).then(() => 'saved', code);
  expect([first, second]).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
  await expect(document.confirm().then(() => 'ours', code)).resolves.toBe('STORE_UNAVAILABLE');
  expect(one.text).toBe('first');
  const next = await one.claim('b');
  expect(next.value.text).toBe('first');
});

test('one that is displaced learns it at its next save, and at a look', async () => {
  const one = new OneDocument();
  const document = await one.claim('a');
  await one.claim('b');
  await expect(document.confirm().then(() => 'ours', code)).resolves.toBe('ANOTHER_WRITER');
  await expect(document.update(() => ({ text: 'mine' })).then(() => 'saved', code)).resolves.toBe('ANOTHER_WRITER');
  expect(one.text).toBe('begun');
});
