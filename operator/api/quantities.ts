import { z } from 'zod';

const durationPattern = /^(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;
const sizePattern = /^(\d{1,9})(Ki|Mi|Gi)?$/;
const sizeFactors = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 } as const;

/** `60s`, `5m`, `1h30m`: hours, minutes, seconds, in this order. */
export function parseDurationMs(text: string): number {
  const match = durationPattern.exec(text);
  if (!match) throw new RangeError(`not a duration: ${JSON.stringify(text)}`);
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/** `64Mi`, `512Ki`, `1Gi`, or plain bytes. */
export function parseSizeBytes(text: string): number {
  const match = sizePattern.exec(text);
  if (!match) throw new RangeError(`not a size: ${JSON.stringify(text)}`);
  return Number(match[1]) * (match[2] ? sizeFactors[match[2] as keyof typeof sizeFactors] : 1);
}

/** A duration with both ends included; the ends are durations too, so that messages speak the user's language. */
export function durationSchema(min: string, max: string) {
  const error = `a duration such as 60s, 5m or 1h30m, from ${min} to ${max}`;
  return z
    .string({ error })
    .regex(durationPattern, { error, abort: true })
    .refine((text) => inRange(parseDurationMs(text), parseDurationMs(min), parseDurationMs(max)), { error });
}

export function sizeSchema(min: string, max: string) {
  const error = `a size such as 512Ki, 64Mi or 1Gi, from ${min} to ${max}`;
  return z
    .string({ error })
    .regex(sizePattern, { error, abort: true })
    .refine((text) => inRange(parseSizeBytes(text), parseSizeBytes(min), parseSizeBytes(max)), { error });
}

function inRange(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
