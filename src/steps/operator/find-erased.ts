import { CATALOG, columnKeyOf, findDataset } from '../../core/catalog.ts'
import { type Failure, isFailure } from '../../core/failures.ts'
import type { ErasuresRow } from '../../core/ledger/erasures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { type LedgerEntry, namedBlobs, standingRows } from '../../core/ledger/ledger.ts'
import { quoted } from '../../core/names.ts'
import type { Problem } from '../../core/problems.ts'
import { holdsValue } from '../../core/report/record-filter.ts'
import { parseWindowId, type Window, type WindowId, windowId } from '../../core/time/window.ts'
import type { BlobName } from '../../services/storage/archive.ts'
import { countErased, type Eraser, holdsBytesOf, valueHash } from '../../services/storage/erasing.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { eraserFor } from '../ledger/erasures.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { linesOf } from './rejects.ts'

/** Which rows a person wants gone: those with this value in this column. */
export type Where = { readonly column: string; readonly value: string }

/** What of a window has the value. */
export type Holding = {
  readonly window: WindowId
  /** Published rows with the value, as the archive says that they were landed from. */
  readonly rows: number
  /** Files that hold such rows: archives of all attempts, and lists of rejects. */
  readonly files: number
}

/** A window with its entry and its files. */
export type Held = {
  readonly window: Window
  readonly id: WindowId
  readonly stored: Stored<LedgerEntry> | Failure | undefined
  readonly blobs: readonly BlobName[]
}

export type Looked = {
  readonly row: FeedRow
  readonly key: string
  readonly salt: string
  readonly held: readonly { readonly held: Held; readonly holding: Holding; readonly names: ReadonlySet<string> }[]
  /** Windows whose archive is gone, or not there yet: nobody knows which of their rows have the value. */
  readonly unknown: readonly Problem[]
}

/** Looks at every window of a feed, and changes nothing. A problem where no report of the feed has the column. */
export async function look(services: Services, feed: string, { column, value }: Where): Promise<Looked | Problem> {
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const key = keyIn(row, column)
  const salt = services.newId()
  // Only the one value counts, whatever else is erased.
  const only: ErasuresRow = { salt, columns: { [key]: [valueHash(salt, key, value)] } }
  const eraser = eraserFor(row, only)
  const held: Looked['held'][number][] = []
  const unknown: Problem[] = []
  let hasColumn = false
  for await (const each of windowsOf(services, feed)) {
    const found = await holdingOf(services, each, eraser, value)
    hasColumn ||= found.hasColumn
    if (found.isUnknown)
      unknown.push({
        problem: `${feed} ${each.id}: its archive is gone, so nobody knows which of its rows have the value; ask for it again with "retry", or take it out with "forget"`,
      })
    if (isArriving(each)) {
      unknown.push({
        problem: `${feed} ${each.id} is landing: its report is not in the archive yet; wait until it is landed or failed, and erase again`,
      })
    }
    if (found.rows > 0 || found.files.size > 0) {
      held.push({
        held: each,
        holding: { window: each.id, rows: found.rows, files: found.files.size },
        names: found.files,
      })
    }
  }
  if (!hasColumn) return { problem: `no report of feed ${feed} in the archive has a column ${quoted([column])}` }
  return { row, key, salt, held, unknown }
}

/** Every window of a feed that has an entry or files, also one that was forgotten. */
async function* windowsOf({ ledger, archive }: Services, feed: string): AsyncGenerator<Held> {
  const blobs = new Map<string, BlobName[]>()
  for await (const blob of archive.names(feed)) {
    const known = blobs.get(blob.window)
    if (known) known.push(blob)
    else blobs.set(blob.window, [blob])
  }
  for await (const { window } of ledger.scan(feed)) {
    const id = window && windowId(window)
    if (id && !blobs.has(id)) blobs.set(id, [])
  }
  for (const [text, own] of blobs) {
    const window = parseWindowId(text)
    if (!window) continue
    const id = windowId(window)
    yield { window, id, stored: await ledger.read(feed, id), blobs: own }
  }
}

/** Whether a window is being landed from a report that was not in the archive when its files were listed. */
function isArriving({ stored, blobs }: Held): boolean {
  if (!stored || isFailure(stored) || stored.value.state !== 'landing') return false
  const { archive } = stored.value
  return !blobs.some(({ name }) => name === archive)
}

async function holdingOf({ archive }: Services, { stored, blobs }: Held, eraser: Eraser, value: string) {
  const entry = stored && !isFailure(stored) ? stored.value : undefined
  const published = entry && standingRows(entry) > 0 ? entry.figures?.archive : undefined
  const found = { rows: 0, files: new Set<string>(), hasColumn: false, isUnknown: published !== undefined }
  // Whatever a list that counts holds is in its archive too, which says better which rows have the value.
  const named = new Set(entry ? namedBlobs(entry) : [])
  for (const { name, isRejects } of blobs) {
    if (isRejects) {
      if (!named.has(name) && (await hasReject(archive.read(name), eraser))) found.files.add(name)
      continue
    }
    const { rows, hasColumn, isCut } = await countErased(name, archive.read(name), eraser)
    const isHolding = rows > 0 || (isCut === true && (await holdsBytesOf(name, archive.read(name), value)))
    found.hasColumn ||= hasColumn || isHolding
    if (isHolding) found.files.add(name)
    if (name === published) {
      found.rows = rows
      found.isUnknown = false
    }
  }
  return found
}

async function hasReject(bytes: AsyncIterable<Buffer>, { values }: Eraser): Promise<boolean> {
  for await (const line of linesOf(bytes)) {
    const { raw } = JSON.parse(line) as { readonly raw?: unknown }
    if (holdsValue(String(raw), values)) return true
  }
  return false
}

/** The form in which the name of a column is compared. */
export const keyIn = ({ feed }: FeedRow, column: string) => columnKeyOf(findDataset(CATALOG, feed.dataset))(column)
