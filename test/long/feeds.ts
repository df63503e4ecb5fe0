import { addDuration, DAY_MS, type Duration } from '../../src/core/time/durations.ts'
import type { Window } from '../../src/core/time/window.ts'
import type { TypedColumn } from '../pipeline/typed-cells.ts'

/** A feed of these histories, as feeds.json may say it at one moment. */
export type LongFeed = {
  readonly name: string
  readonly dataset: string
  readonly table: string
  /** The first one is the time column, except in a snapshot. */
  readonly columns: readonly [TypedColumn, ...TypedColumn[]]
  /** The window of now, and the one that comes next. Undefined for a snapshot. */
  readonly windows?: readonly [string, string]
  /** The span of the feed's law: `from` only ever moves back. */
  readonly span: Window
  /** How far `from` moves back at once. */
  readonly step: Duration
  readonly isListed: boolean
  readonly enabled: boolean
}

/** A change of feeds.json. `recut` is another window, `stretch` an earlier `from`. */
export type FeedChange = 'recut' | 'stretch' | 'list' | 'enable'

const CHANGES: Readonly<Record<FeedChange, (feed: LongFeed) => LongFeed>> = {
  recut: ({ windows, ...feed }) => (windows ? { ...feed, windows: [windows[1], windows[0]] } : feed),
  stretch: (feed) => ({ ...feed, span: { from: addDuration(feed.span.from, feed.step, -1), to: feed.span.to } }),
  list: (feed) => ({ ...feed, isListed: !feed.isListed }),
  enable: (feed) => ({ ...feed, enabled: !feed.enabled }),
}

export function changed(feeds: readonly LongFeed[], name: string, change: FeedChange): readonly LongFeed[] {
  return feeds.map((feed) => (feed.name === name ? CHANGES[change](feed) : feed))
}

/** Whether the app asks for the feed's windows. */
export function isAsked({ isListed, enabled }: LongFeed): boolean {
  return isListed && enabled
}

/** The text of feeds.json. */
export function feedsText(feeds: readonly LongFeed[]): string {
  return JSON.stringify({ feeds: feedsOf(feeds) })
}

export function feedsOf(feeds: readonly LongFeed[]): readonly object[] {
  return feeds
    .filter(({ isListed }) => isListed)
    .map(({ name, dataset, table, columns, windows, span, enabled }) => {
      const names = columns.map((column) => column.name)
      const times = windows
        ? { window: windows[0], from: span.from.toISOString(), to: span.to.toISOString() }
        : { snapshot: 'P1M' }
      return { name, dataset, table, enabled, columns: names, ...times }
    })
}

const WEEK_MS = 7 * DAY_MS
const FIRST_MONDAY_MS = Date.UTC(2001, 0, 1)

/** Two feeds by day, one by month and a snapshot. Everything asked for has settled long ago, so that no window comes later. */
export function firstFeeds(now: Date): readonly LongFeed[] {
  const monday = new Date(now.getTime() - ((now.getTime() - FIRST_MONDAY_MS) % WEEK_MS))
  const weeks = (count: number) => new Date(monday.getTime() - count * WEEK_MS)
  const months = (count: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - count, 1))
  return [
    {
      name: 'learn',
      dataset: 'MSLearn',
      table: 'Learn',
      columns: [
        { name: 'CompletionDate', type: 'date' },
        { name: 'TrainingName', type: 'string' },
        { name: 'MPNId', type: 'string' },
      ],
      windows: ['P1W', 'P1D'],
      span: { from: weeks(12), to: weeks(10) },
      step: { months: 0, days: 14, seconds: 0 },
      isListed: true,
      enabled: true,
    },
    {
      name: 'meetings',
      dataset: 'TeamsUsageMeetingsAndCalls',
      table: 'Meetings',
      columns: [
        { name: 'DateKey', type: 'date' },
        { name: 'SubWorkload', type: 'string' },
        { name: 'MeetingCount', type: 'integer' },
      ],
      windows: ['P1D', 'P1W'],
      span: { from: weeks(13), to: weeks(12) },
      step: { months: 0, days: 7, seconds: 0 },
      isListed: true,
      enabled: true,
    },
    {
      name: 'usage',
      dataset: 'AzureUsage',
      table: 'Usage',
      columns: [
        { name: 'Month', type: 'month' },
        { name: 'SubscriptionId', type: 'guid' },
        { name: 'ServiceName', type: 'string' },
        { name: 'UsageQuantity', type: 'number' },
      ],
      windows: ['P1M', 'P3M'],
      span: { from: months(7), to: months(3) },
      step: { months: 2, days: 0, seconds: 0 },
      isListed: true,
      enabled: true,
    },
    {
      name: 'profile',
      dataset: 'Profile',
      table: 'Profile',
      columns: [
        { name: 'MPNId', type: 'string' },
        { name: 'PartnerName', type: 'string' },
        { name: 'City', type: 'string' },
      ],
      span: { from: now, to: now },
      step: { months: 0, days: 1, seconds: 0 },
      isListed: true,
      enabled: true,
    },
  ]
}
