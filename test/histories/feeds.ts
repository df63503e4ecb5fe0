import fc from 'fast-check'
import { type Period, periodStart, type Rules, toHour } from './oracle.ts'

/** A feed as a history chooses it: it starts `back` days before the history does. */
export type FeedChoice = Omit<Rules, 'from'> & { readonly back: number }

/** A feed in feeds.json. */
export type Feed = Rules & { readonly table: string }

const DAY = 24

/** The dataset of each feed, its columns, and the one in which a report says which of its versions it is. */
export const SOURCES = {
  usage: { dataset: 'AzureUsage', columns: ['Month', 'ACR_USD'], figure: 'ACR_USD' },
  claims: { dataset: 'CPORM365Usage', columns: ['Date', 'MonthlyActiveUsers'], figure: 'MonthlyActiveUsers' },
  learn: { dataset: 'MSLearn', columns: ['CompletionDate', 'TrainingName'], figure: undefined },
} as const

export type Name = keyof typeof SOURCES
export const NAMES = Object.keys(SOURCES) as readonly Name[]

/** Which longer windows history may have. */
const LONGER: Readonly<Record<Period, readonly Period[]>> = {
  P1D: ['P1D', 'P1W', 'P1M'],
  P1W: ['P1W', 'P1M'],
  P1M: ['P1M', 'P3M'],
  P3M: ['P3M'],
}

const enabled = fc.constantFrom(true, true, true, true, true, false)

function windows(...lengths: readonly Period[]) {
  return fc
    .constantFrom(...lengths)
    .chain((window) => fc.record({ window: fc.constant(window), backfillWindow: fc.constantFrom(...LONGER[window]) }))
}

function refreshing(everyHours: readonly number[], forDays: readonly number[], days: readonly number[]) {
  const record = fc.record({ every: fc.constantFrom(...everyHours), days: fc.constantFrom(...forDays) })
  return record.map((chosen) => ({ every: chosen.every, for: chosen.days * DAY, days }))
}

/** Usage by month: restated, and the running month is asked for. */
const usage: fc.Arbitrary<FeedChoice> = fc
  .record({
    cut: windows('P1M', 'P1M', 'P3M'),
    back: fc.constantFrom(40, 130, 250, 400),
    delay: fc.constantFrom(2 * DAY, 4 * DAY),
    openWindow: fc.constantFrom(true, true, false),
    refresh: refreshing([6, 12, 24], [40, 70], [5]),
    enabled,
  })
  .map(({ cut, ...rest }) => ({ name: 'usage', account: 'default', grain: 'month', ...cut, ...rest }))

/** Usage by day, restated for some days. */
const claims: fc.Arbitrary<FeedChoice> = fc
  .record({
    cut: windows('P1D', 'P1D', 'P1W', 'P1M'),
    back: fc.constantFrom(4, 9),
    delay: fc.constantFrom(DAY, 2 * DAY),
    openWindow: fc.constantFrom(false, false, true),
    refresh: refreshing([6, 12], [4, 8], []),
    enabled,
  })
  .map(({ cut, ...rest }) => ({ name: 'claims', account: 'default', grain: 'day', ...cut, ...rest }))

/** The feed of another account, which is never restated. */
const learn: fc.Arbitrary<FeedChoice> = fc
  .record({ cut: windows('P1D', 'P1W'), back: fc.constantFrom(4, 8), delay: fc.constantFrom(DAY, 3 * DAY), enabled })
  .map(({ cut, ...rest }) => ({ name: 'learn', account: 'other', grain: 'day', openWindow: false, ...cut, ...rest }))

const present = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 6, nil: undefined })

/** Any of the feeds may be missing. */
export const anyFeeds: fc.Arbitrary<readonly FeedChoice[]> = fc
  .tuple(present(usage), present(claims), present(learn))
  .map((all) => all.flatMap((each) => each ?? []))

/** The feeds of a history that begins at an instant. */
export function feedsFrom(choices: readonly FeedChoice[], startMs: number): readonly Feed[] {
  return choices.map(({ back, ...rest }) => {
    const table = `${rest.name.slice(0, 1).toUpperCase()}${rest.name.slice(1)}`
    return { ...rest, table, from: periodStart(toHour(startMs), 'P1D') - back * DAY }
  })
}

/** feeds.json. */
export function textOf(feeds: readonly Feed[]): string {
  const hours = (count: number) => `PT${count}H`
  const written = feeds.map(({ name, account, window, backfillWindow, from, delay, openWindow, refresh, enabled }) => {
    const { dataset, columns } = SOURCES[name as Name]
    const plain = { name, account, dataset, columns, window, backfillWindow, delay: hours(delay), openWindow, enabled }
    const again = refresh && { refresh: { every: hours(refresh.every), for: hours(refresh.for) } }
    return { ...plain, ...again, from: new Date(from * 3_600_000).toISOString().slice(0, 10), shards: 1 }
  })
  return JSON.stringify({ accounts: { other: {} }, feeds: written })
}
