/** A table of the source as mcsync sees it: what the server says about its columns, in the order the binary log uses. */

/** Shape of a MySQL or MariaDB column type. `charset` is MySQL's own name (`utf8mb4`, `latin1`, `gbk`, ...). */
export type SourceType =
  | {
      readonly kind: 'int';
      readonly bytes: 1 | 2 | 3 | 4 | 8;
      readonly unsigned: boolean;
      readonly displayWidth?: number;
      readonly zerofill?: boolean;
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number; readonly unsigned: boolean }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  | { readonly kind: 'bit'; readonly bits: number }
  | {
      readonly kind: 'text';
      readonly charset: string;
      readonly bytesMax: number;
      readonly pads: boolean;
      readonly collation: string;
    }
  | { readonly kind: 'bytes'; readonly bytesMax: number; readonly fixedBytes: number | null }
  | { readonly kind: 'date' }
  | { readonly kind: 'datetime'; readonly fsp: number }
  | { readonly kind: 'timestamp'; readonly fsp: number }
  | { readonly kind: 'time'; readonly fsp: number }
  | { readonly kind: 'year' }
  | { readonly kind: 'enum'; readonly labels: readonly string[] }
  | { readonly kind: 'set'; readonly labels: readonly string[] }
  | { readonly kind: 'json' }
  | { readonly kind: 'geometry' }
  | { readonly kind: 'vector' }
  /** MariaDB's fixed binary types, shown as text by the server. */
  | { readonly kind: 'inet4' | 'inet6' | 'uuid' };

export interface SourceColumn {
  readonly name: string;
  readonly type: SourceType;
  /** The type as the server writes it, for people: `decimal(20,2) unsigned`. */
  readonly typeText: string;
  readonly nullable: boolean;
  /** A constant default as the text the server would show for the value; null where there is none or it is an expression. */
  readonly defaultText: string | null;
  readonly generated: 'stored' | 'virtual' | null;
}

export interface TableName {
  readonly database: string;
  readonly table: string;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly references: TableName;
  readonly onDelete: string;
  readonly onUpdate: string;
}

export interface SourceTable extends TableName {
  /** Every column, hidden ones included, in the order of the binary log. */
  readonly columns: readonly SourceColumn[];
  /** Primary key, else the first unique key without NULLs; null where rows have no identity. */
  readonly key: { readonly name: string; readonly columns: readonly string[] } | null;
  readonly engine: string;
  readonly foreignKeys: readonly ForeignKey[];
  /** The server's estimate; good for progress, for nothing else. */
  readonly rowsEstimate: number;
  readonly bytesEstimate: number;
}

/** The text form of a table name everywhere a person meets it: `shop.orders`, back-quotes where a part holds a dot or back-quote. */
export function tableKey(name: TableName): string {
  return `${quotePart(name.database)}.${quotePart(name.table)}`;
}

function quotePart(part: string): string {
  return /[.`]/.test(part) ? `\`${part.replaceAll('`', '``')}\`` : part;
}

/** Reads what `tableKey` writes; null when the text is not `database.table`. */
export function parseTableKey(text: string): TableName | null {
  const part = '(?:`((?:[^`]|``)+)`|([^.`]+))';
  const match = new RegExp(`^${part}\\.${part}$`, 's').exec(text);
  if (!match) return null;
  const unquote = (quoted: string | undefined, plain: string | undefined): string =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('``', '`');
  return { database: unquote(match[1], match[2]), table: unquote(match[3], match[4]) };
}
