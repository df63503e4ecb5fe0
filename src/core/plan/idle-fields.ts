import { CATALOG, columnKeyOf, defaultColumns, findDataset } from '../catalog.ts'
import type { Feed } from '../feeds/feed.ts'
import type { FeedsFile, WrittenFeed } from '../feeds/feeds.ts'
import { instantOf } from '../feeds/history.ts'
import { listed } from '../names.ts'
import { GRAIN } from '../time/calendar.ts'
import { addDuration, type Duration, parseDuration } from '../time/durations.ts'
import { dayText, later } from '../time/instants.ts'
import { historyWindows, missingWindows, wantedSpan } from './due-windows.ts'

/** A feed with the fields that a person wrote, and when the app first saw it. */
type Seen = { readonly feed: Feed; readonly written: WrittenFeed; readonly since: Date; readonly now: Date }

/** Says why a field that is written changes nothing, and undefined where it is read. */
type Rule = (seen: Seen) => string | undefined

type Windows = Extract<Feed['cadence'], { kind: 'windows' }>

/** How long a window is asked for again by default, of a dataset that restates its data. */
const DEFAULT_REFRESH: Duration = { months: 0, days: 70, seconds: 0 }

/**
 * For each field of a feed that is not always read, why it is not. Fields that are refused where they are not read have no
 * rule: those of windows for a snapshot, `where` and `distinct` beside a query.
 */
const RULES: Readonly<Partial<Record<keyof WrittenFeed, Rule>>> = {
  timeColumn: ({ feed: { dataset } }) =>
    findDataset(CATALOG, dataset) && `timeColumn changes nothing: the catalogue knows that of ${dataset}`,
  newColumns: ({ feed: { source } }) =>
    source.kind === 'columns' ? undefined : 'newColumns changes nothing: what a query of your own selects is never new',
  types: idleTypes,
  backfillWindow: ofWindows(idleBackfillWindow),
  window: ofWindows(idleWindow),
  openWindow: ofWindows((seen) => {
    const { end, settled } = endOf(seen)
    return settled ? `openWindow changes nothing: no window runs after to, ${dayText(end)}` : undefined
  }),
  refresh: ofWindows((seen) => {
    const end = refreshedUntil(seen)
    return end && `refresh changes nothing: no window is young any more, since history ends at ${dayText(end)}`
  }),
  delay: ofWindows(idleDelay),
}

/**
 * Warns of each written field of the feeds that changes nothing where it stands. `since` says when the app first saw a feed;
 * one that it does not know counts as first seen now. A field that only says its default is no matter: it may be meant to stay.
 */
export function idleFieldWarnings(
  { feeds, written }: Pick<FeedsFile, 'feeds' | 'written'>,
  since: ReadonlyMap<string, Date>,
  now: Date,
): readonly string[] {
  return feeds.flatMap((feed) => {
    const seen = { feed, written: written.get(feed.name) ?? {}, since: since.get(feed.name) ?? now, now }
    return idleFields(seen).map(({ why }) => `feed "${feed.name}": ${why}`)
  })
}

/** The written fields of a feed that change nothing where they stand. */
export function idleFields(seen: Seen): readonly { readonly field: keyof WrittenFeed; readonly why: string }[] {
  return (Object.entries(RULES) as [keyof WrittenFeed, Rule][]).flatMap(([field, rule]) => {
    const why = seen.written[field] === undefined ? undefined : rule(seen)
    return why ? [{ field, why }] : []
  })
}

function ofWindows(rule: (seen: Seen & { readonly cadence: Windows }) => string | undefined): Rule {
  return (seen) => {
    const { cadence } = seen.feed
    return cadence.kind === 'windows' ? rule({ ...seen, cadence }) : undefined
  }
}

/** The types of columns that the app does not select. With a query of the user's own, they must be in the report. */
function idleTypes({ feed: { dataset, source }, written }: Seen): string | undefined {
  const known = findDataset(CATALOG, dataset)
  if (source.kind !== 'columns') return undefined
  const selected = source.columns ?? (known && defaultColumns(known))
  if (!selected) return undefined
  const keyOf = columnKeyOf(known)
  const keys = new Set(selected.map(keyOf))
  const idle = Object.keys(written.types as object).filter((name) => !keys.has(keyOf(name.trim())))
  return idle.length > 0 ? `types of ${listed(idle)} change nothing: the feed does not select them` : undefined
}

function idleBackfillWindow({ feed, cadence, since, now }: Seen & { readonly cadence: Windows }): string | undefined {
  const { window } = cadence
  if (isSame(cadence.backfillWindow, window)) return undefined
  const history = (backfillWindow: Duration) =>
    historyWindows({ ...feed, cadence: { ...cadence, backfillWindow } }, { since, taken: [], now })
  if (!isSame(history(cadence.backfillWindow), history(window))) return undefined
  return `backfillWindow changes nothing: history before ${dayText(since)}, when the feed is first seen, has no room for one`
}

/** The window of a feed that ended: no window of that length fits, or `backfillWindow` cuts all of it. */
function idleWindow(seen: Seen & { readonly cadence: Windows }): string | undefined {
  const { feed, cadence, written, since, now } = seen
  const fallback = GRAIN[feed.grain ?? 'day']
  const isOver = cadence.to && instantOf(cadence.to, since) <= now
  if (!isOver || isRefreshed(seen) || isSame(cadence.window, fallback) || !findDataset(CATALOG, feed.dataset))
    return undefined
  const { end } = endOf(seen)
  const { keep: _, ...forEver } = feed
  const windows = (window: Duration) => {
    const backfillWindow = written.backfillWindow === undefined ? window : cadence.backfillWindow
    const cut = { ...cadence, window, backfillWindow }
    // Also those that are not due yet, of which none is too old to be kept.
    return [
      missingWindows({ ...feed, cadence: cut }, { since, taken: [], now }),
      missingWindows(
        { ...forEver, cadence: cut },
        { since, taken: [], now: later(now, addDuration(end, feed.delay)) },
      ).filter(({ dueAt }) => dueAt > now),
    ]
  }
  if (!isSame(windows(cadence.window), windows(fallback))) return undefined
  return `window changes nothing: the time up to to, ${dayText(end)}, is cut the same without it`
}

/** The delay of a feed of which all is settled, however late. */
function idleDelay(seen: Seen & { readonly cadence: Windows }): string | undefined {
  const { feed, now } = seen
  const { end, settled } = endOf(seen)
  const fallback = parseDuration(findDataset(CATALOG, feed.dataset)?.latency ?? '') ?? feed.delay
  const areSure = [feed.delay, fallback].every((delay) => addDuration(addDuration(end, delay), delay) <= now)
  // Without it the feed would be refused, where the default is longer than what is kept.
  const isNeeded = feed.keep && addDuration(now, feed.keep) < addDuration(now, fallback)
  if (!settled || !areSure || isNeeded || isRefreshed(seen)) return undefined
  return `delay changes nothing: all data up to to, ${dayText(end)}, has settled`
}

/** Where a feed ends, and whether all of it has settled by now. */
function endOf({ feed, since, now }: Seen) {
  const end = wantedSpan(feed, since, now)?.to ?? now
  return { end, settled: addDuration(end, feed.delay) <= now }
}

/** Whether some windows may still be asked for again: how many they are decides how the quota is shared. */
function isRefreshed(seen: Seen & { readonly cadence: Windows }): boolean {
  return seen.cadence.refresh !== undefined && refreshedUntil(seen) === undefined
}

/** Where a feed ends whose windows are all too old for a refresh; undefined where some are not. */
function refreshedUntil(seen: Seen & { readonly cadence: Windows }): Date | undefined {
  const { end, settled } = endOf(seen)
  const byDefault = findDataset(CATALOG, seen.feed.dataset)?.restates ? [DEFAULT_REFRESH] : []
  const spans = [...byDefault, ...(seen.cadence.refresh ? [seen.cadence.refresh.for] : [])]
  return settled && spans.every((span) => addDuration(end, span) <= seen.now) ? end : undefined
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
