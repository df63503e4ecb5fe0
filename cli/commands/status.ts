import type { Command } from 'commander'
import { laterStartWarning } from '../../src/core/feeds/history.ts'
import type { FeedStatus, SlowWindow, Status } from '../../src/core/status.ts'
import { minuteText } from '../../src/core/time/instants.ts'
import { status } from '../../src/steps/status.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'
import { type CommandResult, done, refused, table } from '../output.ts'

type Options = CommonOptions & { readonly feed?: string }

/** Prints the ledger as a table: the states of each feed, how far it is complete, and each failure with its remedy. */
export function addStatus(program: Command): void {
  addCommand(program, 'status', 'show the ledger: the windows of each feed and its failures')
    .option('--feed <name>', 'only this feed')
    .action((options: Options) =>
      withApp(options, async ({ services }) => resultOf(await status(services), options.feed)),
    )
}

function resultOf(all: Status, feed: string | undefined): CommandResult {
  const feeds = all.feeds.filter((each) => feed === undefined || each.feed === feed)
  if (feed !== undefined && feeds.length === 0) return refused([`feed ${feed} is not known to the app`])
  const tick = all.lastTick ? `last tick of provision: ${all.lastTick.at}` : 'provision has not run yet'
  const from = all.feedsFrom ? `feeds from the ${all.feedsFrom.source}` : 'the app has not read its feeds yet'
  const differs = all.feedsFrom?.packagedDiffers ? ['the local feeds differ: see "feeds diff"'] : []
  const ending = [tick, from, ...differs].join('; ')
  const lines = [...table(HEAD, feeds.map(rowOf)), '', ...ofNoFeed(all), ...feeds.flatMap(troubles), ending]
  return done({ ...all, feeds }, lines)
}

const HEAD = ['feed', 'landed', 'failed', 'waiting', 'under way', 'rows', 'complete until', 'next due']

function rowOf(status: FeedStatus): readonly string[] {
  const { feed, states, waiting, rows, completeUntil, latestSnapshot, nextDue } = status
  const underWay = states.requesting + states.requested + states.landing
  const counts = [states.landed, states.failed, waiting, underWay, rows].map(String)
  const far = latestSnapshot ? `snapshot ${latestSnapshot.from.toISOString().slice(0, 10)}` : shown(completeUntil)
  return [feed, ...counts, far, shown(nextDue)]
}

function shown(instant: Date | undefined): string {
  return instant ? minuteText(instant) : '-'
}

/** What concerns accounts, and rows that cannot be read. */
function ofNoFeed({ accounts, problems }: Status): readonly string[] {
  return [
    ...accounts.flatMap(ofAccount),
    ...problems.map(({ kind, message, remedy }) => `${kind}: ${message}\n  ${remedy}`),
  ]
}

function ofAccount({ account, waitsUntil, refused }: Status['accounts'][number]): readonly string[] {
  const asks = refused?.blocks ? 'is blocked' : 'tries its sign-in again'
  return [
    ...(waitsUntil ? [`account ${account} waits until ${shown(waitsUntil)}: the service asked it to`] : []),
    ...(refused ? [`account ${account} ${asks}: ${refused.kind}: ${refused.message}\n  ${refused.remedy}`] : []),
  ]
}

function troubles(status: FeedStatus): readonly string[] {
  const { feed, blocked, trouble, failures, resting } = status
  const ofFeed = [
    ...(blocked ? [{ ...blocked, is: 'blocked' }] : []),
    ...(trouble ? [{ ...trouble, is: 'waiting' }] : []),
  ]
  return [
    ...notes(status),
    ...ofFeed.map(({ is, kind, message, remedy }) => `${feed} is ${is}: ${kind}: ${message}\n  ${remedy}`),
    ...resting.map(({ message }) => `${feed} rests and goes on by itself: ${message}`),
    ...failures.map(({ kind, message, remedy, landedBefore }) => {
      const kept = landedBefore ? ' (the rows of the earlier landing remain)' : ''
      return `${feed} ${kind}: ${message}${kept}\n  ${remedy}`
    }),
  ]
}

const slowLine =
  (feed: string) =>
  ({ window, state, requestedAt, until }: SlowWindow) => {
    const end = until ? `; the service has until ${shown(until)}` : ''
    return `${feed} ${window}: ${state}, asked for at ${shown(requestedAt)}${end}; "forget" asks for it anew`
  }

function emptiedLine(column: string, { windows, from, to }: FeedStatus['emptied'][string]): string {
  const [first, end] = [from, to].map((instant) => instant.toISOString().slice(0, 10))
  return `column ${column}, which had values before, has none in windows from ${first} to ${end}: ${windows}`
}

/** What a person should know of the windows of a feed, though nothing failed. */
function notes(status: FeedStatus): readonly string[] {
  const { feed, dataset, enabled, startsAt, emptied, outdated, earlierForm, acceptedGaps, restsUntil } = status
  const { earlyBlanks, slow, doubtful, running, stretch, drift, backfillPaused } = status
  const isOutdated =
    'landed windows are outdated: the feed asks for other rows now; "backfill --outdated" asks for them again'
  return [
    ...(enabled ? [] : [`${feed} is disabled or no longer in feeds.json: it asks for nothing new`]),
    ...(startsAt === undefined ? [] : [laterStartWarning({ name: feed, dataset }, startsAt)]),
    ...slow.map(slowLine(feed)),
    ...(backfillPaused ? [`${feed}: its history is paused until "backfill resume"; what is live goes on`] : []),
    ...(restsUntil ? [`${feed} rests until ${shown(restsUntil)}: the service gave no answer for it`] : []),
    ...(outdated > 0 ? [`${feed}: ${outdated} ${isOutdated}`] : []),
    ...(earlyBlanks > 0
      ? [`${feed}: ${earlyBlanks} windows had no rows before their data had settled, and are not complete yet`]
      : []),
    ...(earlierForm > 0 ? [`${feed}: ${earlierForm} windows landed under an earlier form`] : []),
    ...drift.map((sentence) => `${feed}: ${sentence}`),
    ...Object.entries(emptied).map(([column, found]) => `${feed}: ${emptiedLine(column, found)}`),
    ...doubtful.map(
      ({ window, rows }) => `${feed} ${window}: ${rows} rows landed that a stray quote may have made of several`,
    ),
    ...running.map(({ window, asOf, rows }) => `${feed} ${window}: running, as of ${shown(asOf)}: ${rows} rows`),
    ...(stretch ? [`${feed}: refreshed ${stretch} times less often than it says, for the quota of its account`] : []),
    ...acceptedGaps.map((window) => `${feed} ${window}: accepted as a gap`),
  ]
}
