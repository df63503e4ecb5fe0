/** Puts every state of a window into a ledger in which all has landed: for the picture of the dashboard and its tests. */

import { failed } from '../src/core/failures.ts'
import type { Failed, Landed, LedgerEntry, Planned, Requested } from '../src/core/ledger/ledger.ts'
import { sharedFields } from '../src/core/ledger/ledger-row.ts'
import { toFailed } from '../src/core/ledger/transitions.ts'
import { alignDown, GRAIN } from '../src/core/time/calendar.ts'
import { addDuration, DAY_MS, HOUR_MS } from '../src/core/time/durations.ts'
import { dayText } from '../src/core/time/instants.ts'
import { windowId } from '../src/core/time/window.ts'
import { blockFeed, changeFeedRow } from '../src/steps/ledger/feed-row.ts'
import { forget } from '../src/steps/operator/forget.ts'
import type { Services } from '../src/steps/services.ts'

/** How much history the feeds have. */
export type Length = { readonly months: number; readonly days: number }

/** Feeds that show everything: two by month, one by day, one of snapshots. */
export function shownFeeds(now: Date, { months, days }: Length): object {
  const month = alignDown(now, GRAIN.month)
  const monthsAgo = (count: number) => dayText(addDuration(month, { months: count, days: 0, seconds: 0 }, -1))
  const start = dayText(new Date(now.getTime() - days * DAY_MS))
  return {
    feeds: [
      { name: 'azure-usage', dataset: 'AzureUsage', from: monthsAgo(months), refresh: false },
      { name: 'learn', dataset: 'MSLearn', from: start, refresh: false },
      { name: 'profile', dataset: 'Profile', snapshot: 'P7D' },
      {
        name: 'seats',
        dataset: 'SeatsSubscriptionsAndRevenue',
        from: monthsAgo(months + 5),
        to: monthsAgo(0),
        refresh: false,
      },
    ],
  }
}

type Change = (entry: Landed) => LedgerEntry

/** `message`: what the failures say, also where it names a column. */
export async function plantEveryState(services: Services, message: string): Promise<void> {
  const now = services.clock()
  const rejects = failed('too-many-rejects', message)
  // Nothing of a blocked feed is asked for, so that what is planned stays so.
  await blockFeed(services, 'seats', failed('column-missing', `seats: column "${message}" is not in the report`))
  await change(services, 'seats', [
    (entry) => withFigures(entry, { rowSet: 'another' }),
    (entry) => withFigures(entry, { rowsLanded: 0, rowsRead: 0, verdict: 'empty', totals: {} }),
    (entry) => withFigures(entry, { totalsBefore: { ...entry.figures.totals, [message]: '1' } }),
    (entry) => withoutRows(toFailed(entry, rejects, now)),
    (entry) => planned(entry, now),
  ])
  await leaveUnasked(services, 'seats')
  await change(services, 'learn', [
    (entry) => withFigures(entry, { rowsLanded: 1 }),
    (entry) => onItsWay(entry, now),
    (entry) => toFailed(entry, rejects, now),
    (entry) => withoutRows(toFailed(entry, rejects, now)),
  ])
  const accepted = (await entriesOf(services, 'learn')).at(-FIRST + 3)
  await changeFeedRow(services, 'learn', (row) => ({
    ...row,
    acceptedGaps: accepted ? [windowId(accepted.window)] : [],
    offerDrift: [`the service no longer lists what the feed asks MSLearn for: "${message}"`],
  }))
}

/** The oldest window of a feed is due again, and of a blocked feed nobody asks for it. */
async function leaveUnasked(services: Services, feed: string): Promise<void> {
  const [oldest] = await entriesOf(services, feed)
  const done = oldest && (await forget(services, feed, oldest.window))
  if (!done || 'problem' in done) throw new Error(`${feed}: ${done?.problem ?? 'nothing has landed'}`)
}

function withFigures(entry: Landed, figures: Partial<Landed['figures']>): Landed {
  return { ...entry, figures: { ...entry.figures, ...figures } }
}

/** As before its first landing. */
function withoutRows({ figures: _, ...entry }: Failed): Failed {
  return entry
}

function planned(entry: Landed, now: Date): Planned {
  const { figures: _, ...shared } = sharedFields(entry)
  return { ...shared, state: 'planned', reason: 'retry', notBefore: now }
}

function onItsWay(entry: Landed, now: Date): Requested {
  const { figures, ...shared } = sharedFields(entry)
  const { reportId = '', rowSet = '', selection = '' } = figures ?? {}
  const until = tomorrow(now)
  return {
    ...shared,
    state: 'requested',
    reportName: 'on its way',
    queryId: reportId,
    asked: { rowSet, selection },
    reportId,
    requestedAt: new Date(now.getTime() - 2 * HOUR_MS),
    deadline: until,
    pollAfter: until,
  }
}

function tomorrow(now: Date): Date {
  return new Date(now.getTime() + DAY_MS)
}

/** Of a feed's windows, counted from the newest, the first that is changed. */
const FIRST = 5

/** Changes windows of a feed, one after the other. */
async function change(services: Services, feed: string, changes: readonly Change[]): Promise<void> {
  const entries = await entriesOf(services, feed)
  for (const [at, make] of changes.entries()) {
    const entry = entries.at(at - FIRST)
    const stored = entry && (await services.ledger.read(feed, windowId(entry.window)))
    if (!stored || !('etag' in stored) || stored.value.state !== 'landed') throw new Error(`${feed} has not landed`)
    await services.ledger.write(make(stored.value), stored.etag)
  }
}

async function entriesOf(services: Services, feed: string): Promise<readonly LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const { value } of services.ledger.overview(feed)) if ('state' in value) entries.push(value)
  return entries
}
