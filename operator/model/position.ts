/**
 * Where in a binary log. Positions of one server are ordered by file number, then offset; the GTID set, where the
 * server keeps one, survives a failover and wins over file and offset.
 */
export interface BinlogPosition {
  readonly file: string;
  /** Byte offset of the next event to read, as `end_log_pos` gives it. */
  readonly offset: number;
  /** Executed GTIDs up to here: MySQL `uuid:1-9,...` or MariaDB `0-1-9,...`; null where the server keeps none. */
  readonly gtidSet: string | null;
}

/**
 * Orders two positions of one server; negative when `a` is earlier. File names are compared by their number, since
 * `binlog.999999` is followed by `binlog.1000000`.
 */
export function comparePositions(a: BinlogPosition, b: BinlogPosition): number {
  const byFile = binlogFileNumber(a.file) - binlogFileNumber(b.file);
  return byFile !== 0 ? byFile : a.offset - b.offset;
}

/** At the target or past it. */
export function hasReached(position: BinlogPosition, target: BinlogPosition): boolean {
  return comparePositions(position, target) >= 0;
}

export function binlogFileNumber(file: string): number {
  return Number(/(\d+)$/.exec(file)?.[1] ?? Number.NaN);
}

export function renderPosition(position: BinlogPosition): string {
  const place = `${position.file}:${position.offset}`;
  return position.gtidSet ? `${place} (GTID ${position.gtidSet})` : place;
}
