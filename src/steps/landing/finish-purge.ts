import { writesFiles } from '../../core/feeds/feed.ts'
import { auditedRowKey, feedRowKey, keptRowKey, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { STAGING } from '../../core/ledger/published-file.ts'
import { HOUR_MS, MINUTE_MS } from '../../core/time/durations.ts'
import type { AppRows, Stored } from '../../services/storage/ledger.ts'
import { readableFeeds } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { walk } from './audit-table.ts'
import { removeFile } from './remove-file.ts'
import { removeOrTell } from './remove-published.ts'

/** Longer than any request to the storage can be under way, and any frozen owner of a landing holds its lease. */
const LAST_LOOK_MS = HOUR_MS

/** One sweep walks through the table of a purged feed for so long; the next one begins again. */
const BUDGET_MS = MINUTE_MS

/**
 * Ends the purges of feeds that nothing is left of, an hour after they began at the earliest: the rows are dropped by then, and
 * what came late to table, archive and published files is looked for once more. The feed's own row is the last to go, so
 * whatever ends this in the middle, the next sweep goes on.
 */
export async function finishPurges(services: Services, app: AppRows): Promise<void> {
  for (const row of readableFeeds(app)) {
    const { purgedAt } = row
    if (purgedAt === undefined) continue
    if (services.clock().getTime() - Date.parse(purgedAt) < LAST_LOOK_MS) continue
    if (!(await isAnythingLeft(services, row))) await removeRows(services, app, row)
  }
}

/** Whether something is left of a purged feed. What is found is removed, and looked for again by the next sweep. */
async function isAnythingLeft(services: Services, { feed }: FeedOutline): Promise<boolean> {
  const { ledger, archive, clock } = services
  // Windows are left where the command was ended: a person repeats it.
  const { done: isEmpty } = await ledger.scan(feed.name)[Symbol.asyncIterator]().next()
  if (!isEmpty || (await ledger.drops(feed.name)).length > 0) return true
  let archives = 0
  for await (const { name } of archive.names(feed.name)) {
    await removeFile(services, feed.name, name)
    archives++
  }
  if (archives > 0) return true
  if (!(await ownTable(services, feed))) return false
  if (await removePublishedFiles(services, feed)) return true
  const after = await walk(services, feed, '', new Date(clock().getTime() + BUDGET_MS))
  return after !== undefined || (await ledger.drops(feed.name)).length > 0
}

/**
 * Removes published files that came late, and those that are staged. Gives whether there were any, or may be. Where the feed
 * publishes none, the app need not reach the container.
 */
async function removePublishedFiles(services: Services, feed: FeedOutline['feed']): Promise<boolean> {
  const { publishedFiles } = services
  const { name: own, table } = feed
  let files = 0
  const mayReach = await removeOrTell(services, own, `${table}/`, async () => {
    for (const folder of [`${table}/`, STAGING]) {
      for await (const { name, metadata } of publishedFiles.list(folder)) {
        if (folder === STAGING && metadata.feed !== own) continue
        await removeOrTell(services, own, name, () => publishedFiles.remove(name))
        files++
      }
    }
    return true
  })
  return files > 0 || (!mayReach && writesFiles(feed))
}

async function removeRows(services: Services, app: AppRows, { feed }: FeedOutline): Promise<void> {
  const { ledger, emit } = services
  const plan = await ledger.readPlan(feed.name)
  if (plan && !(await ledger.removePlan(feed.name, plan.etag))) return
  const own = [
    [auditedRowKey(feed.name), app.get(auditedRowKey(feed.name))],
    [keptRowKey(feed.name), app.get(keptRowKey(feed.name))],
    [tableRowKey(feed.table), await ownTable(services, feed)],
  ] as const
  for (const [key, stored] of own) {
    if (stored && !(await ledger.removeApp(key, stored.etag))) return
  }
  const stored = app.feeds.get(feed.name)
  if (stored && 'etag' in stored && (await ledger.removeApp(feedRowKey(feed.name), stored.etag))) {
    emit({ event: 'feed.purged', feed: feed.name })
  }
}

/** The row of a feed's table, where it is the feed's: one that was refused its table has it in its row all the same. */
async function ownTable(
  { ledger }: Services,
  { name, table }: FeedOutline['feed'],
): Promise<Stored<TableRow> | undefined> {
  const stored = await ledger.readApp<TableRow>(tableRowKey(table))
  return stored?.value.feed === name ? stored : undefined
}
