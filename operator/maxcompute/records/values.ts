/** JavaScript values of MaxCompute cells, as the record reader gives them and the record writer takes them. */

/** TIMESTAMP, TIMESTAMP_NTZ (wall clock taken as UTC), INTERVAL_DAY_TIME: floor seconds and 0..999,999,999. */
export interface SecondsAndNanos {
  readonly seconds: number;
  readonly nanos: number;
}

/**
 * TINYINT..INT, FLOAT, DOUBLE, DATE (days since the epoch), DATETIME (epoch milliseconds), INTERVAL_YEAR_MONTH (months):
 * number. BIGINT: bigint. BOOLEAN: boolean. STRING, VARCHAR, CHAR, JSON, DECIMAL (text; clients may send an exponent):
 * string. BINARY: bytes. ARRAY: elements; MAP: pairs, in order; STRUCT: field values, in order.
 */
export type RecordValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | SecondsAndNanos
  | readonly RecordValue[];
