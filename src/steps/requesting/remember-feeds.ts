import { CATALOG } from '../../core/catalog.ts'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Account, Feed } from '../../core/feeds/feed.ts'
import { type FaultyFeed, parseEachFeed } from '../../core/feeds/feeds.ts'
import { hashJson } from '../../core/hash.ts'
import { FEEDS_SOURCE_KEY, type FeedsSourceRow, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import { refusedBy, retired, withFeed } from '../../core/ledger/feed-block.ts'
import { type FeedOutline, type FeedRow, newFeedRow, withStretch, withTenant } from '../../core/ledger/feed-row.ts'
import { toFeedFields } from '../../core/ledger/stored-feed-row.ts'
import { isSameName } from '../../core/names.ts'
import { plainMessage } from '../../core/plain-text.ts'
import { accountForecasts } from '../../core/plan/forecast.ts'
import { DELETE_ROW } from '../../core/status/feed-to-do.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { changeFeedRow, readableFeeds, tellBlocked } from '../ledger/feed-row.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { findForbiddenChange } from './forbidden-change.ts'

/**
 * Reads feeds.json and stores each feed that changed, so that all other steps take feeds from the ledger. Gives the rows
 * of the feeds that may ask, or undefined where the file cannot be used: then this tick asks for nothing.
 */
export async function rememberFeeds(services: Services, app: AppRows): Promise<readonly FeedOutline[] | undefined> {
  const { text, source } = await services.readFeeds()
  const file = parseEachFeed(text, CATALOG)
  if ('problems' in file) {
    await tellProblems(services, source, file.problems)
    return undefined
  }
  const { faulty, allProblems } = file
  await tellProblems(services, source, allProblems)
  for (const feed of faulty) await refuse(services, app, feed)
  const problems = problemsWithoutRow(app, faulty, allProblems)
  await rememberSource(services, app, { source, hash: hashJson(text), ...(problems.length > 0 && { problems }) })
  const forecasts = accountForecasts(file.feeds, services.settings.limits.maxReportsPerHour, services.clock())
  const stretches = new Map(forecasts.map(({ account, stretch }) => [account, stretch]))
  const rows = await Promise.all(
    file.feeds.map((feed) => {
      const account = file.accounts[feed.account] ?? {}
      const tenant = account.tenantId ?? services.settings.tenants[feed.account]
      const ofAccount = { account, tenant, stretch: stretches.get(feed.account) ?? 1 }
      return remember(services, app, feed, ofAccount)
    }),
  )
  await retireOthers(services, app, new Set([...file.feeds, ...faulty].map(({ name }) => name)))
  return rows.flatMap((row) => row ?? [])
}

/** The ledger holds no more problems of a file: the command validate says all of them. */
const MOST_PROBLEMS = 20

/** The problems that no feed's row can say: of the file, of accounts that no feed uses, and of feeds that the app does not know. */
function problemsWithoutRow(
  app: AppRows,
  faulty: readonly FaultyFeed[],
  allProblems: readonly string[],
): readonly string[] {
  const ofRows = new Set(faulty.filter(({ name }) => app.feeds.has(name)).flatMap(({ problems }) => problems))
  return allProblems
    .filter((problem) => !ofRows.has(problem))
    .slice(0, MOST_PROBLEMS)
    .map(plainMessage)
}

async function tellProblems(services: Services, source: string, problems: readonly string[]): Promise<void> {
  if (problems.length === 0) return
  const message = `feeds.json (${source}): ${problems.join('; ')}`
  await tellOnce(services, 'feeds.json', { event: 'app.settings', message })
}

/** A feed with a problem stops alone: it asks for nothing new, and keeps the form that the app knows. */
async function refuse(services: Services, app: AppRows, feed: FaultyFeed): Promise<void> {
  const known = app.feeds.get(feed.name)
  if (!known || isFailure(known)) return
  const refusal = failed('query-refused', `feeds.json: ${feed.problems.join('; ')}`)
  const now = services.clock()
  const changed = await changeFeedRow(services, feed.name, (row) => refusedRow(row, feed, refusal, now))
  if (feed.enabled && changed && changed.after !== changed.before) tellBlocked(services, changed.after, refusal)
}

/** What `status` says of feeds.json; written only when it changed. */
async function rememberSource({ ledger }: Services, app: AppRows, now: FeedsSourceRow): Promise<void> {
  const stored = app.get(FEEDS_SOURCE_KEY)
  if (JSON.stringify(stored?.value) === JSON.stringify(now)) return
  await ledger.writeApp(FEEDS_SOURCE_KEY, now, stored?.etag)
}

/** A feed that left the file asks for nothing new. Its open attempts are finished, and its rows stay. */
async function retireOthers(services: Services, app: AppRows, names: ReadonlySet<string>): Promise<void> {
  const others = readableFeeds(app).filter((row) => !names.has(row.feed.name) && (row.feed.enabled || row.refused))
  for (const { feed } of others) await changeFeedRow(services, feed.name, retired)
}

/** What decides about a feed beside itself. */
type OfAccount = { readonly account: Account; readonly tenant: string | undefined; readonly stretch: number }

/**
 * Stores a feed as it is now, and keeps what the app learned about it. Undefined where the app does not take it, or
 * its row cannot be read: that stops this feed alone.
 */
async function remember(
  services: Services,
  app: AppRows,
  given: Feed,
  { account, tenant, stretch }: OfAccount,
): Promise<FeedOutline | undefined> {
  const known = app.feeds.get(given.name)
  if (known && isFailure(known)) return tellUnreadable(services, given.name, known)
  const feed = known ? withSpellingOf(known.value, given) : given
  // Once nothing is left of it, it is a feed like any that the app sees for the first time.
  if (known?.value.purgedAt !== undefined) return undefined
  // A table under a name that may not have it is not claimed: it would be lost to the new name that the feed has to take.
  const refusal = findForbiddenChange(app, feed, tenant) ?? (await claimTable(services, app, feed))
  const now = services.clock()
  const change = (row: FeedRow) =>
    refusal
      ? refusedRow(row, feed, refusal, now)
      : withTenant(withStretch(withFeed(row, feed, account, now), stretch), tenant)
  const row = known && isSame(known.value, feed, change) ? known.value : await store(services, feed, account, change)
  if (!refusal) return row
  if (row && feed.enabled && row !== known?.value) tellBlocked(services, row, refusal)
  return undefined
}

/** A table has one name in any case, but its files are in a folder, where case counts: they stay together. */
function withSpellingOf({ feed: { table } }: FeedOutline, feed: Feed): Feed {
  return isSameName(table, feed.table) ? { ...feed, table } : feed
}

async function tellUnreadable(services: Services, feed: string, { kind, message }: Failure): Promise<undefined> {
  const event = { event: 'feed.blocked', feed, kind, message, remedy: DELETE_ROW } as const
  await tellOnce(services, `unreadable~${feed}`, event)
}

/** Whether a change leaves a row as it is. The hash of a feed tells whether what its outline lacks is the same. */
function isSame(outline: FeedOutline, feed: Feed, change: (row: FeedRow) => FeedRow): boolean {
  // In the order of the feed's own fields: otherwise no two texts would be the same.
  const row: FeedRow = { ...outline, feed: { ...feed, ...outline.feed } }
  // A field that the feed got since, such as `key`, is in the row above too, and not in what is stored.
  const { feed: narrow } = JSON.parse(toFeedFields(row).json) as FeedOutline
  if (Object.keys(narrow).some((name) => !(name in outline.feed))) return false
  return JSON.stringify(change(row)) === JSON.stringify(row)
}

async function store(
  services: Services,
  feed: Feed,
  account: Account,
  change: (row: FeedRow) => FeedRow,
): Promise<FeedRow | undefined> {
  const { ledger, clock } = services
  const stored = await ledger.readFeed(feed.name)
  if (stored && isFailure(stored)) return undefined
  const row = change(stored?.value ?? newFeedRow(feed, account, clock()))
  const written = await ledger.writeFeed(row, stored?.etag)
  return written ? row : store(services, feed, account, change)
}

/** A disabled feed asks for nothing, so it is not blocked for what it would ask for. */
function refusedRow(before: FeedRow, { enabled }: Pick<Feed, 'enabled'>, refusal: Failure, now: Date): FeedRow {
  return enabled ? refusedBy(before, refusal, now) : retired(before)
}

/** Claims a landing table, which belongs to the feed that first named it. A failure where that is another feed. */
async function claimTable(services: Services, app: AppRows, { name, table }: Feed): Promise<Failure | undefined> {
  const known = app.get(tableRowKey(table))?.value as TableRow | undefined
  const owner = known?.feed ?? (await claim(services, name, table))
  return owner === name ? undefined : failed('table-taken', `table ${table} belongs to feed ${owner}`)
}

async function claim({ ledger }: Services, name: string, table: string): Promise<string | undefined> {
  if (await ledger.writeApp<TableRow>(tableRowKey(table), { feed: name }, undefined)) return name
  return (await ledger.readApp<TableRow>(tableRowKey(table)))?.value.feed
}
