import type { Lane } from '../ledger/ledger.ts'

const HOUR = 3_600_000

/** One report that was asked for, or is about to be. Instants are ISO text: the row is stored as JSON. */
export type Creation = {
  readonly feed: string
  readonly window: string
  readonly attempt: number
  readonly at: string
}

/** What an account has asked of the service: changed under its ETag before each report, which serialises all instances. */
export type Pacing = {
  /** When each report of the last 60 minutes was asked for. */
  readonly creations: readonly string[]
  readonly open: readonly Creation[]
  /** The service asked us to wait. */
  readonly notBefore?: string
  /** The hour's allowance after the service refused one for its quota; doubles after each quiet hour. */
  readonly reduced?: { readonly allowance: number; readonly at: string }
}

export const EMPTY_PACING: Pacing = { creations: [], open: [] }

export type PacingLimits = { readonly maxInFlight: number; readonly maxReportsPerHour: number }

/**
 * Takes a slot for one report: the row as it must be written before the report is asked for,
 * or undefined where the account has no room now. One slot of each limit is kept for lane `live`.
 * `isOpen` tells whether an earlier creation still counts.
 */
export function takeSlot(
  pacing: Pacing,
  next: Creation & { readonly lane: Lane },
  limits: PacingLimits,
  isOpen: (creation: Creation) => boolean,
): Pacing | undefined {
  const now = Date.parse(next.at)
  if (pacing.notBefore !== undefined && now < Date.parse(pacing.notBefore)) return undefined
  const creations = pacing.creations.filter((at) => now - Date.parse(at) < HOUR)
  const open = pacing.open.filter(isOpen)
  const kept = next.lane === 'live' ? 0 : 1
  const perHour = allowance(pacing, now, limits)
  if (creations.length >= Math.max(perHour - kept, 1) || open.length >= Math.max(limits.maxInFlight - kept, 1)) {
    return undefined
  }
  const { lane: _, ...creation } = next
  const reduced = perHour < limits.maxReportsPerHour ? pacing.reduced : undefined
  return { creations: [...creations, next.at], open: [...open, creation], ...(reduced && { reduced }) }
}

/** The account was refused for its quota: it waits, and its allowance for an hour is halved. */
export function throttled(pacing: Pacing, now: Date, waitMilliseconds: number, limits: PacingLimits): Pacing {
  const halved = Math.max(Math.floor(allowance(pacing, now.getTime(), limits) / 2), 1)
  return {
    ...pacing,
    notBefore: new Date(now.getTime() + waitMilliseconds).toISOString(),
    reduced: { allowance: halved, at: now.toISOString() },
  }
}

/** How many reports the account may ask for in an hour now. */
export function allowance(pacing: Pacing, now: number, limits: PacingLimits): number {
  if (!pacing.reduced) return limits.maxReportsPerHour
  const quietHours = Math.max(Math.floor((now - Date.parse(pacing.reduced.at)) / HOUR), 0)
  return Math.min(pacing.reduced.allowance * 2 ** Math.min(quietHours, 30), limits.maxReportsPerHour)
}
