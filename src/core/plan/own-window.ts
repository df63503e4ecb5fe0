import type { FeedRow } from '../ledger/feed-row.ts'
import { isAtRest, type LedgerEntry } from '../ledger/ledger.ts'
import { type PlanRow, takes } from '../ledger/plan-row.ts'
import { withinReach } from '../ledger/reach.ts'
import { dayText, later, minuteText } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import { windowOption } from '../time/words.ts'
import { isAligned, missingWindows, settledAt, type WindowRules, wantedSpan } from './due-windows.ts'
import { whyPastKeep } from './keep.ts'

type MaybePaused = Pick<FeedRow, 'backfillPaused'>

/** Gives the reason why no file can hold all of a window, or undefined once the window is over. */
export function whyNotOver({ to }: Window, now: Date): string | undefined {
  return to > now ? `ends at ${to.toISOString()}: wait until it is over` : undefined
}

/** Gives the reason why a person may not ask for a window or land in it, or undefined where it is at rest. */
export function whyNotAtRest(entry: LedgerEntry, { backfillPaused }: MaybePaused): string | undefined {
  if (isAtRest(entry)) return undefined
  const isHeld = backfillPaused && entry.state === 'planned' && entry.lane === 'backfill'
  const first = isHeld ? `, and history is paused: "backfill resume --feed ${entry.feed}" first, and` : ':'
  return `is ${entry.state}${first} wait until it is landed or failed`
}

/**
 * Gives the reason why a person may not land a file in a window, or undefined if they may. A window of the ledger must be
 * at rest. A new window must have ended, be cut at the grain, and take no time that another window has.
 */
export function whyMayNotLand(
  { feed, ...row }: MaybePaused & { readonly feed: WindowRules & { readonly dataset: string } },
  window: Window,
  entry: LedgerEntry | undefined,
  plan: Pick<PlanRow, 'spans'>,
  now: Date,
): string | undefined {
  const past = whyPastKeep(feed, window, now)
  if (past !== undefined) return past
  if (entry) return whyNotAtRest(entry, row)
  const notOver = whyNotOver(window, now)
  if (notOver !== undefined) return notOver
  if (takes(plan, window)) return 'overlaps a window that has an entry'
  return isAligned(feed, window) ? undefined : `is not cut at a ${feed.grain ?? 'day'}, the grain of ${feed.dataset}`
}

/** Says of a window without an entry why there is none, and what a person types instead of asking for it again. */
export function whyNotAskedFor(
  now: Date,
  row: Pick<FeedRow, 'feed' | 'reach' | 'since' | 'backfillPaused'>,
  spans: readonly Window[],
  window: Window,
): string {
  const { feed, backfillPaused } = row
  const { name } = feed
  const since = new Date(row.since)
  const toCome = `"backfill --dry-run --feed ${name}" shows what is to come`
  const known = { since, taken: spans, now: later(now, settledAt(feed, window)) }
  const isThis = (each: { readonly window: Window }) =>
    +each.window.from === +window.from && +each.window.to === +window.to
  const missing = missingWindows(withinReach(row), known)
  const coming = missing.find(isThis)
  if (coming?.lane === 'backfill' && backfillPaused) {
    return `its history is paused; "backfill resume --feed ${name}" lets it go on`
  }
  if (coming && coming.dueAt > now) return `it is due at ${minuteText(coming.dueAt)}, and the app asks for it then`
  if (coming) return `it is due, and the app asks for it by itself; "status" shows what holds it up, if anything does`
  const holding = missing.find((each) => each.window.from <= window.from && each.window.to >= window.to)
  if (holding) return `it is no window of the feed: ${windowOption(holding.window)} holds that time`
  if (takes({ spans }, window)) return `other windows take its time; name them by --from and --to`
  const wanted = wantedSpan(withinReach(row), since, now)
  if (wanted && window.from < wanted.from) {
    return `history of the feed starts at ${dayText(wanted.from)}; an earlier "from" and "feeds push" bring what the service still has`
  }
  return `the feed has no such window; ${toCome}`
}
