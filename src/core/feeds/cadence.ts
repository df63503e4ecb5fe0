import type { Dataset, Grain } from '../catalog.ts'
import { cutsCalendar, GRAIN } from '../time/calendar.ts'
import { type Duration, durationMilliseconds, parseDuration } from '../time/durations.ts'
import type { Boundary, Cadence } from './feed.ts'
import {
  addProblem,
  type Fields,
  parseBoundary,
  parseDurationField,
  parseFlag,
  parseObject,
  read,
  readRequired,
  rejectUnknown,
  show,
} from './fields.ts'

type Refresh = { readonly every: Duration; readonly for: Duration }

/** The fields that say when a window is asked for; a snapshot has none of them. */
const WINDOW_FIELDS = ['window', 'backfillWindow', 'from', 'to', 'delay', 'openWindow', 'refresh']

export const REFRESH_FIELDS = ['every', 'for'] as const

const DEFAULT_FROM = 'P3M'
const DEFAULT_REFRESH_FOR = 'P70D'

const DURATION = 'an ISO 8601 duration, such as P7D or PT12H'
const BOUNDARY =
  'a date or an instant of the years 2000 to 2099, such as 2024-01-01 or 2024-01-01T00:00:00Z, or a duration back, such as P24M'
const WHOLE: Readonly<Record<Grain, string>> = {
  day: 'whole days, whole weeks or whole months, such as P1D, P1W or P1M',
  month: 'whole months, such as P1M or P3M',
}

/** Reads when a feed asks for what. Without a dataset (its name was not known) what depends on it is not checked. */
export function readCadence(fields: Fields, dataset: Dataset | undefined): Cadence {
  const bySnapshot = dataset ? dataset.timeColumn === undefined : 'snapshot' in fields.values
  return bySnapshot ? readSnapshot(fields, dataset) : readWindows(fields, dataset)
}

/** Reads how late the service settles: the catalogue knows it of each dataset. */
export function readDelay(fields: Fields, dataset: Dataset | undefined): Duration {
  return read(fields, 'delay', DURATION, parseDurationField) ?? catalogued(dataset?.latency)
}

function readSnapshot(fields: Fields, dataset: Dataset | undefined): Cadence {
  for (const field of WINDOW_FIELDS.filter((name) => name in fields.values)) {
    const reason = dataset ? `${dataset.name} has no time column, so it has snapshots` : 'snapshot excludes it'
    addProblem(fields, `${field} is ${show(fields.values[field])}; it must be left out: ${reason}`)
  }
  const every = read(fields, 'snapshot', WHOLE.day, parseWhole('day'))
  return { kind: 'snapshot', every: every ?? catalogued(dataset?.refreshInterval) }
}

function readWindows(fields: Fields, dataset: Dataset | undefined): Cadence {
  if ('snapshot' in fields.values) {
    const reason = `the time column of ${dataset?.name} is ${dataset?.timeColumn}, so it has windows`
    addProblem(fields, `snapshot is ${show(fields.values.snapshot)}; it must be left out: ${reason}`)
  }
  const grain = dataset?.grain ?? 'day'
  const allowed = dataset ? `${WHOLE[grain]}: the data of ${dataset.name} is by ${grain}` : WHOLE[grain]
  const window = read(fields, 'window', allowed, parseWhole(grain)) ?? GRAIN[grain]
  const backfillWindow = read(fields, 'backfillWindow', allowed, parseWhole(grain)) ?? window
  if (durationMilliseconds(backfillWindow) < durationMilliseconds(window)) {
    const shown = show(fields.values.backfillWindow)
    addProblem(fields, `backfillWindow is ${shown}; it must be at least as long as window`)
  }
  const openWindow = read(fields, 'openWindow', 'true or false', parseFlag) ?? grain === 'month'
  const refresh = readRefresh(fields, dataset)
  return { kind: 'windows', window, backfillWindow, ...readSpan(fields), openWindow, ...(refresh && { refresh }) }
}

function readSpan(fields: Fields): { readonly from: Boundary; readonly to?: Boundary } {
  const from = read(fields, 'from', BOUNDARY, parseBoundary) ?? { back: catalogued(DEFAULT_FROM) }
  const to = read(fields, 'to', BOUNDARY, parseBoundary)
  if (to && !mayBeBefore(from, to)) {
    const start = show(fields.values.from ?? DEFAULT_FROM)
    addProblem(fields, `from is ${start}; it must be before to, which is ${show(fields.values.to)}`)
  }
  return { from, ...(to && { to }) }
}

/** A date and a duration back can only be compared once the day the feed was first seen is known. */
function mayBeBefore(from: Boundary, to: Boundary): boolean {
  if ('date' in from && 'date' in to) return from.date < to.date
  if ('back' in from && 'back' in to) return durationMilliseconds(from.back) > durationMilliseconds(to.back)
  return true
}

function readRefresh(fields: Fields, dataset: Dataset | undefined): Refresh | undefined {
  const asked = read(fields, 'refresh', 'an object with the fields every and for', parseObject)
  if (!asked && dataset && !dataset.restates) return undefined
  const own = { ...fields, owner: `${fields.owner}, refresh`, values: asked ?? {} }
  rejectUnknown(own, REFRESH_FIELDS)
  const every = read(own, 'every', DURATION, parseDurationField) ?? catalogued(dataset?.refreshInterval)
  const readFor = dataset?.restates === false ? readRequired : read
  const span = readFor(own, 'for', DURATION, parseDurationField) ?? catalogued(DEFAULT_REFRESH_FOR)
  return { every, for: span }
}

function parseWhole(grain: Grain): (value: unknown) => Duration | undefined {
  return (value) => {
    const duration = parseDurationField(value)
    if (!duration || !cutsCalendar(duration)) return undefined
    return grain === 'month' && duration.months === 0 ? undefined : duration
  }
}

/** A duration of the catalogue or of this file; a day where the dataset is not known, whose feed is refused anyway. */
function catalogued(text: string | undefined): Duration {
  return (text === undefined ? undefined : parseDuration(text)) ?? GRAIN.day
}
