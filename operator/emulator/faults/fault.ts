/**
 * What can be made to go wrong, as the admin API takes it and as tests give it. A fault picks requests (`on`, `table`,
 * `partition`), lets some pass (`skip`, `chance`), hits some (`times`), and says what happens to them (`do`). None of them
 * spoils the store: what is applied late, or twice, or not at all is applied as the service might.
 */

export const requestKinds = [
  'createUpload',
  'putBlock',
  'reload',
  'commit',
  'stream',
  'download',
  'query',
  'table',
  'any',
] as const;

/**
 * `stream`: stream upload. `download`: of tables and query results. `query`: SQL instances, submitted and asked about. `table`: what is
 * asked about tables, partitions and schemas. `any`: all of these, and the questions about projects and the tunnel.
 */
export type RequestKind = (typeof requestKinds)[number];

export interface Fault {
  readonly on: RequestKind;
  /** Target table, in any case. */
  readonly table?: string;
  /** `a=1,b=2`, as the request or the session it names has it. */
  readonly partition?: string;
  readonly do: Effect;
  /** So many requests of this kind pass first; default 0. */
  readonly skip?: number;
  /** So many are hit; default 1. */
  readonly times?: number | 'always';
  /** Of each request that would be hit, 0 to 1; default 1. */
  readonly chance?: number;
  /** Of the draws; default: any, shown in the list. */
  readonly seed?: number;
}

/** Exactly one of these. */
export type Effect =
  | { readonly answer: FalseAnswer }
  | { readonly reset: Reset }
  | { readonly slow: Slow }
  | { readonly halfOpen: When }
  | { readonly session: 'expired' | 'canceled' | 'forgotten' }
  | { readonly blockList: FalseBlockList }
  | { readonly loseBlock: true }
  | { readonly late: Late }
  | { readonly committing: Committing }
  | { readonly diskFull: true }
  | { readonly restart: Restart }
  | { readonly kill: When };

export type EffectName = Effect extends infer Each ? (Each extends Each ? keyof Each : never) : never;

/** Before or after the request was carried out; `before` means that it is not. */
export type When = 'before' | 'after';

/** Told to the client in place of the truth. */
export interface FalseAnswer {
  /** 400 to 599. */
  readonly status: number;
  /** Default: the service's usual code for this status. */
  readonly code?: string;
  readonly message?: string;
  /** Seconds; sets the header Retry-After. */
  readonly retryAfter?: number;
  /** The page of a gateway instead of XML or JSON. */
  readonly html?: boolean;
  /** Default `before`. */
  readonly when?: When;
}

/** The connection is cut, by a TCP reset where the system lets us. */
export type Reset =
  | When
  /** After so many bytes of the request's body have come; nothing is carried out. */
  | { readonly requestByte: number }
  /** Carried out; so many bytes of the answer, head and all, go out. */
  | { readonly answerByte: number };

export interface Slow {
  /** Milliseconds before the request is looked at. */
  readonly delayMs?: number;
  /** Of both bodies. */
  readonly bytesPerSecond?: number;
}

/** Differs from the session's true list in the answer only. */
export interface FalseBlockList {
  /** Block ids that are not told. */
  readonly omit?: readonly number[];
  /** Blocks that are told, and not there. */
  readonly add?: readonly { readonly id: number; readonly rows: number }[];
  /** Added to the row count of each block. */
  readonly moreRows?: number;
}

/** When a request that was put off takes effect. Requests are those that name the same session. */
export type Lands =
  | { readonly afterMs: number }
  /** Right before the n-th of them is carried out, from 1. */
  | { readonly beforeRequest: number }
  /** Right after the n-th of them was carried out, before its answer. */
  | { readonly afterRequest: number };

/** What the client is told meanwhile. `none`: nothing, and the connection stays open. */
export type EarlyAnswer = 'success' | 'none' | 'reset' | Omit<FalseAnswer, 'when'>;

/** The request is under way: the session shows nothing of it until it lands, and takes other requests. */
export interface Late {
  readonly lands: Lands;
  /** `success` for blocks only: a commit that is told is done. */
  readonly answer: EarlyAnswer;
}

/** The commit has begun: the session is CLOSING until it lands. */
export interface Committing {
  readonly lands: Lands;
  /** `normal`: the commit failed, the session is open again. Default `closed`. */
  readonly outcome?: 'closed' | 'normal';
  /** Default `success`: 200 with the status `closing`. */
  readonly answer?: EarlyAnswer;
}

export interface Restart {
  readonly when: When;
  /** Open and closed sessions are unknown afterwards; committed rows stay. Default false. */
  readonly forgetSessions?: boolean;
}

/** A session named in the request is what these work on. */
export const sessionEffects: Readonly<Partial<Record<EffectName, readonly RequestKind[]>>> = {
  session: ['putBlock', 'reload', 'commit'],
  blockList: ['reload'],
  loseBlock: ['putBlock'],
  late: ['putBlock', 'commit'],
  committing: ['commit'],
};

export function effectName(effect: Effect): EffectName {
  return Object.keys(effect)[0] as EffectName;
}
