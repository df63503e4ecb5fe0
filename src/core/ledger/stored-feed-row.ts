import { type Failure, failed } from '../failures.ts'
import { type Feed, isFeedName } from '../feeds/feed.ts'
import { present } from '../present.ts'
import { FEED_ROWS } from './app-rows.ts'
import type { FeedOutline, FeedRow, WideField } from './feed-row.ts'

/** What is stored of a feed row: how it asks and lands apart, so that the timers need not read it. */
export type StoredFeedRow = { readonly json: string; readonly wide: string }

type Wide = Pick<Feed, WideField> &
  Pick<FeedRow, 'chosen' | 'filled' | 'ranges' | 'offered'> & { readonly asked?: readonly string[] }

/** Gives the stored form of a feed row, without its keys. */
export function toFeedFields({ feed, query, chosen, filled, ranges, offered, ...rest }: FeedRow): StoredFeedRow {
  const { types, mustHave, source, timeColumn, newColumns, maxRejects, shards, allowRedacted, ...outline } = feed
  const apart: Pick<Feed, WideField> = present({
    types,
    mustHave,
    source,
    timeColumn,
    newColumns,
    maxRejects,
    shards,
    allowRedacted,
  })
  const { columns: asked, ...registered } = query ?? {}
  const wide: Wide = {
    ...apart,
    ...(asked && { asked }),
    ...(chosen && { chosen }),
    ...(filled && { filled }),
    ...(ranges && { ranges }),
    ...(offered && { offered }),
  }
  return {
    json: JSON.stringify({ feed: outline, ...rest, ...(query && { query: registered }) }),
    wide: JSON.stringify(wide),
  }
}

/** Reads the outline of a stored feed row; anything that does not fit is a failure, never a guess. */
export function fromOutlineField(name: string, json: unknown): FeedOutline | Failure {
  const row = parseObject(json)
  return row && isOutlineOf(name, row) ? row : unreadable(name)
}

/** Reads a stored feed row; anything that does not fit is a failure, never a guess. */
export function fromFeedFields(name: string, stored: Readonly<Record<string, unknown>>): FeedRow | Failure {
  const outline = parseObject(stored.json)
  const wide = parseObject(stored.wide)
  if (!outline || !isOutlineOf(name, outline) || !wide || !isWide(wide)) return unreadable(name)
  const { query, feed, ...rest } = outline
  const { asked, chosen, filled, ranges, offered, ...columns } = wide
  const registered = query && { ...query, ...(asked && { columns: asked }) }
  return {
    ...rest,
    feed: { ...feed, ...columns },
    ...(registered && { query: registered }),
    ...(chosen && { chosen }),
    ...(filled && { filled }),
    ...(ranges && { ranges }),
    ...(offered && { offered }),
  }
}

function unreadable(name: string): Failure {
  return failed('unreadable-entry', `ledger row _app ${FEED_ROWS}${name} is no feed: something else changed it`)
}

function parseObject(json: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(String(json))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Whether a stored object has what every step builds on. The rest is written and read by this app alone. */
function isOutlineOf(
  name: string,
  row: Readonly<Record<string, unknown>>,
): row is FeedOutline & Readonly<Record<string, unknown>> {
  const { feed, account, form, since } = row as Partial<FeedOutline>
  const hasFeed = isFeedName(name) && feed?.name === name && typeof feed.account === 'string'
  const hasCadence = typeof feed?.cadence === 'object' && typeof feed.delay === 'object'
  return (
    hasFeed &&
    hasCadence &&
    typeof account === 'object' &&
    typeof form === 'object' &&
    !Number.isNaN(Date.parse(String(since)))
  )
}

function isWide(row: Readonly<Record<string, unknown>>): row is Wide & Readonly<Record<string, unknown>> {
  return typeof row.types === 'object' && typeof row.source === 'object'
}
