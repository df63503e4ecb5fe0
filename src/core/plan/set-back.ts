import type { FeedRow } from '../ledger/feed-row.ts'
import { isOpen, isOutdated, type LedgerEntry } from '../ledger/ledger.ts'
import { isOutOfRange } from '../ledger/reach.ts'
import { settledAt } from './due-windows.ts'

// Which windows a person sets back to `planned` together, and which of them stay as they are.

/** `failed`: what failed. `outdated`: what answers an earlier question of the feed. `all`: everything that landed or failed. */
export const CHOICES = ['failed', 'outdated', 'all'] as const
export type Choice = (typeof CHOICES)[number]

/** Whether a choice is about a window. */
export function isOfChoice(choice: Choice, row: Pick<FeedRow, 'form'>, entry: LedgerEntry): boolean {
  if (choice === 'failed') return entry.state === 'failed'
  return choice === 'all' || isOutdated(entry, row.form)
}

/**
 * Gives the reason why a window of a choice is not set back; undefined where it is. What has not settled is of the live
 * lane, which asks for it by itself, and must not wait behind history.
 */
export function whyNotSetBack(
  row: Pick<FeedRow, 'feed' | 'ranges'>,
  entry: LedgerEntry,
  now: Date,
): string | undefined {
  const { window, figures } = entry
  if (entry.state === 'planned') return 'is planned already'
  if (isOpen(entry)) return `is ${entry.state}: its report is under way`
  if (figures?.running || now < settledAt(row.feed, window)) return 'has not settled: the app asks for it anyway'
  const isOut = isOutOfRange(row, window, now)
  if (figures?.origin === 'import' && (isOut || !row.ranges)) return 'was imported, and the service may not have it'
  return isOut ? outOfRangeReason(row) : undefined
}

/** Says why the app does not ask for a window that begins before what the service offers. */
export function outOfRangeReason({ feed, ranges = [] }: Pick<FeedRow, 'feed' | 'ranges'>): string {
  return `begins before what the service offers of ${feed.dataset} (${ranges.join(', ')})`
}
