import { whyAsksNothing } from '../ledger/feed-block.ts'
import type { RangedRow } from '../ledger/feed-row.ts'
import { type Failed, isAtRest, isOutdated, type Landed, type LedgerEntry, type Planned } from '../ledger/ledger.ts'
import { isOutOfRange, outOfRangeReason } from '../ledger/reach.ts'
import { toBackfilled } from '../ledger/transitions.ts'
import { healsAt } from '../ledger/wake.ts'
import { minuteText } from '../time/instants.ts'
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
 * the choice is not about it.
 */
export function setBack(
  choice: Choice,
  row: Pick<RangedRow, 'feed' | 'form' | 'ranges'>,
  entry: LedgerEntry,
  now: Date,
): Planned | { readonly why: string } | undefined {
  if (!isOfChoice(choice, row, entry)) return undefined
  const resting = settledAtRest(row, entry, now)
  if ('why' in resting) return resting
  const why = whyNotOffered(row, entry, now)
  return why === undefined ? toBackfilled(resting, now) : { why }
}

/** Says why the service may not have the time of a window, or undefined where it has. */
export function whyNotOffered(
  row: Pick<RangedRow, 'feed' | 'ranges'>,
  { window, figures }: LedgerEntry,
  now: Date,
): string | undefined {
  const isOut = isOutOfRange(row, window, now)
  if (figures?.origin === 'import' && (isOut || !row.ranges)) return 'was imported, and the service may not have it'
  return isOut ? outOfRangeReason(row) : undefined
}

/**
 * The entry, where it may be set back as far as the service has its time, or why it stays. What has not settled is of the
 * live lane, and must not wait behind history.
 */
function settledAtRest(
  { feed }: Pick<RangedRow, 'feed'>,
  entry: LedgerEntry,
  now: Date,
): Landed | Failed | { readonly why: string } {
  const past = whyPastKeep(feed, entry.window, now)
  if (past !== undefined) return { why: past }
  if (entry.state === 'planned') return { why: 'is planned already' }
  if (!isAtRest(entry)) return { why: `is ${entry.state}: its report is under way` }
  const isUnsettled = now < settledAt(feed, entry.window) || (entry.state === 'landed' && entry.figures.running)
  return isUnsettled ? { why: `has not settled: ${whoAsks(entry)}` } : entry
}

/** Says when the app asks for a window by itself, or that only a person does. */
function whoAsks(entry: Landed | Failed): string {
  const at = entry.state === 'landed' ? entry.refreshAt : healsAt(entry)
  return at ? `the app asks for it by itself, at ${minuteText(at)}` : '"retry" has it asked for again'
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
