import { type Failure, failed } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { forbiddenChange } from '../../core/feeds/form.ts'
import { feedRowKey, type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import type { Services } from '../services.ts'

/**
 * Why the app does not take a feed as feeds.json has it now: its name stands for other rows. A feed that never got the table
 * it is stored with has asked for nothing under its name, which is then free for anything.
 */
export async function findForbiddenChange(
  ledger: Pick<Services['ledger'], 'readApp'>,
  feed: Feed,
  row: FeedRow | undefined,
): Promise<Failure | undefined> {
  if (!row) return undefined
  const message = forbiddenChange(row.feed, feed)
  if (message === undefined) return undefined
  const owner = (await ledger.readApp<TableRow>(tableRowKey(row.feed.table)))?.value.feed
  return owner === feed.name ? failed('query-refused', message) : undefined
}

/** The feeds of a file that the app would not take, judged by the feeds that it knows. */
export async function findForbiddenChanges(
  { ledger }: Pick<Services, 'ledger'>,
  feeds: readonly Feed[],
): Promise<readonly Failure[]> {
  await ledger.create()
  const found = await Promise.all(
    feeds.map(async (feed) => {
      const row = (await ledger.readApp<FeedRow>(feedRowKey(feed.name)))?.value
      return findForbiddenChange(ledger, feed, row)
    }),
  )
  return found.flatMap((failure) => failure ?? [])
}
