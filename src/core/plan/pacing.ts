import type { Lane, LedgerEntry } from '../ledger/ledger.ts'
import { HOUR_MS } from '../time/durations.ts'

/** The slot of one report that the app asked for, or is about to ask for. Instants are ISO text because the row is JSON. */
export type Slot = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly at: string
}

/** The reports of one account. The row changes under its ETag before each report, which serialises all instances. */
export type Pacing = {
  /** When the app asked for each report of the last 60 minutes. */
  readonly creations: readonly string[]
  readonly open: readonly Slot[]
  /** The service asked the app to wait until then. */
  readonly notBefore?: string
  /** The reports per hour after the service refused one for its quota. Doubles after each quiet hour. */
  readonly reduced?: { readonly allowance: number; readonly at: string }
}

export const EMPTY_PACING: Pacing = { creations: [], open: [] }

export type PacingLimits = { readonly maxInFlight: number; readonly maxReportsPerHour: number }

/**
 * Takes a slot for one report. Gives the row to write before the app asks for the report, or undefined if the account has
 * no free slot now. One slot of each limit is reserved for lane `live`. `isOpen` says whether an earlier slot is still
 * taken.
 */
export function takeSlot(
  pacing: Pacing,
  next: Slot & { readonly lane: Lane },
  limits: PacingLimits,
  isOpen: (slot: Slot) => boolean,
): Pacing | undefined {
  const nowMs = Date.parse(next.at)
  if (pacing.notBefore !== undefined && nowMs < Date.parse(pacing.notBefore)) return undefined
  const creations = pacing.creations.filter((at) => nowMs - Date.parse(at) < HOUR_MS)
  const open = pacing.open.filter(isOpen)
  const kept = next.lane === 'live' ? 0 : 1
  const perHour = allowance(pacing, nowMs, limits)
  if (creations.length >= Math.max(perHour - kept, 1) || open.length >= Math.max(limits.maxInFlight - kept, 1)) {
    return undefined
  }
  const { lane: _, ...slot } = next
  const reduced = perHour < limits.maxReportsPerHour ? pacing.reduced : undefined
  return { creations: [...creations, next.at], open: [...open, slot], ...(reduced && { reduced }) }
}

/** Whether a slot is still taken: its attempt is in progress, or so young that its entry may not be written yet. */
export function isSlotTaken(slot: Slot, entry: LedgerEntry | undefined, now: Date, adoptAfterMs: number): boolean {
  if (entry?.attempt === slot.attempt) return entry.state === 'requesting' || entry.state === 'requested'
  return (entry?.attempt ?? 0) < slot.attempt && isYoung(slot, now, adoptAfterMs)
}

/** Whether another instance has just taken the slot of the same attempt and is about to write its entry. */
export function isClaimed({ open }: Pacing, attempt: Omit<Slot, 'at'>, now: Date, adoptAfterMs: number): boolean {
  return open.some(
    (slot) =>
      slot.feed === attempt.feed &&
      slot.window === attempt.window &&
      slot.attempt === attempt.attempt &&
      isYoung(slot, now, adoptAfterMs),
  )
}

function isYoung({ at }: Slot, now: Date, adoptAfterMs: number): boolean {
  return now.getTime() - Date.parse(at) < adoptAfterMs
}

/** The service refused a report for its quota: the account waits, and its reports per hour are halved. */
export function throttled(pacing: Pacing, now: Date, waitMs: number, limits: PacingLimits): Pacing {
  const halved = Math.max(Math.floor(allowance(pacing, now.getTime(), limits) / 2), 1)
  return {
    ...pacing,
    notBefore: new Date(now.getTime() + waitMs).toISOString(),
    reduced: { allowance: halved, at: now.toISOString() },
  }
}

/** How many reports per hour the account may ask for now. */
export function allowance(pacing: Pacing, nowMs: number, limits: PacingLimits): number {
  if (!pacing.reduced) return limits.maxReportsPerHour
  const quietHours = Math.max(Math.floor((nowMs - Date.parse(pacing.reduced.at)) / HOUR_MS), 0)
  return Math.min(pacing.reduced.allowance * 2 ** Math.min(quietHours, 30), limits.maxReportsPerHour)
}
