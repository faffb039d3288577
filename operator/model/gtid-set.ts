/**
 * Sets of executed transactions, as the two flavours write them. MySQL: intervals per source,
 * `3e11fa47-...:1-5:7,...`, a tag (8.3 and later) makes another source. MariaDB: the last transaction per domain, `0-1-100,1-2-3`.
 * In: the text of a server or checkpoint, then transaction by transaction. Out: the text again. Pure.
 */
import { assert } from '../base/assert.js';

export class MysqlGtidSet {
  /** Per source (`uuid` or `uuid:tag`) its intervals, flat and ascending: first, last, first, last, ... */
  readonly #intervals = new Map<string, number[]>();
  /** Text of the set around the number that grows with each transaction, so that rendering costs no walk. */
  #frame: { readonly source: string; readonly before: string; readonly after: string } | null = null;
  #lastSource = '';

  /** Null when the text is not a GTID set. Line breaks after commas, as the server writes them, are skipped. */
  static parse(text: string): MysqlGtidSet | null {
    const set = new MysqlGtidSet();
    for (const block of text.replace(/\s/g, '').split(',')) {
      if (block === '') continue;
      const [uuid = '', ...parts] = block.toLowerCase().split(':');
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) || parts.length === 0) return null;
      let source = uuid;
      for (const part of parts) {
        if (/^[a-z_][a-z0-9_]{0,31}$/.test(part)) {
          source = `${uuid}:${part}`;
          continue;
        }
        const match = /^(\d+)(?:-(\d+))?$/.exec(part);
        if (!match) return null;
        const first = Number(match[1]);
        const last = Number(match[2] ?? match[1]);
        if (first < 1 || !Number.isSafeInteger(last)) return null;
        if (first <= last) set.addInterval(source, first, last);
      }
    }
    return set;
  }

  get isEmpty(): boolean {
    return this.#intervals.size === 0;
  }

  add(source: string, number: number): void {
    this.#lastSource = source;
    const intervals = this.#intervals.get(source);
    const end = intervals === undefined ? -1 : intervals.length - 1;
    if (intervals !== undefined && intervals[end] === number - 1) {
      intervals[end] = number;
      if (this.#frame?.source !== source || intervals[end - 1] === number - 1) this.#frame = null;
      return;
    }
    this.addInterval(source, number, number);
  }

  addInterval(source: string, first: number, last: number): void {
    assert(first >= 1 && first <= last && Number.isSafeInteger(last), 'a GTID interval is ascending and exact');
    this.#frame = null;
    const before = this.#intervals.get(source) ?? [];
    const after: number[] = [];
    let from = first;
    let upTo = last;
    let isPlaced = false;
    for (let index = 0; index < before.length; index += 2) {
      const start = before[index] as number;
      const end = before[index + 1] as number;
      if (end < from - 1) after.push(start, end);
      else if (start > upTo + 1) {
        if (!isPlaced) after.push(from, upTo);
        isPlaced = true;
        after.push(start, end);
      } else {
        from = Math.min(from, start);
        upTo = Math.max(upTo, end);
      }
    }
    if (!isPlaced) after.push(from, upTo);
    this.#intervals.set(source, after);
  }

  has(source: string, number: number): boolean {
    return this.#covers(source, number, number);
  }

  contains(other: MysqlGtidSet): boolean {
    for (const [source, intervals] of other.#intervals) {
      for (let index = 0; index < intervals.length; index += 2) {
        if (!this.#covers(source, intervals[index] as number, intervals[index + 1] as number)) return false;
      }
    }
    return true;
  }

  /** The transactions of this set that `other` does not have. */
  minus(other: MysqlGtidSet): MysqlGtidSet {
    const left = new MysqlGtidSet();
    for (const [source, intervals] of this.#intervals) {
      const holes = other.#intervals.get(source) ?? [];
      for (let index = 0; index < intervals.length; index += 2) {
        let from = intervals[index] as number;
        const upTo = intervals[index + 1] as number;
        for (let at = 0; at < holes.length && from <= upTo; at += 2) {
          const [start, end] = [holes[at] as number, holes[at + 1] as number];
          if (end < from || start > upTo) continue;
          if (start > from) left.addInterval(source, from, start - 1);
          from = end + 1;
        }
        if (from <= upTo) left.addInterval(source, from, upTo);
      }
    }
    return left;
  }

  #covers(source: string, first: number, last: number): boolean {
    const intervals = this.#intervals.get(source) ?? [];
    for (let index = 0; index < intervals.length; index += 2) {
      if ((intervals[index] as number) <= first && last <= (intervals[index + 1] as number)) return true;
    }
    return false;
  }

  /** Canonical: sources in order, tags within their uuid, as `@@gtid_executed` shows them, without line breaks. */
  toString(): string {
    const frame = this.#frame;
    if (frame !== null) return `${frame.before}${this.#intervals.get(frame.source)?.at(-1)}${frame.after}`;
    return this.#render();
  }

  /** The text; the frame is kept round the end of the source that grew last. */
  #render(): string {
    let text = '';
    let uuidBefore = '';
    let end = { from: 0, to: 0 };
    for (const source of [...this.#intervals.keys()].sort()) {
      const uuid = source.slice(0, 36);
      text += uuid === uuidBefore ? source.slice(36) : `${text === '' ? '' : ','}${source}`;
      uuidBefore = uuid;
      const intervals = this.#intervals.get(source) as number[];
      for (let index = 0; index < intervals.length; index += 2) {
        const first = intervals[index] as number;
        const last = intervals[index + 1] as number;
        text += first === last ? `:${first}` : `:${first}-${last}`;
        if (source !== this.#lastSource) continue;
        end = first === last ? { from: 0, to: 0 } : { from: text.length - String(last).length, to: text.length };
      }
    }
    if (end.to > 0)
      this.#frame = { source: this.#lastSource, before: text.slice(0, end.from), after: text.slice(end.to) };
    return text;
  }
}

export class MariadbGtidPosition {
  readonly #domains = new Map<number, { serverId: number; sequence: number }>();

  /** Null when the text is not a GTID position. */
  static parse(text: string): MariadbGtidPosition | null {
    const position = new MariadbGtidPosition();
    for (const part of text.replace(/\s/g, '').split(',')) {
      if (part === '') continue;
      const match = /^(\d+)-(\d+)-(\d+)$/.exec(part);
      if (!match || !Number.isSafeInteger(Number(match[3]))) return null;
      position.add(Number(match[1]), Number(match[2]), Number(match[3]));
    }
    return position;
  }

  get isEmpty(): boolean {
    return this.#domains.size === 0;
  }

  /** The last transaction of a domain is the one that came last in the log; its sequence need not be larger. */
  add(domain: number, serverId: number, sequence: number): void {
    const last = this.#domains.get(domain);
    if (last === undefined) {
      this.#domains.set(domain, { serverId, sequence });
      return;
    }
    last.serverId = serverId;
    last.sequence = sequence;
  }

  /** Every domain of `other` is here, at its sequence or later: enough between positions of one history. */
  contains(other: MariadbGtidPosition): boolean {
    for (const [domain, { sequence }] of other.#domains) {
      if ((this.#domains.get(domain)?.sequence ?? 0) < sequence) return false;
    }
    return true;
  }

  /** Each domain that is here has the same last transaction there. */
  isPartOf(other: MariadbGtidPosition): boolean {
    return [...this.#domains].every(([domain, { serverId, sequence }]) => {
      const last = other.#domains.get(domain);
      return last?.serverId === serverId && last.sequence === sequence;
    });
  }

  toString(): string {
    let text = '';
    for (const [domain, { serverId, sequence }] of this.#domains) {
      text += `${text === '' ? '' : ','}${domain}-${serverId}-${sequence}`;
    }
    return text;
  }
}

/**
 * What a MariaDB server has written to its log (`gtid_binlog_state`): the last transaction per domain and server. It tells
 * a server that wrote on without our last transactions, whose sequence has passed theirs all the same, from one that has them.
 */
export class MariadbGtidState {
  readonly #last = new Map<string, number>();

  /** Null when the text is not a GTID state. */
  static parse(text: string): MariadbGtidState | null {
    const state = new MariadbGtidState();
    for (const part of text.replace(/\s/g, '').split(',')) {
      if (part === '') continue;
      const match = /^(\d+-\d+)-(\d+)$/.exec(part);
      if (!match || !Number.isSafeInteger(Number(match[2]))) return null;
      state.#last.set(match[1] as string, Number(match[2]));
    }
    return state;
  }

  has(transaction: string): boolean {
    const [, key = '', sequence] = /^(\d+-\d+)-(\d+)$/.exec(transaction) ?? [];
    return (this.#last.get(key) ?? 0) >= Number(sequence);
  }
}

/** True when every transaction of `inner` is in `outer`; null when one of the texts is not of this flavour. */
export function gtidSetContains(flavor: GtidFlavor, outer: string, inner: string): boolean | null {
  if (flavor === 'mysql') {
    const [a, b] = [MysqlGtidSet.parse(outer), MysqlGtidSet.parse(inner)];
    return a === null || b === null ? null : a.contains(b);
  }
  const [a, b] = [MariadbGtidPosition.parse(outer), MariadbGtidPosition.parse(inner)];
  return a === null || b === null ? null : a.contains(b);
}

export type GtidFlavor = 'mysql' | 'mariadb';

/** Whose form a text that is not empty has. */
export function gtidFlavorOf(text: string): GtidFlavor {
  return text.includes(':') ? 'mysql' : 'mariadb';
}

/**
 * The transactions of `wanted` that a server lacks, '' for none; null when a text is not of this flavour. `held`: MySQL's
 * `gtid_executed`, MariaDB's `gtid_binlog_state`. MariaDB names the last transaction of a domain only.
 */
export function missingGtids(flavor: GtidFlavor, held: string, wanted: string): string | null {
  if (flavor === 'mysql') {
    const [has, wants] = [MysqlGtidSet.parse(held), MysqlGtidSet.parse(wanted)];
    return has === null || wants === null ? null : wants.minus(has).toString();
  }
  const [state, position] = [MariadbGtidState.parse(held), MariadbGtidPosition.parse(wanted)];
  if (state === null || position === null) return null;
  const lasts = position.toString().split(',');
  return lasts.filter((last) => last !== '' && !state.has(last)).join(',');
}
