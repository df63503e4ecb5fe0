import { type Advice, adviceOn, type Failure, type FailureKind, filled, PROGRAM } from '../failures.ts'
import type { Account, Feed } from '../feeds/feed.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import { type FeedOutline, type FeedRow, formNow, toTrouble } from './feed-row.ts'
import { withReach } from './reach.ts'
import { hasCome } from './wake.ts'

// What blocks a feed and what ends the block; and when what failed is tried again, which may end it.

/** What failed is tried again a day after the last trial, and a little earlier, so that the daily audit finds it due. */
export const TRIAL_MS = DAY_MS - 30 * MINUTE_MS

/**
 * The feed is as feeds.json has it now, and owns its table. A changed feed deserves another try: its block ends, and what
 * failed before is asked for again.
 */
export function withFeed(row: FeedRow, feed: Feed, account: Account, now: Date): FeedRow {
  if (row.feed.hash === feed.hash) return withReach({ ...withoutRefusal(row), feed, account }, now)
  const { trouble: _, backoff: __, refused: ___, ...rest } = withoutBlock(withoutOffer(row))
  const changed = { ...rest, feed, account, form: formNow({ ...rest, feed }), changedAt: now.toISOString() }
  return withReach(changed.form.rowSet === row.form.rowSet ? changed : withoutGaps(changed), now)
}

/** What a person accepted was that other rows cannot be had. */
function withoutGaps({ acceptedGaps: _, ...row }: FeedRow): FeedRow {
  return row
}

/** What the service offered was compared with the feed as it was. */
function withoutOffer(row: FeedRow): FeedRow {
  const { offered: _, offerDrift: __, ...rest } = row
  return rest
}

/**
 * The app does not take the feed as feeds.json has it now: its table belongs to another feed, or its name to other rows.
 * It keeps its earlier form: what is open of it lands as it was asked for. A block for another reason is replaced, and
 * comes back by itself with the first request that fails.
 */
export function refusedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  const isKnown = row.blocked?.kind === failure.kind && row.blocked.message === failure.message && row.refused
  return isKnown ? row : { ...row, blocked: toTrouble(failure, now), refused: true }
}

/** What ends the block of a feed. Where the app does not take what feeds.json says, only another file does. */
export function blockAdvice(
  { refused, query, feed: { name, account } }: Pick<FeedOutline, 'refused' | 'query' | 'feed'>,
  { kind }: { readonly kind: FailureKind },
): Advice {
  const about = { feed: name, account }
  const advice = adviceOnOurQuery(query, kind)
  const given = advice ? filled(advice, about) : adviceOn(kind, about)
  return refused ? { ...given, command: `${PROGRAM} feeds push` } : given
}

/** What nothing in feeds.json mends, because the app made the query itself. */
function adviceOnOurQuery(query: FeedOutline['query'], kind: FailureKind): Advice | undefined {
  if (kind === 'column-missing' && query?.chosen) return CHOSEN_MISSING
  return kind === 'outside-window' && query?.composed ? TIMES_IGNORED : undefined
}

const CHOSEN_MISSING = {
  remedy:
    'The app chose the columns of the feed, and the report lacks one that the message names: let the feed ask again. If that fails of the same, name the columns that you want in feeds.json, and type "feeds push".',
  command: 'unblock <feed>',
} as const

/** A row lies outside its window, in a report whose query the app made. */
export const TIMES_IGNORED = {
  remedy:
    'The app made the query, without TIMESPAN, so the service ignored the times that it was asked for: tell its support. Once it heeds them, let the feed ask again.',
  command: 'unblock <feed>',
} as const

/** The feed left feeds.json or is disabled: it asks for nothing new, so it no longer matters what the file said of it. */
export function retired(row: FeedRow): FeedRow {
  if (!row.feed.enabled && !row.refused) return row
  return { ...withoutRefusal(row), feed: { ...row.feed, enabled: false } }
}

function withoutRefusal(row: FeedRow): FeedRow {
  const { blocked: _, refused, ...free } = row
  return refused ? free : row
}

/** Nothing new is asked for. A day later a window is tried. */
export function blockedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  return row.refused ? row : { ...withTrialFailed(row, now), blocked: toTrouble(failure, now) }
}

/** As `blockedBy`, for a window that failed before: it does not block a feed that is free. */
export function stillBlockedBy(row: FeedRow, failure: Failure, now: Date): FeedRow {
  return row.blocked ? blockedBy(row, failure, now) : withTrialFailed(row, now)
}

/** A person says that what blocked the feed is gone. */
export function unblocked(row: FeedRow, now: Date): FeedRow {
  return row.blocked && !row.refused ? healed(withoutBlock(row), now) : row
}

/**
 * The feed landed: its block ends, and what failed is asked for again. While a trial has just failed, a landing of a feed
 * that is free changes nothing, but for one of a window that had failed itself (`wasTried`).
 */
export function withLanding(row: FeedRow, wasTried: boolean, now: Date): FeedRow {
  if (row.refused) return row
  if (row.blocked) return healed(withoutBlock(row), now)
  return row.failing && (wasTried || mayTry(row, now)) ? healed(row, now) : row
}

function withoutBlock(row: FeedRow): FeedRow {
  const { blocked: _, nextTrial: __, ...free } = row
  return free
}

function healed(row: FeedRow, now: Date): FeedRow {
  return { ...row, healedAt: now.toISOString() }
}

/** A window failed for a reason that a landing of another window may show to be gone. */
export function withFailing(row: FeedRow): FeedRow {
  return row.failing ? row : { ...row, failing: true }
}

/** No window of the feed is failed any more that a landing or a change could heal. */
export function withoutFailing(row: FeedRow): FeedRow {
  const { failing: _, ...rest } = row
  return row.failing ? rest : row
}

/** A window failed that had failed before: what failed is tried again a day later. */
export function withTrialFailed(row: FeedRow, now: Date): FeedRow {
  return { ...withTrial(row, now), failing: true }
}

/** A window that failed, or one of a blocked feed, is tried: the next one a day later. */
export function withTrial(row: FeedRow, now: Date): FeedRow {
  return { ...row, nextTrial: new Date(now.getTime() + TRIAL_MS).toISOString() }
}

/** The feed has an attempt under way, which may end its block: it is looked at again in an hour. */
export function withTrialLater(row: FeedRow, now: Date): FeedRow {
  return { ...row, nextTrial: new Date(now.getTime() + HOUR_MS).toISOString() }
}

/** A person asks for a window of a blocked feed: it is tried at the next tick. */
export function withTrialNow(row: FeedRow): FeedRow {
  const { nextTrial: _, ...rest } = row
  return row.nextTrial === undefined ? row : rest
}

/** Whether what failed may be tried again now. */
export function mayTry({ nextTrial }: Pick<FeedRow, 'nextTrial'>, now: Date): boolean {
  return nextTrial === undefined || hasCome(new Date(nextTrial), now, TRIAL_MS)
}

/** Says why a feed asks for nothing, whatever is planned; undefined where it does. */
export function whyAsksNothing(
  row: Pick<FeedOutline, 'feed' | 'refused' | 'blocked' | 'purgedAt'>,
): string | undefined {
  const { feed, refused, blocked } = row
  const { name, enabled } = feed
  const purged = whyPurged(row)
  if (purged !== undefined) return purged
  if (!enabled) return `feed ${name} is not in feeds.json or is disabled: it asks for nothing`
  return refused ? `feed ${name}: ${blocked?.message}: only feeds.json ends this block` : undefined
}

/** Why nothing lands in a feed that was purged; undefined where it was not. */
export function whyPurged({ feed: { name }, purgedAt }: Pick<FeedOutline, 'feed' | 'purgedAt'>): string | undefined {
  if (purgedAt === undefined) return undefined
  return `feed ${name} was purged, and its old rows are still being removed: wait until "status" shows it no more`
}
