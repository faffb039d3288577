/**
 * MaxCompute's meaning where DuckDB's differs, as DuckDB macros. The branch is taken by the type of the value; every branch
 * goes through text, so that all of them bind for every type. What cannot be answered exactly raises an error.
 */
const wholeTypes = "('TINYINT','SMALLINT','INTEGER','BIGINT','HUGEINT')";

export const macros: readonly string[] = [
  // cast as STRING. Manual, type conversions: DATETIME without milliseconds, DECIMAL without zeros at its end.
  `CREATE TEMP MACRO mc_text(x) AS CASE
     WHEN typeof(x) LIKE 'DECIMAL%' AND contains(CAST(x AS VARCHAR), '.') THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')
     WHEN typeof(x) = 'TIMESTAMP_MS' THEN left(CAST(x AS VARCHAR), 19)
     WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(CAST(x AS VARCHAR), '\\+00$', '')
     WHEN typeof(x) = 'BLOB' THEN decode(TRY_CAST(x AS BLOB))
     WHEN typeof(x) IN ('DOUBLE','FLOAT') AND NOT (TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) = 0
       OR abs(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)) >= 1e-3 AND abs(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)) < 1e7)
       THEN error('the text of this DOUBLE is not known to this emulator')
     ELSE CAST(x AS VARCHAR) END`,
  // a text that reads as a number, else NULL: DuckDB takes digits with underscores too.
  `CREATE TEMP MACRO mc_number_text(s) AS CASE
     WHEN regexp_full_match(trim(s), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN trim(s)
     WHEN regexp_full_match(lower(trim(s)), '[+-]?(nan|inf|infinity)') THEN error('whether this text is a number is not known to this emulator')
     END`,
  // cast as an integer: cut towards zero; NULL for a text that is no number.
  `CREATE TEMP MACRO mc_whole(x) AS CASE
     WHEN typeof(x) IN ${wholeTypes} THEN TRY_CAST(CAST(x AS VARCHAR) AS HUGEINT)
     WHEN typeof(x) = 'VARCHAR' THEN CASE
       WHEN regexp_full_match(trim(CAST(x AS VARCHAR)), '[+-]?[0-9]+') THEN TRY_CAST(CAST(x AS VARCHAR) AS HUGEINT)
       ELSE TRY_CAST(trunc(TRY_CAST(mc_number_text(CAST(x AS VARCHAR)) AS DOUBLE)) AS HUGEINT) END
     WHEN typeof(x) IN ('DOUBLE','FLOAT') THEN TRY_CAST(trunc(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)) AS HUGEINT)
     WHEN typeof(x) LIKE 'DECIMAL%' THEN TRY_CAST(split_part(CAST(x AS VARCHAR), '.', 1) AS HUGEINT)
     WHEN typeof(x) = 'BOOLEAN' THEN CASE CAST(x AS VARCHAR) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END
     WHEN typeof(x) = '"NULL"' THEN NULL
     ELSE error('cannot cast ' || typeof(x) || ' to an integer') END`,
  // cast as FLOAT, DOUBLE, DECIMAL: from numbers and texts only.
  `CREATE TEMP MACRO mc_numeric(x) AS CASE
     WHEN typeof(x) = 'BOOLEAN' THEN CASE CAST(x AS VARCHAR) WHEN 'true' THEN '1' WHEN 'false' THEN '0' END
     WHEN typeof(x) = 'VARCHAR' THEN mc_number_text(CAST(x AS VARCHAR))
     WHEN typeof(x) IN ('DOUBLE','FLOAT','"NULL"') OR typeof(x) IN ${wholeTypes} OR typeof(x) LIKE 'DECIMAL%'
       THEN CAST(x AS VARCHAR)
     ELSE error('cannot cast ' || typeof(x) || ' to a number') END`,
  `CREATE TEMP MACRO mc_truth(x) AS CASE
     WHEN typeof(x) IN ('BOOLEAN','"NULL"') OR typeof(x) IN ${wholeTypes} THEN CAST(x AS VARCHAR)
     ELSE error('the cast of ' || typeof(x) || ' to BOOLEAN is not known to this emulator') END`,
  // what reads as a date or time, as its text; NULL for a text in another shape.
  `CREATE TEMP MACRO mc_moment(x) AS CASE
     WHEN typeof(x) IN ('DATE','TIMESTAMP','TIMESTAMP_MS','TIMESTAMP WITH TIME ZONE')
       THEN TRY_CAST(regexp_replace(CAST(x AS VARCHAR), '\\+00$', '') AS TIMESTAMP)
     WHEN typeof(x) = 'VARCHAR' THEN CASE
       WHEN regexp_full_match(CAST(x AS VARCHAR), '[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?)?')
       THEN TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMP) END
     WHEN typeof(x) = '"NULL"' THEN NULL
     ELSE error('cannot read ' || typeof(x) || ' as a date') END`,
  `CREATE TEMP MACRO mc_only_moment(x) AS CASE WHEN typeof(x) = 'VARCHAR'
     THEN error('a date format of a STRING is not known to this emulator') ELSE mc_moment(x) END`,
  `CREATE TEMP MACRO mc_datetime(x) AS CASE WHEN typeof(x) IN ('TIMESTAMP_MS','VARCHAR','"NULL"') THEN mc_moment(x)
     ELSE error('dateadd of ' || typeof(x) || ' is not known to this emulator') END`,
  `CREATE TEMP MACRO mc_bytes(x) AS CASE WHEN typeof(x) = 'BLOB' THEN TRY_CAST(x AS BLOB) ELSE encode(CAST(x AS VARCHAR)) END`,
  `CREATE TEMP MACRO mc_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(mc_bytes(x)) ELSE length(mc_text(x)) END`,
  `CREATE TEMP MACRO mc_hex(x) AS CASE
     WHEN typeof(x) IN ('BLOB','VARCHAR') THEN hex(mc_bytes(x))
     ELSE error('hex of ' || typeof(x) || ' is not known to this emulator') END`,
  `CREATE TEMP MACRO mc_not_decimal(x) AS CASE WHEN typeof(x) LIKE 'DECIMAL%'
     THEN error('the scale of this DECIMAL result is not known to this emulator: cast to DOUBLE') ELSE x END`,
  `CREATE TEMP MACRO mc_trim_tail(parts) AS list_slice(parts, 1,
     coalesce(list_max(list_filter(generate_series(1, len(parts)), i -> parts[i] <> '')), 0))`,
  // Manual, SEQUENCE: at most 10,000 elements.
  `CREATE TEMP MACRO mc_sequence(a, b) AS CASE
     WHEN abs(CAST(b AS BIGINT) - CAST(a AS BIGINT)) >= 10000 THEN error('sequence of more than 10000 elements')
     WHEN CAST(a AS BIGINT) <= CAST(b AS BIGINT) THEN generate_series(CAST(a AS BIGINT), CAST(b AS BIGINT))
     ELSE generate_series(CAST(a AS BIGINT), CAST(b AS BIGINT), -1) END`,
  `CREATE TEMP MACRO mc_json(text, path) AS CASE WHEN json_valid(text) THEN json_extract_string(text, path) END`,
];
