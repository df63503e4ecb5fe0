import { whyAsksNothing } from '../ledger/feed-block.ts'
import type { RangedRow } from '../ledger/feed-row.ts'
import { isAtRest, isOutdated, type LedgerEntry, type Planned } from '../ledger/ledger.ts'
import { isOutOfRange, outOfRangeReason } from '../ledger/reach.ts'
import { toBackfilled } from '../ledger/transitions.ts'
import type { Window } from '../time/window.ts'
import { settledAt } from './due-windows.ts'
import { whyPastKeep } from './keep.ts'

// Which windows a person sets back to `planned` together, and which of them stay as they are.

/** `failed`: what failed. `outdated`: what answers an earlier question of the feed. `all`: everything that landed or failed. */
export const CHOICES = ['failed', 'outdated', 'all'] as const
export type Choice = (typeof CHOICES)[number]

/** A window of history that the app does not ask for, or that a choice leaves as it is. */
export type LeftOut = { readonly feed: string; readonly window: Window; readonly why: string }

/**
 * Gives what becomes of an entry under a choice: the entry that is asked for again, or why it stays as it is; undefined where
 * the choice is not about it. What has not settled is of the live lane, which asks for it by itself, and must not wait behind
 * history.
 */
export function setBack(
  choice: Choice,
  row: Pick<RangedRow, 'feed' | 'form' | 'ranges'>,
  entry: LedgerEntry,
  now: Date,
): Planned | { readonly why: string } | undefined {
  const { window, figures, state } = entry
  if (!isOfChoice(choice, row, entry)) return undefined
  const past = whyPastKeep(row.feed, window, now)
  if (past !== undefined) return { why: past }
  if (state === 'planned') return { why: 'is planned already' }
  if (!isAtRest(entry)) return { why: `is ${state}: its report is under way` }
  const isAskedAnyway = now < settledAt(row.feed, window) || (state === 'landed' && figures?.running)
  if (isAskedAnyway) return { why: 'has not settled: the app asks for it anyway' }
  const isOut = isOutOfRange(row, window, now)
  if (figures?.origin === 'import' && (isOut || !row.ranges)) {
    return { why: 'was imported, and the service may not have it' }
  }
  return isOut ? { why: outOfRangeReason(row) } : toBackfilled(entry, now)
}

function isOfChoice(choice: Choice, row: Pick<RangedRow, 'form'>, entry: LedgerEntry): boolean {
  if (choice === 'failed') return entry.state === 'failed'
  return choice === 'all' || isOutdated(entry, row.form)
}

/** Says why a feed asks for no history, whatever its windows are; undefined where it does. */
export function whyNoHistory(row: Pick<RangedRow, 'feed' | 'refused' | 'blocked'>): string | undefined {
  const { name, cadence } = row.feed
  return (
    whyAsksNothing(row) ?? (cadence.kind === 'snapshot' ? `feed ${name} takes snapshots: it has no history` : undefined)
  )
}
