import type { Feed } from '../feeds/feed.ts'
import type { KeptRow } from '../ledger/app-rows.ts'
import { addDuration, DAY_MS } from '../time/durations.ts'
import { earlier } from '../time/instants.ts'
import type { Window } from '../time/window.ts'

type Kept = Pick<Feed, 'keep'>

/** What ended before this is kept no longer; undefined where a feed keeps everything. It never moves back. */
export function keptSince({ keep }: Kept, now: Date): Date | undefined {
  return keep && addDuration(now, keep, -1)
}

/** Whether a window ended so long ago that nothing of it is kept, and nobody asks for it. */
export function isPastKeep(feed: Kept, { to }: Pick<Window, 'to'>, now: Date): boolean {
  const since = keptSince(feed, now)
  return since !== undefined && to <= since
}

/** Says why nobody may ask for a window, or land in it, because it is older than its feed keeps; undefined where it is not. */
export function whyPastKeep(feed: Kept, window: Window, now: Date): string | undefined {
  return isPastKeep(feed, window, now)
    ? 'is older than what the feed keeps: make "keep" longer in feeds.json first'
    : undefined
}

/**
 * Whether a feed is looked at now for what is too old, once a day, and what goes then: what ended before `since`, and so was
 * past `keep` at the look before. A clock that is wrong once does no harm: without a look before, or where that one shows a
 * later time than now, this one is only noted. Nor does a `keep` that is wrong for less than a day: of the one now and the one
 * of the look before, the longer counts.
 */
export function dueRemoval(feed: Kept, before: KeptRow | undefined, now: Date): { readonly since?: Date } | undefined {
  if (!feed.keep) return undefined
  const at = before ? Date.parse(before.at) : Number.NaN
  const age = now.getTime() - at
  if (Math.abs(age) < DAY_MS) return undefined
  if (!before?.keep || !(age > 0)) return {}
  const by = new Date(at)
  return { since: earlier(addDuration(by, feed.keep, -1), addDuration(by, before.keep, -1)) }
}
