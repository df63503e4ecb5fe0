import { type Dataset, findDataset } from '../catalog.ts'
import { alignDown, alignUp, GRAIN } from '../time/calendar.ts'
import { addDuration, type Duration, durationMilliseconds } from '../time/durations.ts'
import { dayText, earliest } from '../time/instants.ts'
import type { Boundary, Feed } from './feed.ts'

// Where the history of a feed starts, and how far back the service has data.

type Timed = Pick<Feed, 'cadence' | 'grain'>

/** The instant of a boundary. A duration counts back from the start of the day on which the app first saw the feed. */
export function instantOf(boundary: Boundary, since: Date): Date {
  return 'date' in boundary ? new Date(boundary.date) : addDuration(alignDown(since, GRAIN.day), boundary.back, -1)
}

const UNITS = {
  DAY: (count: number): Duration => ({ months: 0, days: count, seconds: 0 }),
  MONTH: (count: number): Duration => ({ months: count, days: 0, seconds: 0 }),
  YEAR: (count: number): Duration => ({ months: 12 * count, days: 0, seconds: 0 }),
} as const

/**
 * The first instant for which a dataset has data at `now`, by the ranges that the service lists for it (its
 * `availableDateRanges`). Undefined where no limit is known: with LIFETIME, and where no word is known. A word of another
 * form says nothing beside known ones. How the service counts is unknown: to the second is the strictest reading.
 */
export function firstInRange(ranges: readonly string[], now: Date): Date | undefined {
  if (ranges.some(isLifetime)) return undefined
  return earliest(ranges.map((range) => startOfRange(range, now)))
}

/** Whether ranges say how far back there is data: at least one of their words is known. */
export function sayReach(ranges: readonly string[]): boolean {
  return ranges.some((range) => isLifetime(range) || lengthOf(range) !== undefined)
}

/** Whether ranges reach further back than others do at `now`. Those that say nothing do not. */
export function reachesFurther(ranges: readonly string[], others: readonly string[], now: Date): boolean {
  const [first, other] = [firstInRange(ranges, now), firstInRange(others, now)]
  return other !== undefined && sayReach(ranges) && (first === undefined || first < other)
}

function isLifetime(range: string): boolean {
  return range.trim().toUpperCase() === 'LIFETIME'
}

function startOfRange(range: string, now: Date): Date | undefined {
  const length = lengthOf(range)
  return length && addDuration(now, length, -1)
}

function lengthOf(range: string): Duration | undefined {
  const word = range.trim().toUpperCase()
  if (word === 'TODAY' || word === 'YESTERDAY') return UNITS.DAY(2)
  const match = /^LAST_(?:(\d{1,4})_)?(DAY|MONTH|YEAR)S?$/.exec(word)
  const length = match && UNITS[match[2] as keyof typeof UNITS](Number(match[1] ?? 1))
  return length && durationMilliseconds(length) > 0 ? length : undefined
}

/**
 * Where the history of a feed starts instead, because its `from` lies before what the ranges offer at `now`: the first day
 * or month (its grain) that they offer whole. Undefined where they offer all that the feed wants.
 */
export function laterStart(
  { cadence, grain = 'day' }: Timed,
  ranges: readonly string[],
  since: Date,
  now: Date,
): Date | undefined {
  if (cadence.kind === 'snapshot') return undefined
  const first = firstInRange(ranges, now)
  if (!first || alignDown(instantOf(cadence.from, since), GRAIN[grain]) >= first) return undefined
  return alignUp(first, GRAIN[grain])
}

/** Where the time of a feed ends, if the service has data only from then on (`start`): it offers nothing of the feed's time. */
export function endBefore({ cadence, grain = 'day' }: Timed, start: Date, since: Date): Date | undefined {
  if (cadence.kind === 'snapshot' || !cadence.to) return undefined
  const end = alignUp(instantOf(cadence.to, since), GRAIN[grain])
  return end <= start ? end : undefined
}

/** Tells that the history of a feed, first seen at `since`, starts later than its `from`, or after its end. */
export function laterStartWarning(feed: Feed, start: Date, since: Date): string {
  const { name, dataset } = feed
  const end = endBefore(feed, start, since)
  return end
    ? `feed "${name}": ${offersNothing(end)}: it has ${dataset} from ${dayText(start)} on`
    : `feed "${name}": history starts at ${dayText(start)} and not at from: the service offers no more of ${dataset}`
}

/** Warns of each feed whose `from` lies before what Microsoft documents, if it is first seen now: no more than a guess. */
export function laterStartWarnings(
  feeds: readonly Feed[],
  catalogue: readonly Dataset[],
  now: Date,
): readonly string[] {
  return feeds.flatMap((feed) => {
    const { name, dataset } = feed
    const ranges = findDataset(catalogue, dataset)?.ranges ?? []
    const start = laterStart(feed, ranges, now, now)
    if (start === undefined) return []
    const documented = `Microsoft documents ${dataset} from ${dayText(start)} on`
    const unless = "unless the service's own list, which decides, has more"
    const end = endBefore(feed, start, now)
    return end
      ? [`feed "${name}": ${offersNothing(end)}: ${documented}; set a later to, or leave it out, ${unless}`]
      : [`feed "${name}": ${documented}: history starts there and not at from, ${unless}`]
  })
}

/** Warns of each feed whose `from` is still to come: nothing is asked for until then. */
export function futureStartWarnings(feeds: readonly Feed[], now: Date): readonly string[] {
  return feeds.flatMap(({ name, cadence }) => {
    if (cadence.kind === 'snapshot') return []
    const from = instantOf(cadence.from, now)
    return from > now ? [`feed "${name}": from is ${dayText(from)}, which is still to come: nothing lands before`] : []
  })
}

function offersNothing(end: Date): string {
  return `the service offers nothing of its time, which ends at ${dayText(end)}`
}
