import type { SignInKind } from '../failures.ts'
import {
  type Codec,
  count,
  dictionary,
  isoInstant,
  list,
  mark,
  object,
  oneOf,
  optional,
  text,
} from '../ledger/codec.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import { hasCome } from '../ledger/wake.ts'
import { DAY_MS, HOUR_MS } from '../time/durations.ts'
import type { Priority } from './plan.ts'

/** The slot of one report that the app asked for, or is about to ask for. Instants are ISO text because the row is JSON. */
export type Slot = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly at: string
  /** It was asked for as live. */
  readonly live?: true
}

/** The reports of one account. The row changes under its ETag before each report, which serialises all instances. */
export type Pacing = {
  /** When the app asked for each report of the last 60 minutes. */
  readonly creations: readonly string[]
  /** Those among them that asked for a window whose rows stood. */
  readonly refreshes?: readonly string[]
  readonly open: readonly Slot[]
  /** When each feed last took a slot, for a day: who has waited longest goes first. */
  readonly served: Readonly<Record<string, string>>
  /** The service asked the app to wait until then. */
  readonly notBefore?: string
  /** The reports per hour after the service refused one for its quota. Doubles after each quiet hour. */
  readonly reduced?: { readonly allowance: number; readonly at: string }
  readonly refused?: RefusedSignIn
  /** When a sign-in that had been refused worked again. */
  readonly signedInAt?: string
  /** When the datasets of the service are looked at next. */
  readonly lookAt?: string
}

/**
 * The sign-in of the account is refused: since when, and when it was last tried. `works`: it is no longer, and what failed of it
 * is asked for again later.
 */
export type RefusedSignIn = {
  readonly kind: SignInKind
  readonly message: string
  readonly since: string
  readonly triedAt: string
  readonly works?: true
}

export const EMPTY_PACING: Pacing = { creations: [], open: [], served: {} }

export type PacingLimits = { readonly maxInFlight: number; readonly maxReportsPerHour: number }

/** Whatever the service asks for, an account waits no longer than this. */
const LONGEST_WAIT_MS = DAY_MS

/** Refreshes take at most one of so many reports of an hour. */
const REFRESH_SHARE = 4

/** A feed whose report takes longer than this gets no second one meanwhile. */
const SLOW_REPORT_MS = 2 * HOUR_MS

/** An instant that stays the text it is. */
const isoText: Codec<string> = { write: (at) => at, read: (stored) => isoInstant.read(stored).toISOString() }

const PACING = object<Pacing>({
  creations: list(isoText),
  refreshes: optional(list(isoText)),
  open: list(object<Slot>({ feed: text, window: text, attempt: count, at: isoText, live: optional(mark) })),
  served: dictionary(isoText),
  notBefore: optional(isoText),
  reduced: optional(object<NonNullable<Pacing['reduced']>>({ allowance: count, at: isoText })),
  refused: optional(
    object<RefusedSignIn>({
      kind: oneOf('unauthorized', 'mfa-required'),
      message: text,
      since: isoText,
      triedAt: isoText,
      works: optional(mark),
    }),
  ),
  signedInAt: optional(isoText),
  lookAt: optional(isoText),
})

/** Whether a stored value is a pacing row. */
export function isPacing(value: unknown): value is Pacing {
  try {
    PACING.read(value)
    return true
  } catch {
    return false
  }
}

/** Until when an account may ask for nothing; undefined where it may ask now. */
export function waitsUntil({ notBefore }: Pacing, now: Date): Date | undefined {
  if (notBefore === undefined) return undefined
  const at = new Date(notBefore)
  return hasCome(at, now, LONGEST_WAIT_MS) ? undefined : at
}

/**
 * Takes a slot for one report. Gives the row to write before the app asks for the report. `account`: the account has no
 * free slot now. `priority`: none for what has this priority. `feed`: only this feed has none. One slot of each limit is
 * reserved for what is live, refreshes take at most a quarter of the hour, and a feed holds at most half of the slots in
 * flight; its first live report waits for none of its others. `isOpen` says whether an earlier slot is still taken.
 */
export function takeSlot(
  pacing: Pacing,
  next: Omit<Slot, 'live'> & { readonly priority: Priority },
  limits: PacingLimits,
  isOpen: (slot: Slot) => boolean,
): Pacing | 'account' | 'priority' | 'feed' {
  const now = new Date(next.at)
  if (waitsUntil(pacing, now)) return 'account'
  const creations = pacing.creations.filter((at) => isWithin(at, now, HOUR_MS))
  const open = pacing.open.filter(isOpen)
  const refreshes = (pacing.refreshes ?? []).filter((at) => isWithin(at, now, HOUR_MS))
  const isRefresh = next.priority === 'refresh'
  const isLive = next.priority === 'live'
  const kept = isLive ? 0 : 1
  const perHour = allowance(pacing, now.getTime(), limits)
  if (creations.length >= Math.max(perHour - kept, 1)) return 'account'
  if (open.length >= Math.max(limits.maxInFlight - kept, 1)) return 'account'
  if (isRefresh && refreshes.length >= refreshesAnHour(perHour)) return 'priority'
  const ofFeed = open.filter(({ feed }) => feed === next.feed)
  const isFirstLive = isLive && !ofFeed.some(({ live }) => live)
  if (!isFirstLive && ofFeed.length >= mostOfFeed(ofFeed, now, limits)) return 'feed'
  const { priority: _, ...asked } = next
  const slot: Slot = isLive ? { ...asked, live: true } : asked
  const served = Object.entries(pacing.served).filter(([, at]) => isWithin(at, now, DAY_MS))
  const { notBefore: __, reduced, ...rest } = pacing
  return {
    ...rest,
    creations: [...creations, next.at],
    refreshes: isRefresh ? [...refreshes, next.at] : refreshes,
    open: [...open, slot],
    served: { ...Object.fromEntries(served), [next.feed]: next.at },
    ...(perHour < limits.maxReportsPerHour && reduced && { reduced }),
  }
}

/** How many reports of an hour may be refreshes, where so many may be asked for in all. */
export function refreshesAnHour(perHour: number): number {
  return Math.max(Math.floor(perHour / REFRESH_SHARE), 1)
}

/** A feed with a slow report waits for it: its reports may never be made, and the others need the slots. */
function mostOfFeed(ofFeed: readonly Slot[], now: Date, { maxInFlight }: PacingLimits): number {
  if (ofFeed.some(({ at }) => now.getTime() - Date.parse(at) >= SLOW_REPORT_MS)) return 1
  return Math.max(Math.floor(maxInFlight / 2), 1)
}

/** Whether a slot is still taken: its attempt is in progress, or so young that its entry may not be written yet. */
export function isSlotTaken(slot: Slot, entry: LedgerEntry | undefined, now: Date, adoptAfterMs: number): boolean {
  if (entry?.attempt === slot.attempt) return entry.state === 'requesting' || entry.state === 'requested'
  return (entry?.attempt ?? 0) < slot.attempt && isWithin(slot.at, now, adoptAfterMs)
}

/** Whether another instance has just taken the slot of the same attempt and is about to write its entry. */
export function isClaimed({ open }: Pacing, attempt: Omit<Slot, 'at'>, now: Date, adoptAfterMs: number): boolean {
  return open.some(
    (slot) =>
      slot.feed === attempt.feed &&
      slot.window === attempt.window &&
      slot.attempt === attempt.attempt &&
      isWithin(slot.at, now, adoptAfterMs),
  )
}

/** Whether an instant is less than so long ago. One as far ahead was written by a clock that was wrong. */
function isWithin(at: string, now: Date, longestMs: number): boolean {
  return Math.abs(now.getTime() - Date.parse(at)) < longestMs
}

/** The service refused a report for its quota: the account waits, and its reports per hour are halved. */
export function throttled(pacing: Pacing, now: Date, waitMs: number, limits: PacingLimits): Pacing {
  const halved = Math.max(Math.floor(allowance(pacing, now.getTime(), limits) / 2), 1)
  return {
    ...pacing,
    notBefore: new Date(now.getTime() + Math.min(waitMs, LONGEST_WAIT_MS)).toISOString(),
    reduced: { allowance: halved, at: now.toISOString() },
  }
}

/** How many reports the account asked for in the last hour. */
export function creationsWithinHour({ creations }: Pacing, now: Date): number {
  return creations.filter((at) => isWithin(at, now, HOUR_MS)).length
}

/** How many reports per hour the account may ask for now. */
export function allowance({ reduced }: Pacing, nowMs: number, limits: PacingLimits): number {
  if (!reduced) return limits.maxReportsPerHour
  const quietHours = Math.floor(Math.abs(nowMs - Date.parse(reduced.at)) / HOUR_MS)
  return Math.min(reduced.allowance * 2 ** Math.min(quietHours, 30), limits.maxReportsPerHour)
}
