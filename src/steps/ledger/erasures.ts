import { erasedRowKey } from '../../core/ledger/app-rows.ts'
import type { ErasuresRow } from '../../core/ledger/erasures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { knownColumns } from '../../core/report/no-report.ts'
import { type Eraser, eraserOf } from '../../services/storage/erasing.ts'
import type { Services } from '../services.ts'

/** What is left out of the reports of a feed; undefined where nothing is. */
export async function findEraser({ ledger }: Pick<Services, 'ledger'>, row: FeedRow): Promise<Eraser | undefined> {
  const { name } = row.feed
  const stored = (await ledger.readApp<Partial<ErasuresRow>>(erasedRowKey(name)))?.value
  if (!stored) return undefined
  // What somebody else wrote into the row must not let erased rows land: whoever needs it stops.
  const { salt, columns } = stored
  if (typeof salt !== 'string' || typeof columns !== 'object')
    throw new Error(`ledger row _app ${erasedRowKey(name)} cannot be read`)
  return Object.keys(columns).length > 0 ? eraserFor(row, { salt, columns }) : undefined
}

/** What leaves values out of the reports of a feed, of any of its forms. */
export function eraserFor({ feed, query, filled, emptiedIn = {} }: FeedRow, erasures: ErasuresRow): Eraser {
  const seen = [...(query?.columns ?? []), ...(filled?.columns ?? []), ...Object.keys(emptiedIn)]
  return eraserOf(erasures, feed.dataset, knownColumns(feed, undefined, true, seen))
}

/**
 * Changes what is left out of the reports of a feed; reads it again where another writer was faster. `salt`: of the first
 * value that is erased.
 */
export async function changeErasures(
  services: Pick<Services, 'ledger'>,
  feed: string,
  salt: string,
  change: (row: ErasuresRow) => ErasuresRow,
): Promise<{ readonly before: ErasuresRow; readonly after: ErasuresRow }> {
  const { ledger } = services
  const stored = await ledger.readApp<ErasuresRow>(erasedRowKey(feed))
  const before = stored?.value ?? { salt, columns: {} }
  const after = change(before)
  if (after === before) return { before, after }
  const written = await ledger.writeApp(erasedRowKey(feed), after, stored?.etag)
  return written ? { before, after } : changeErasures(services, feed, salt, change)
}
