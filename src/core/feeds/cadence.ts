import type { Dataset, Grain } from '../catalog.ts'
import { present } from '../present.ts'
import { cutsCalendar, GRAIN } from '../time/calendar.ts'
import { type Duration, durationMilliseconds, parseDuration } from '../time/durations.ts'
import type { Boundary, Cadence, Refresh } from './feed.ts'
import { FEED_FIELDS, REFRESH_FIELDS } from './fields.ts'
import {
  addProblem,
  type FeedSection,
  isGiven,
  openSection,
  parseBoundary,
  parseDurationField,
  parseFlag,
  parseObject,
  read,
  readRequired,
  refuseGiven,
  show,
  type ValueParser,
} from './section.ts'

/** The fields that say when to ask for a window. A snapshot feed has none of them. */
const WINDOW_FIELDS = ['window', 'backfillWindow', 'from', 'to', 'delay', 'openWindow', 'refresh'] as const

const DEFAULT_REFRESH_FOR = 'P70D'

const WHOLE: Readonly<Record<Grain, string>> = {
  day: FEED_FIELDS.snapshot.allowed,
  month: 'whole months or years, such as P1M, P3M or P1Y',
}

/** Reads the cadence of a feed. Without a dataset (its name is unknown), nothing that depends on it is checked. */
export function readCadence(feed: FeedSection, dataset: Dataset | undefined): Cadence {
  const bySnapshot = dataset ? dataset.timeColumn === undefined : isGiven(feed, 'snapshot')
  return bySnapshot ? readSnapshot(feed, dataset) : readWindows(feed, dataset)
}

/** Reads how late the data of the service settles. The default of each dataset is in the catalogue. */
export function readDelay(feed: FeedSection, dataset: Dataset | undefined): Duration {
  return read(feed, 'delay', parseDurationField) ?? catalogued(dataset?.latency)
}

/** Reads how long windows are kept; undefined: for ever. What is removed before it has settled would never be complete. */
export function readKeep(feed: FeedSection, delay: Duration): Duration | undefined {
  const keep = read(feed, 'keep', parseDurationField)
  if (keep && durationMilliseconds(keep) < durationMilliseconds(delay)) {
    addProblem(feed, `keep is ${show(feed.values.keep)}; it must be at least as long as delay`)
  }
  return keep
}

function readSnapshot(feed: FeedSection, dataset: Dataset | undefined): Cadence {
  const reason = dataset ? `${dataset.name} has no time column, so it has snapshots` : 'snapshot excludes it'
  refuseGiven(feed, WINDOW_FIELDS, reason)
  const every = read(feed, 'snapshot', parseWhole('day')) ?? catalogued(dataset?.refreshInterval)
  return { kind: 'snapshot', every }
}

function readWindows(feed: FeedSection, dataset: Dataset | undefined): Cadence {
  refuseGiven(feed, ['snapshot'], `the time column of ${dataset?.name} is ${dataset?.timeColumn}, so it has windows`)
  const grain = dataset?.grain ?? 'day'
  const allowed = dataset ? `${WHOLE[grain]}: the data of ${dataset.name} is by ${grain}` : WHOLE[grain]
  const window = read(feed, 'window', parseWhole(grain), allowed) ?? GRAIN[grain]
  const backfillWindow = read(feed, 'backfillWindow', parseWhole(grain), allowed) ?? window
  if (durationMilliseconds(backfillWindow) < durationMilliseconds(window)) {
    addProblem(feed, `backfillWindow is ${show(feed.values.backfillWindow)}; it must be at least as long as window`)
  }
  const openWindow = read(feed, 'openWindow', parseFlag) ?? grain === 'month'
  const refresh = readRefresh(feed, dataset)
  const from = read(feed, 'from', parseBoundary) ?? { back: catalogued(FEED_FIELDS.from.schema.default) }
  const to = read(feed, 'to', parseBoundary)
  if (to && !mayBeBefore(from, to)) {
    const start = show(feed.values.from ?? FEED_FIELDS.from.schema.default)
    addProblem(feed, `from is ${start}; it must be before to, which is ${show(feed.values.to)}`)
  }
  return present({ kind: 'windows', window, backfillWindow, from, to, openWindow, refresh })
}

/** True as well for a date and a duration back: these compare only after the app has first seen the feed. */
function mayBeBefore(from: Boundary, to: Boundary): boolean {
  if ('date' in from && 'date' in to) return from.date < to.date
  if ('back' in from && 'back' in to) return durationMilliseconds(from.back) > durationMilliseconds(to.back)
  return true
}

function readRefresh(feed: FeedSection, dataset: Dataset | undefined): Refresh | undefined {
  const asked = read(feed, 'refresh', (value) => (value === false ? value : parseObject(value)))
  if (asked === false || (!asked && dataset && !dataset.restates)) return undefined
  const subject = { owner: `${feed.owner}, refresh`, problems: feed.problems }
  const refresh = openSection(subject, asked ?? {}, REFRESH_FIELDS)
  const every = read(refresh, 'every', parseDurationField) ?? catalogued(dataset?.refreshInterval)
  const readFor = dataset?.restates === false ? readRequired : read
  const span = readFor(refresh, 'for', parseDurationField) ?? catalogued(DEFAULT_REFRESH_FOR)
  return present({ every, for: span, days: dataset?.refreshDays })
}

function parseWhole(grain: Grain): ValueParser<Duration> {
  return (value) => {
    const duration = parseDurationField(value)
    if (!duration || !cutsCalendar(duration)) return undefined
    return grain === 'month' && duration.months === 0 ? undefined : duration
  }
}

/** Parses a duration of the catalogue or a default. A day if the dataset is unknown, since its feed is refused anyway. */
function catalogued(text: string | undefined): Duration {
  return (text === undefined ? undefined : parseDuration(text)) ?? GRAIN.day
}
