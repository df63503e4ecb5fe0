import { erasedRowKey } from '../../core/ledger/app-rows.ts'
import type { ErasuresRow } from '../../core/ledger/erasures.ts'
import { type Eraser, eraserOf } from '../../services/storage/erasing.ts'
import type { Services } from '../services.ts'

type Named = { readonly name: string; readonly dataset: string }

/** What is left out of the reports of a feed; undefined where nothing is. */
export async function findEraser({ ledger }: Pick<Services, 'ledger'>, feed: Named): Promise<Eraser | undefined> {
  const row = (await ledger.readApp<Partial<ErasuresRow>>(erasedRowKey(feed.name)))?.value
  if (!row) return undefined
  // What somebody else wrote into the row must not let erased rows land: whoever needs it stops.
  const { salt, columns } = row
  if (typeof salt !== 'string' || typeof columns !== 'object')
    throw new Error(`ledger row _app ${erasedRowKey(feed.name)} cannot be read`)
  return Object.keys(columns).length > 0 ? eraserOf({ salt, columns }, feed.dataset) : undefined
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
