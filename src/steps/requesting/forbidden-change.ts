import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { forbiddenChange } from '../../core/feeds/form.ts'
import { type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import type { AppRows } from '../../services/storage/ledger.ts'

/**
 * Why the app does not take a feed as feeds.json has it now: its name stands for other rows. A feed that never got the table
 * it is stored with has asked for nothing under its name, which is then free for anything. `tenant` is that of the feed's
 * account, as far as it is known.
 */
export function findForbiddenChange(app: AppRows, feed: Feed, tenant: string | undefined): Failure | undefined {
  const row = app.feeds.get(feed.name)
  if (!row || isFailure(row)) return undefined
  const before = row.value
  const former = before.tenant ?? before.account.tenantId
  const message = forbiddenChange({ ...before.feed, tenant: former }, { ...feed, tenant })
  if (message === undefined) return undefined
  const owner = app.get(tableRowKey(before.feed.table))?.value as TableRow | undefined
  return owner?.feed === feed.name ? failed('query-refused', message) : undefined
}
