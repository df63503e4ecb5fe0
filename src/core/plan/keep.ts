import type { Feed } from '../feeds/feed.ts'
import { addDuration } from '../time/durations.ts'
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
