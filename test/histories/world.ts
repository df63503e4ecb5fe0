import { HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import type { Services } from '../../src/steps/services.ts'
import { type Deployment, deploy } from '../laws/deployment.ts'
import { seededNumbers } from '../laws/scheduler.ts'
import { createService, type MadeReport, type ReportCall } from '../laws/service.ts'
import { testClock } from '../setup/clock.ts'
import { CALLBACK_SECRET, testSettings } from '../setup/settings.ts'
import { type Feed, feedsFrom, NAMES, type Name, SOURCES, textOf } from './feeds.ts'
import type { History } from './history.ts'
import { doubled, isWanted, type Posting, type Span, tooMany } from './oracle.ts'
import type { Fault, Tally } from './tally.ts'

/** The source changed its numbers for a span of a feed's time. */
export type Restatement = { readonly feed: string; readonly span: Span; readonly at: number }

/** A call of the service, when it comes. */
export type Callback = { readonly at: number; readonly url: string; readonly reportId: string }

/** A deployment with what the oracle knows of it. */
export type World = {
  readonly history: History
  readonly deployment: Deployment<readonly Feed[]>
  readonly tally: Tally
  /** Every form of each feed so far, the newest last. */
  readonly forms: Feed[]
  readonly restatements: Restatement[]
  readonly callbacks: Callback[]
  /** The reports that were asked for and that the app knows of. */
  readonly postings: Posting[]
  /** What breaks a law. */
  readonly wrong: string[]
  /** Attempts that a clock which jumped made the app forget. */
  readonly forgotten: Set<string>
  readonly windows: Map<string, Set<string>>
  /** The latest instant that any clock showed. */
  latest: number
  /** A clock is wrong at present: it may make the app forget what it asked for. */
  isJumping: boolean
}

/** Where reports are downloaded from, and what is changed in each instance of the app: a bug that is planted. */
export type Place = { readonly origin: string; readonly plant?: (services: Services) => Services }

export function openWorld(history: History, { origin, plant = (services) => services }: Place, tally: Tally): World {
  const { start, limits, seed } = history
  const clock = testClock(start)
  const feeds = feedsFrom(history.feeds, clock.now().getTime())
  const settings = testSettings({
    REPORT_DOWNLOAD_HOSTS: origin,
    PARTNER_TENANT_ID__OTHER: 'fabrikam',
    CALLBACK_BASE_URL: 'http://127.0.0.1:7071/api/callback',
    CALLBACK_SECRET,
    MAX_IN_FLIGHT: String(limits.maxInFlight),
    MAX_REPORTS_PER_HOUR: String(limits.maxReportsPerHour),
  })
  const fates = seededNumbers(seed)
  const service = createService(clock, origin, {
    figureOf: (call) => figureOf(world, placeOf(call.callbackUrl).feed, hoursOf(call), call.at),
    onReportCall: (call) => watchPosting(world, call),
    onMade: (report) => void world.callbacks.push(...callbacksOf(report, fates(FATES.length), tally)),
    generationMs: () => history.generationMs,
  })
  const deployed = deploy({ clock, settings, service, feeds, textOf })
  const deployment = Object.assign(deployed, {
    start: (
      (start) => (pass, skew) =>
        plant(start(pass, skew))
    )(deployed.start),
  } satisfies Partial<Deployment<readonly Feed[]>>)
  const world: World = {
    history,
    deployment,
    tally,
    forms: [...feeds],
    restatements: [],
    callbacks: [],
    postings: [],
    wrong: [],
    forgotten: new Set(),
    windows: new Map(NAMES.map((name) => [name, new Set()])),
    latest: clock.now().getTime(),
    isJumping: false,
  }
  return world
}

/** What becomes of the calls of a report. */
const FATES = ['in time', 'in time', 'lost', 'doubled', 'early', 'late'] as const

function callbacksOf(
  { at, readyAt, callbackUrl: url, reportId, kind }: MadeReport,
  nth: number,
  tally: Tally,
): Callback[] {
  if (kind === 'stuck') {
    tally.count('stuck reports')
    return []
  }
  const call = (when: number) => ({ at: when, url, reportId })
  const count = (fault: Fault) => tally.count(fault)
  switch (FATES[nth]) {
    case 'lost':
      count('lost callbacks')
      return []
    case 'doubled':
      count('doubled callbacks')
      return [call(readyAt), call(readyAt), call(readyAt + MINUTE_MS)]
    case 'early':
      count('early callbacks')
      return [call(at), call(readyAt)]
    case 'late':
      count('late callbacks')
      return [call(readyAt + 26 * HOUR_MS)]
    default:
      return [call(readyAt)]
  }
}

/** What the address of a callback names. */
export function placeOf(url: string) {
  const [, feed = '', window = '', attempt = '', token = ''] =
    /\/callback\/([^/]+)\/([^/]+)\/(\d+)\/([^/]+)/.exec(url) ?? []
  return { feed, window, attempt, token }
}

function hoursOf({ start, end }: ReportCall): Span {
  return { from: Date.parse(start) / HOUR_MS, to: Date.parse(end) / HOUR_MS }
}

/** The number in a report that is made at `at`: each restatement of its time makes it one larger. */
export function figureOf(
  { restatements }: Pick<World, 'restatements'>,
  feed: string,
  { from, to }: Span,
  at: number,
): number {
  const own = restatements.filter((each) => each.feed === feed && each.at <= at)
  return 1 + own.filter(({ span }) => span.from < to && span.to > from).length
}

/** The newest form of a feed. */
export function formOf({ forms }: World, name: string): Feed | undefined {
  return forms.findLast((form) => form.name === name)
}

/** What is stored of a window, as the oracle sees it. */
export type Seen = Span & {
  readonly key: string
  readonly state: string
  readonly lane: string
  readonly attempt: number
  readonly requestedAt?: number
  readonly figures?: { readonly running?: true; readonly totals: Readonly<Record<string, string>> }
  readonly keys?: { readonly from: string; readonly to: string }
}

export function windowsOf({ deployment }: World, feed: string): readonly Seen[] {
  return deployment.store.lookAtRows(feed).map(({ key, value }) => {
    const { requestedAt, figures, keyFrom, keyTo } = value
    return {
      ...spanOf(key),
      key,
      state: String(value.state),
      lane: String(value.lane),
      attempt: Number(value.attempt),
      ...(requestedAt instanceof Date && { requestedAt: requestedAt.getTime() }),
      ...(figures !== undefined && { figures: JSON.parse(String(figures)) }),
      ...(keyFrom !== undefined && { keys: { from: String(keyFrom), to: String(keyTo) } }),
    }
  })
}

/** The span that a key such as `20250301T000000Z_20250401T000000Z` names. */
function spanOf(key: string): Span {
  const hourOf = (text: string) =>
    Date.UTC(
      Number(text.slice(0, 4)),
      Number(text.slice(4, 6)) - 1,
      Number(text.slice(6, 8)),
      Number(text.slice(9, 11)),
    )
  const [from = '', to = ''] = key.split('_')
  return { from: hourOf(from) / HOUR_MS, to: hourOf(to) / HOUR_MS }
}

/** When the app first saw a feed; undefined where it did not. */
export function sinceOf({ deployment }: World, feed: string): number | undefined {
  const row = deployment.store.lookAtRows('_app').find(({ key }) => key === `feed~${feed}`)
  return row && Date.parse(JSON.parse(String(row.value.json)).since)
}

/** Looks at the windows of all feeds after a call that may have made or removed one. */
export function watchWindows(world: World, call: string): void {
  if (call !== 'ledger.transaction' && call !== 'ledger.delete') return
  for (const [name, known] of world.windows) {
    const rows = world.deployment.store.lookAtRows(name)
    const added = rows.filter(({ key }) => !known.has(key))
    if (added.length === 0) continue
    const both = doubled(rows.map(({ key }) => spanOf(key)))
    if (both !== undefined) say(world, `${name}: two entries hold ${hourText(both)}`)
    for (const { key } of added) watchNew(world, name, key)
    world.windows.set(name, new Set(rows.map(({ key }) => key)))
  }
}

function watchNew(world: World, name: string, key: string): void {
  const forms = world.forms.filter((form) => form.name === name)
  if (!isWanted(forms, spanOf(key), world.latest)) say(world, `${name}: ${key} is not wanted`)
}

/** An attempt that was held up for longer than this between its slot and the service counts no more for the app. */
const HELD_UP = 5 * MINUTE_MS

function watchPosting(world: World, call: ReportCall): void {
  const { feed, window, attempt } = placeOf(call.callbackUrl)
  const seen = windowsOf(world, feed).find(({ key }) => key === window)
  if (world.isJumping || seen?.attempt !== Number(attempt) || seen.requestedAt === undefined) return
  if (Math.abs(call.at - seen.requestedAt) > HELD_UP) return
  const posting: Posting = { account: call.account, feed, priority: priorityOf(seen), at: seen.requestedAt }
  const earlier = world.postings.filter(({ account }) => account === call.account)
  const wrong = tooMany(posting, earlier, openOf(world, call.account), world.history.limits)
  for (const each of wrong) say(world, each)
  world.postings.push(posting)
}

/** What is asked for again while rows of it stand is a refresh; a running window that is over is live. */
function priorityOf({ figures, requestedAt = 0, to, lane }: Seen): Posting['priority'] {
  const isOver = figures?.running && requestedAt >= to * HOUR_MS
  if (figures && !isOver) return 'refresh'
  return lane === 'live' ? 'live' : 'backfill'
}

/** The attempts of an account that are under way, as the ledger shows them. */
export function openOf(world: World, account: string) {
  const own = NAMES.filter((name) => formOf(world, name)?.account === account)
  return own.flatMap((feed) =>
    windowsOf(world, feed)
      .filter(({ state }) => state === 'requesting' || state === 'requested')
      .filter((seen) => !world.forgotten.has(attemptId(feed, seen)))
      .map((seen) => ({ feed, priority: priorityOf(seen) })),
  )
}

const attemptId = (feed: string, { key, attempt }: Seen) => `${feed} ${key} ${attempt}`

/** A clock jumped: what was asked for before is not known for certain any more. */
export function forget(world: World): void {
  world.postings.length = 0
  for (const feed of NAMES) for (const seen of windowsOf(world, feed)) world.forgotten.add(attemptId(feed, seen))
}

/** The number that a published window shows, in its figures and in its row; undefined where they differ. */
export function shownBy({ deployment }: World, feed: Feed, { figures, keys }: Seen): number | undefined {
  const column = SOURCES[feed.name as Name].figure ?? ''
  const total = figures?.totals[column]
  const row = deployment.store
    .look(feed.table)
    .find(({ partitionKey }) => keys && partitionKey >= keys.from && partitionKey < keys.to)
  const inRow = row && JSON.parse(row.json)[column]
  return total !== undefined && Number(total) === Number(inRow) ? Number(total) : undefined
}

export function say({ wrong, deployment: { clock } }: World, what: string): void {
  // What follows the first few is nobody's fault.
  if (wrong.length < 5) wrong.push(`${clock.now().toISOString()} ${what}`)
}

export const hourText = (hour: number): string => new Date(hour * HOUR_MS).toISOString().slice(0, 13)
