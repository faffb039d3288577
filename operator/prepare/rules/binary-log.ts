/** The binary log must hold every row change of the selected tables, whole. `FullOnly` does not read it. */
import type { Finding } from '../../model/finding.js';
import { error, info, warning } from '../finding.js';
import { estimateSnapshotSeconds, renderSpan } from '../snapshot-estimate.js';
import { configure, isOff, isOn, isRds, makesBaseline, makesLog, type SourceRuleInput, setVariable } from './input.js';

const reconnectNote = 'connections that are open keep the old setting: let them reconnect';
const daySeconds = 86_400;
/** Where RDS is left as it comes, a binary log goes from the server 3 hours after it was uploaded to the backup store. */
const rdsRetentionSeconds = 3 * 3600;

export function logIsOn(input: SourceRuleInput): Finding[] {
  if (!makesLog(input.spec) || !isOff(input.source.variables.log_bin)) return [];
  return error('LOG_BIN_OFF', 'log_bin', {
    seen: 'log_bin = OFF',
    wanted: 'log_bin = ON: changes are read from the binary log',
    fix: configure(input, 'log_bin = mysql-bin\nserver_id = 1\nbinlog_format = ROW'),
  });
}

export function formatIsRow(input: SourceRuleInput): Finding[] {
  const seen = input.source.variables.binlog_format;
  if (!makesLog(input.spec) || !seen || seen.toUpperCase() === 'ROW') return [];
  return error('BINLOG_FORMAT', 'binlog_format', {
    seen: `binlog_format = ${seen}`,
    wanted: 'binlog_format = ROW: a statement does not tell which rows it changed',
    fix: setVariable(input, 'binlog_format', 'ROW', reconnectNote),
  });
}

export function rowImageIsFull(input: SourceRuleInput): Finding[] {
  const seen = input.source.variables.binlog_row_image;
  if (!makesLog(input.spec) || !seen || seen.toUpperCase() === 'FULL') return [];
  return error('BINLOG_ROW_IMAGE', 'binlog_row_image', {
    seen: `binlog_row_image = ${seen}`,
    wanted: 'binlog_row_image = FULL: the change log keeps every column, before and after',
    fix: setVariable(input, 'binlog_row_image', 'FULL', reconnectNote),
  });
}

export function jsonIsLoggedWhole(input: SourceRuleInput): Finding[] {
  const seen = input.source.variables.binlog_row_value_options;
  if (!makesLog(input.spec) || !seen) return [];
  return error('BINLOG_ROW_VALUE_OPTIONS', 'binlog_row_value_options', {
    seen: `binlog_row_value_options = ${seen}`,
    wanted: "binlog_row_value_options = '': differences of JSON values cannot be applied to a change log",
    fix: setVariable(input, 'binlog_row_value_options', '', reconnectNote),
  });
}

export function compressionIsRead(input: SourceRuleInput): Finding[] {
  if (!makesLog(input.spec)) return [];
  return ['binlog_transaction_compression', 'log_bin_compress']
    .filter((name) => isOn(input.source.variables[name]))
    .flatMap((name) =>
      info('BINLOG_COMPRESSED', name, {
        seen: `${name} = ON`,
        wanted: 'nothing: compressed events are read, at the price of some CPU',
        fix: setVariable(input, name, 'OFF'),
      }),
    );
}

export function rowMetadataIsFull(input: SourceRuleInput): Finding[] {
  const seen = input.source.variables.binlog_row_metadata;
  if (!makesLog(input.spec) || !seen || seen.toUpperCase() === 'FULL') return [];
  return info('BINLOG_ROW_METADATA', 'binlog_row_metadata', {
    seen: `binlog_row_metadata = ${seen}`,
    wanted: 'FULL is a second witness of the column names; without it the schema is followed through the DDL alone',
    fix: setVariable(input, 'binlog_row_metadata', 'FULL'),
  });
}

/** The stream reads beside the snapshot, so what must fit is the longest stop of the task, not the snapshot. */
export function logIsKept(input: SourceRuleInput): Finding[] {
  const { spec } = input;
  const keptSeconds = retentionSeconds(input);
  if (!makesLog(spec) || keptSeconds === null || keptSeconds >= daySeconds) return [];
  const snapshotSeconds = makesBaseline(spec) && !input.hasCheckpoint ? estimateSnapshotSeconds(input) : 0;
  const outlasts = snapshotSeconds > keptSeconds;
  return warning('BINLOG_RETENTION', isRds(spec) ? spec.source.host : retentionVariable(input), {
    seen: `the server keeps its binary log for ${renderSpan(keptSeconds)}${outlasts ? `, and the snapshot takes about ${renderSpan(snapshotSeconds)}` : ''}`,
    wanted: `${renderSpan(daySeconds)} or more: a task that stands still for longer loses its position${outlasts ? ', also while the snapshot runs' : ''}`,
    fix: isRds(spec)
      ? 'In the RDS console, Backup and Restoration, Backup Strategy, Local Log Backup: set the retention period to 24 hours or more.'
      : retentionStatement(input),
  });
}

export function databasesAreLogged({ spec, source, selected }: SourceRuleInput): Finding[] {
  const binlog = source.binlog;
  if (!makesLog(spec) || binlog === null) return [];
  const databases = [...new Set(selected.map(({ table }) => table.database))];
  return databases.flatMap((database) => {
    const isLeftOut = binlog.doDb.length > 0 && !binlog.doDb.includes(database);
    if (!isLeftOut && !binlog.ignoreDb.includes(database)) return [];
    const option = isLeftOut
      ? `binlog_do_db = ${binlog.doDb.join(', ')}`
      : `binlog_ignore_db = ${binlog.ignoreDb.join(', ')}`;
    return error('BINLOG_DATABASE_FILTERED', database, {
      seen: `${option}: changes of ${database} are not logged`,
      wanted: 'a binary log with all changes of the selected databases',
      fix: isLeftOut
        ? `[mysqld]\nbinlog_do_db = ${database}\n# one more line in my.cnf; then restart the server`
        : `Remove the line binlog_ignore_db = ${database} from my.cnf, then restart the server.`,
    });
  });
}

/** A stream that cannot begin has tables already, and a position that stays: better told before. */
export function startIsInLog({ spec, source, hasCheckpoint }: SourceRuleInput): Finding[] {
  const { file, position } = spec.startPosition ?? {};
  const files = source.binlog?.files ?? [];
  if (hasCheckpoint || file === undefined || position === undefined || files.length === 0) return [];
  const found = files.find(({ name }) => name === file);
  if (found !== undefined && position <= found.bytes) return [];
  return error('START_POSITION_MISSING', 'spec.startPosition', {
    seen:
      found === undefined
        ? `no ${file}; the server keeps ${files[0]?.name} to ${files.at(-1)?.name}`
        : `${file} ends at ${found.bytes}, before ${position}`,
    wanted: 'a file that the server keeps, and the place of an event in it',
    fix: 'SHOW BINARY LOGS;\n-- then a file of that list in spec.startPosition, with the End_log_pos of an event (SHOW BINLOG EVENTS IN ...), or {latest: true}',
  });
}

/** MariaDB can still make columns in temporal layouts from before MySQL 5.6; they are read too. */
export function temporalFormatIsNew(input: SourceRuleInput): Finding[] {
  if (!isOff(input.source.variables.mysql56_temporal_format)) return [];
  return info('TEMPORAL_FORMAT_OLD', 'mysql56_temporal_format', {
    seen: 'mysql56_temporal_format = OFF',
    wanted: 'nothing: both layouts are read; ON is what newer servers and other readers expect',
    fix: setVariable(input, 'mysql56_temporal_format', 'ON'),
  });
}

/** Null where the server keeps its log for good, or does not say. */
function retentionSeconds({ spec, source }: SourceRuleInput): number | null {
  if (isRds(spec)) return rdsRetentionSeconds;
  const seconds = Number(source.variables.binlog_expire_logs_seconds ?? 0);
  const days = Number(source.variables.expire_logs_days ?? 0);
  // MySQL 8 has both; the seconds win where both are set.
  const kept = seconds > 0 ? seconds : days * daySeconds;
  return kept > 0 ? kept : null;
}

function retentionStatement(input: SourceRuleInput): string {
  const name = retentionVariable(input);
  return setVariable(input, name, name === 'expire_logs_days' ? '7' : String(7 * daySeconds));
}

function retentionVariable({ source }: SourceRuleInput): string {
  const hasSeconds = (source.variables.binlog_expire_logs_seconds ?? null) !== null;
  return hasSeconds ? 'binlog_expire_logs_seconds' : 'expire_logs_days';
}
