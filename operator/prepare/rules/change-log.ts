/** Partitions and lifecycle of the change logs. MaxCompute takes 60,000 partitions in a table. */
import type { Finding } from '../../model/finding.js';
import { type PartitionKey, partitionKeyNames } from '../../model/table-plan.js';
import { error, warning } from '../finding.js';
import { makesBaseline, makesLog, type SourceRuleInput } from './input.js';

const partitionsMax = 60_000;
/** Beyond this many days a limit is nobody's worry now. */
const forecastDaysMax = 1095;
const lifecycleDaysMin = 3;
const dayMs = 86_400_000;

export function partitionsLast({ spec, nowMs }: SourceRuleInput): Finding[] {
  if (!makesLog(spec)) return [];
  const { partitionKeys, lifecycleDays } = spec.changeLog;
  const days = daysToLimit(partitionKeys);
  if (days > forecastDaysMax || (lifecycleDays !== undefined && lifecycleDays < days)) return [];
  const day = nowMs === null ? '' : `, on ${new Date(nowMs + days * dayMs).toISOString().slice(0, 10)}`;
  return warning('PARTITION_LIMIT', 'spec.changeLog.partitionKeys', {
    seen: `partitions by ${partitionKeys.join(', ')}${lifecycleDays === undefined ? ' without lifecycleDays' : ` with lifecycleDays ${lifecycleDays}`}: a table that changes all the time has ${partitionsMax} after ${days} days${day}`,
    wanted: `fewer than ${partitionsMax} partitions, the limit of a table; beyond it nothing can be written`,
    fix: 'Set changeLog.partitionKeys: [year, month, day, hour], or changeLog.lifecycleDays: 30.',
  });
}

export function partitionKeysHaveNoGap({ spec }: SourceRuleInput): Finding[] {
  if (!makesLog(spec)) return [];
  const ranks = spec.changeLog.partitionKeys.map((key) => partitionKeyNames.indexOf(key));
  const missing = partitionKeyNames.filter((_, rank) => rank < Math.max(...ranks) && !ranks.includes(rank));
  if (missing.length === 0) return [];
  return warning('PARTITION_KEY_GAP', 'spec.changeLog.partitionKeys', {
    seen: `${spec.changeLog.partitionKeys.join(', ')} without ${missing.join(', ')}`,
    wanted:
      'every key from year down to the finest: else one partition holds times that lie far apart, and a merge reads all of them',
    fix: `Set changeLog.partitionKeys: [${partitionKeyNames.slice(0, Math.max(...ranks) + 1).join(', ')}].`,
  });
}

export function lifecycleIsLongEnough({ spec }: SourceRuleInput): Finding[] {
  const days = spec.changeLog.lifecycleDays;
  if (!makesLog(spec) || days === undefined) return [];
  if (days < lifecycleDaysMin) {
    return error('LIFECYCLE_TOO_SHORT', 'spec.changeLog.lifecycleDays', {
      seen: `lifecycleDays ${days}`,
      wanted: `${lifecycleDaysMin} or more: rows would go before a commit in doubt is settled and a day is merged`,
      fix: `Set changeLog.lifecycleDays: ${lifecycleDaysMin}, or more.`,
    });
  }
  if (!makesBaseline(spec)) return [];
  return warning('LIFECYCLE_CUTS_HISTORY', 'spec.changeLog.lifecycleDays', {
    seen: `lifecycleDays ${days}: partitions of the change log go ${days} days after their last change`,
    wanted: 'to know that base and log together give the table only while all changes since the snapshot are there',
    fix: `Take a new snapshot (mcsync resnapshot) at least every ${days} days, or leave lifecycleDays out.`,
  });
}

/** Days until a table that gets a change in every minute has the greatest number of partitions. */
export function daysToLimit(keys: readonly PartitionKey[]): number {
  const has = (key: PartitionKey): boolean => keys.includes(key);
  const inOneDay = (has('hour') ? 24 : 1) * (has('minute') ? 60 : 1);
  // How many days pass until the same values of hour and minute make new partitions.
  const freshDays = has('day') ? 1 : has('month') ? 30 : has('year') ? 365 : Number.POSITIVE_INFINITY;
  const inAllMonths = inOneDay * (has('day') ? 31 : 1) * (has('month') ? 12 : 1);
  if (!has('year') && inAllMonths < partitionsMax) return Number.POSITIVE_INFINITY;
  return Math.floor((partitionsMax / inOneDay) * freshDays);
}
