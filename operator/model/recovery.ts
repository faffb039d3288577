/**
 * What to do about one upload session of a stored intent: the rule, without the doing. Each case was needed in a model
 * of the protocol; leaving one out lost or doubled rows (docs/design.md, exactly once).
 */
import type { UploadState } from './ports.js';

export interface BlockCount {
  readonly id: number;
  readonly rows: number;
}

export type SessionDecision =
  /** The list is as saved: it may be committed. */
  | 'commit'
  /** Its rows are in the table. */
  | 'done'
  /** The server has not made up its mind: ask again, and never count meanwhile. */
  | 'ask-again'
  /** The server has forgotten it: only the rows in the table can tell. */
  | 'count'
  /** Open, but holds other blocks than were saved: never commit it; it must expire first. */
  | 'changed';

export function decideSession(
  session: { readonly blocks: readonly BlockCount[] },
  state: UploadState,
): SessionDecision {
  switch (state.status) {
    case 'NORMAL':
      return sameBlocks(session.blocks, state.blocks) ? 'commit' : 'changed';
    case 'CLOSED':
      return 'done';
    case 'EXPIRED':
    case 'CANCELED':
    case 'GONE':
      return 'count';
    case 'CLOSING':
    case 'COMMITTING':
    case 'CRITICAL':
    case 'UNKNOWN':
      return 'ask-again';
  }
}

/** Same ids with the same row counts, in any order: a commit takes everything that the server holds. */
export function sameBlocks(ours: readonly BlockCount[], theirs: readonly BlockCount[]): boolean {
  if (ours.length !== theirs.length) return false;
  const rowsById = new Map(theirs.map((block) => [block.id, block.rows]));
  return rowsById.size === ours.length && ours.every((block) => rowsById.get(block.id) === block.rows);
}
