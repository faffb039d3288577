/** When the next fault comes: soon after the last one, or at a moment that matters, however busy the machine is. */
import type { Random } from './random.js';
import type { World } from './world.js';

export interface Moment {
  readonly name: string;
  readonly weight: number;
  readonly wait: (world: World, random: Random) => Promise<void>;
}

export const moments: readonly Moment[] = [
  { name: 'at once', weight: 2, wait: (_, random) => sleep(random.below(300)) },
  { name: 'soon', weight: 3, wait: (_, random) => sleep(200 + random.below(1_200)) },
  { name: 'at a save', weight: 3, wait: atSave },
  { name: 'at a commit', weight: 3, wait: atCommit },
  { name: 'after progress', weight: 3, wait: afterProgress },
];

/** What a moment waits for may not come while something else is broken: then any moment is as good. */
const waitMsMax = 4_000;
const progressMsMax = 15_000;

/** A document was saved just now: an intent before its commits, a checkpoint after them, a claim, a plan. */
async function atSave(world: World, random: Random): Promise<void> {
  let stop = (): void => {};
  await within(
    waitMsMax,
    new Promise<void>((resolve) => {
      stop = world.state.listen(() => resolve());
    }),
  );
  stop();
  if (random.chance(0.7)) await sleep(random.below(40));
}

/** A commit of an upload session is on its way to the server. */
async function atCommit(world: World, random: Random): Promise<void> {
  if (world.target.onPiece !== null) return;
  await within(
    waitMsMax,
    new Promise<void>((resolve) => {
      world.target.onPiece = (piece) => {
        if (isCommit(piece)) resolve();
        return 'pass';
      };
    }),
  );
  world.target.onPiece = null;
  if (random.chance(0.6)) await sleep(random.below(30));
}

/** Record ids went on: what was under way has been committed. */
async function afterProgress(world: World, random: Random): Promise<void> {
  const before = world.state.checkpoint()?.recordId ?? 0;
  let stop = (): void => {};
  await within(
    progressMsMax,
    new Promise<void>((resolve) => {
      stop = world.state.listen((document) => {
        if (document === 'checkpoint' && (world.state.checkpoint()?.recordId ?? 0) > before) resolve();
      });
    }),
  );
  stop();
  await sleep(random.below(500));
}

/** POST with an upload id commits a session; with `uploads` it opens one, and blocks are PUT. */
export function isCommit(piece: Buffer): boolean {
  return /^POST \S*[?&]uploadid=/.test(piece.toString('latin1', 0, 400));
}

async function within(ms: number, event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    event,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
