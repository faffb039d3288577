/**
 * Bounds of a key range as SQL. Values are texts that the server made and only the server compares: the order of a
 * collation is nothing to rebuild here. Texts and bytes travel as hexadecimal digits in the column's own character set.
 */
import type { ChunkRange } from '../model/ports.js';
import type { SourceColumn, SourceType } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { quoteName, quoteText } from './quote.js';

interface Bound {
  /** What to select to get the text of a value. */
  select(name: string): string;
  /** The text as a literal that compares with the column as another row's value would. */
  literal(text: string): string;
}

const plain = (name: string): string => name;
const asNumber: Bound = { select: plain, literal: (text) => text };
const asQuoted: Bound = { select: plain, literal: quoteText };

/** Null for what cannot be compared as it is ordered: ENUM and SET (ordered by number, compared as text), FLOAT and DOUBLE (rounded as text). */
function boundOf(type: SourceType): Bound | null {
  switch (type.kind) {
    case 'int':
    case 'decimal':
      return asNumber;
    case 'bit':
      return { select: (name) => `${name}+0`, literal: (text) => text };
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
    case 'year':
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return asQuoted;
    case 'text':
      return { select: (name) => `HEX(${name})`, literal: (hex) => `_${type.charset} X'${hex}'` };
    case 'bytes':
      return { select: (name) => `HEX(${name})`, literal: (hex) => `X'${hex}'` };
    default:
      return null;
  }
}

/** The leading key columns that ranges are made of; none where the first one cannot be compared. */
export class RangeColumns {
  /** Quoted names, in key order. */
  readonly names: readonly string[];
  readonly #bounds: readonly Bound[];

  constructor(plan: Pick<TablePlan, 'key' | 'sourceColumns'>) {
    const names: string[] = [];
    const bounds: Bound[] = [];
    for (const name of plan.key ?? []) {
      const column = plan.sourceColumns.find((candidate) => candidate.name === name) as SourceColumn;
      const bound = boundOf(column.type);
      if (bound === null) break;
      names.push(quoteName(name));
      bounds.push(bound);
    }
    this.names = names;
    this.#bounds = bounds;
  }

  /** A list to select: the texts of one row's bound. */
  get selection(): string {
    return this.names.map((name, index) => (this.#bounds[index] as Bound).select(name)).join(', ');
  }

  /** `after < key AND key <= upTo`; null where both ends are open. */
  condition(range: ChunkRange): string | null {
    const parts: string[] = [];
    if (range.after) parts.push(...this.#compare(range.after, '>', '>'));
    if (range.upTo) parts.push(...this.#compare(range.upTo, '<', '<='));
    return parts.length === 0 ? null : parts.join(' AND ');
  }

  /**
   * `(a > 1 OR (a = 1 AND (b > 2)))`: MySQL finds no index range in `(a, b) > (1, 2)` (bug 16247). The first column is
   * bounded once more by itself, for optimisers that give up on the OR.
   */
  #compare(values: readonly string[], strict: '>' | '<', last: '>' | '<='): string[] {
    const literals = values.map((value, index) => (this.#bounds[index] as Bound).literal(value));
    let condition = '';
    for (let index = literals.length - 1; index >= 0; index -= 1) {
      const name = this.names[index];
      const literal = literals[index];
      condition =
        condition === ''
          ? `${name} ${last} ${literal}`
          : `(${name} ${strict} ${literal} OR (${name} = ${literal} AND ${condition}))`;
    }
    return literals.length === 1 ? [condition] : [`${this.names[0]} ${strict}= ${literals[0]}`, condition];
  }
}
