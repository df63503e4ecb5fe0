import { CATALOG, findDataset } from '../catalog.ts'
import type { Feed } from '../feeds/feed.ts'
import { findListed, type ListedDataset, namesListed, spellingsOf } from '../feeds/feed-query.ts'
import { reachesFurther, sayReach } from '../feeds/history.ts'
import { listed, nameKey, nearest } from '../names.ts'
import { plainMessage } from '../plain-text.ts'
import { locateConditions, locateQuery } from '../query/parse.ts'
import type { FeedOutline, FeedRow } from './feed-row.ts'
import { withReach } from './reach.ts'

// What a feed uses of its dataset, compared with what the service offers.

/** A dataset as the service lists it. `isWhole`: all of the answer could be read, so what is missing is not offered. */
export type OfferedDataset = ListedDataset & {
  readonly minimumRecurrenceIntervalHours?: number
  readonly isWhole: boolean
}

/**
 * Gives what the service says of the dataset of a feed; `absent` where it lists no such dataset, and undefined where nobody
 * can tell, because the answer could not be read.
 */
export function offerOf(
  { dataset }: Pick<Feed, 'dataset'>,
  datasets: readonly OfferedDataset[],
): OfferedDataset | 'absent' | undefined {
  const found = findListed(datasets, spellingsOf(dataset))
  if (!found) return 'absent'
  return found.isWhole ? found : undefined
}

/** Whether the service says how far back it has data for a feed. */
export function isReachOffered(feed: Pick<Feed, 'dataset'>, datasets: readonly OfferedDataset[]): boolean {
  const offer = offerOf(feed, datasets)
  return offer !== undefined && offer !== 'absent' && sayReach(offer.ranges)
}

/**
 * The row after a look at what the service lists: with the ranges of its dataset, and what the feed uses and the service no
 * longer offers. What cannot be judged changes nothing.
 */
export function withOffer(row: FeedRow, datasets: readonly OfferedDataset[], now: Date): FeedRow {
  const offer = offerOf(row.feed, datasets)
  if (!offer) return row
  if (offer === 'absent') return withOfferDrift(row, [`the service no longer lists dataset ${row.feed.dataset}`])
  const drift = [unlistedNames(row, offer), lostRange(row, offer, now), longerInterval(row, offer)]
  const next = withOffered(withReach(row, now, offer.ranges), mostOffered(row, offer, now))
  return withOfferDrift(
    next,
    drift.flatMap((each) => each ?? []),
  )
}

/** All that differs between a feed and what the service gives, as `status` and the event `feed.drift` say it. */
export function driftOf({ feed, drift = [], offerDrift = [] }: FeedOutline): readonly string[] {
  const unnamed = drift.length > 0 ? [unnamedColumns(drift)] : []
  // Nobody looks for a feed that asks for nothing.
  return [...unnamed, ...(feed.enabled ? offerDrift : [])]
}

export function unnamedColumns(columns: readonly string[]): string {
  return `columns that nobody named: ${listed(columns.toSorted())}`
}

function withOfferDrift(row: FeedRow, sentences: readonly string[]): FeedRow {
  const { offerDrift = [], ...rest } = row
  const drift = sentences.map(plainMessage)
  if (JSON.stringify(drift) === JSON.stringify(offerDrift)) return row
  return drift.length > 0 ? { ...rest, offerDrift: drift } : rest
}

function withOffered(row: FeedRow, offered: NonNullable<FeedRow['offered']>): FeedRow {
  return JSON.stringify(row.offered) === JSON.stringify(offered) ? row : { ...row, offered }
}

/** The longest ranges and the shortest interval so far. Ranges that say nothing replace none. */
function mostOffered(row: FeedRow, offer: OfferedDataset, now: Date): NonNullable<FeedRow['offered']> {
  const before = rangesBefore(row)
  const isMore = !before || (sayReach(offer.ranges) && !reachesFurther(before, offer.ranges, now))
  const ranges = isMore ? offer.ranges : before
  const known = [hoursBefore(row), offer.minimumRecurrenceIntervalHours].flatMap((hours) => hours ?? [])
  return { ranges, ...(known.length > 0 && { hours: Math.min(...known) }) }
}

function rangesBefore({ offered, ranges }: Pick<FeedRow, 'offered' | 'ranges'>): readonly string[] | undefined {
  return offered?.ranges ?? ranges
}

function hoursBefore({ offered, feed }: FeedRow): number | undefined {
  return offered ? offered.hours : findDataset(CATALOG, feed.dataset)?.minimumRecurrenceIntervalHours
}

function lostRange({ feed, ...row }: FeedRow, { ranges }: OfferedDataset, now: Date): string | undefined {
  const before = rangesBefore(row)
  if (feed.cadence.kind === 'snapshot' || !before || !sayReach(before)) return undefined
  const lists = `${shown(ranges) || 'none'}, and before ${shown(before)}`
  if (!sayReach(ranges)) return `the service lists no date range of ${feed.dataset} that the app knows: ${lists}`
  return reachesFurther(before, ranges, now)
    ? `the service offers less history of ${feed.dataset}: ${lists}`
    : undefined
}

/** In an order of its own, so that another order of the service is no news. */
function shown(ranges: readonly string[]): string {
  return listed(ranges.toSorted())
}

function longerInterval(row: FeedRow, { minimumRecurrenceIntervalHours: hours }: OfferedDataset): string | undefined {
  const before = hoursBefore(row)
  if (hours === undefined || before === undefined || hours <= before) return undefined
  return `the minimum interval of ${row.feed.dataset} is ${hours} hours, and was ${before}`
}

function unlistedNames(row: FeedRow, offer: OfferedDataset): string | undefined {
  const { dataset } = row.feed
  const find = namesListed(dataset, offer)
  const used = usedNames(row)
  const gone = used.filter((name) => nameKey(find(name) ?? '') !== nameKey(name))
  if (gone.length === 0) return undefined
  const guesses = likelyNames(gone, newNames(row, offer, used))
  const names = gone.map((name) => {
    const [same, guess] = [find(name), guesses.get(name)]
    if (same !== undefined) return `${listed([name])} (now ${listed([same])})`
    return guess === undefined ? listed([name]) : `${listed([name])} (now ${listed([guess])}?)`
  })
  return `the service no longer lists what the feed asks ${dataset} for: ${names.join(', ')}`
}

/** What the service lists, and neither the feed nor the catalogue had: the new name of a column is among these. */
function newNames(
  { feed: { dataset } }: FeedRow,
  { columns, metrics }: OfferedDataset,
  used: readonly string[],
): readonly string[] {
  const known = findDataset(CATALOG, dataset)
  const catalogued = [...(known?.columns ?? []), ...(known?.metrics ?? [])].map(({ name }) => name)
  const had = new Set([...catalogued, ...used].map(nameKey))
  return [...columns, ...metrics].filter((name) => !had.has(nameKey(name)))
}

/** So many names are compared: a search compares each with every other. */
const MOST_COMPARED = 20

/** For each new name the one it most likely replaces, by that one. */
function likelyNames(gone: readonly string[], added: readonly string[]): ReadonlyMap<string, string> {
  const compared = gone.slice(0, MOST_COMPARED)
  const pairs = added.slice(0, MOST_COMPARED).map((name) => [nearest(name, compared) ?? '', name] as const)
  return new Map(pairs.toReversed())
}

/**
 * The names in the registered query of a feed; none before it is registered, which judges them, and none of a query by its id,
 * which only the service knows.
 */
function usedNames({ feed: { source, hash }, query }: FeedRow): readonly string[] {
  if (query?.hash !== hash || source.kind === 'queryId') return []
  if (source.kind === 'query') {
    const located = locateQuery(source.query)
    return 'problem' in located ? [] : unique(located.names.map(({ value }) => value))
  }
  const where = source.where === undefined ? [] : locateConditions(source.where)
  const conditions = 'problem' in where ? [] : where.map(({ value }) => value.field)
  return unique([...(query.columns ?? []), ...conditions])
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Map(names.toReversed().map((name) => [nameKey(name), name])).values()].toReversed()
}
