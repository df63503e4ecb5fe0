import { CATALOG, columnKeyOf, findDataset } from '../../core/catalog.ts'
import { type Failure, isFailure } from '../../core/failures.ts'
import { dropOfBlobs } from '../../core/ledger/drop.ts'
import { type ErasuresRow, withErased, withoutErasure } from '../../core/ledger/erasures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { isOpen, isRemoved, type LedgerEntry, lastArchive, namedBlobs, standingRows } from '../../core/ledger/ledger.ts'
import { toReplayed } from '../../core/ledger/transitions.ts'
import { quoted } from '../../core/names.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { landingHash } from '../../core/report/lander.ts'
import { holdsValue } from '../../core/report/record-filter.ts'
import { parseWindowId, type Window, type WindowId, windowId } from '../../core/time/window.ts'
import type { BlobName } from '../../services/storage/archive.ts'
import { countErased, type Eraser, holdsBytesOf, valueHash } from '../../services/storage/erasing.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { changeErasures, eraserFor } from '../ledger/erasures.ts'
import { findFeed } from '../ledger/feed-row.ts'
import { messageOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'
import { changedJustNow, IMPORTED } from './own-attempt.ts'
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

/** What became of a window: it lands again as an attempt, or only files went. */
export type Erased = Holding & ({ readonly attempt: number } | { readonly removed: true } | Problem)

/** A window with its entry and its files. */
type Held = {
  readonly window: Window
  readonly id: WindowId
  readonly stored: Stored<LedgerEntry> | Failure | undefined
  readonly blobs: readonly BlobName[]
}

type Looked = {
  readonly row: FeedRow
  readonly key: string
  readonly salt: string
  readonly held: readonly { readonly held: Held; readonly holding: Holding }[]
  /** Windows whose archive is gone, or not there yet: nobody knows which of their rows have the value. */
  readonly unknown: readonly Problem[]
}

/** Says what of a feed has a value, and changes nothing. A problem where no report of the feed has the column. */
export async function findRows(
  services: Services,
  feed: string,
  where: Where,
): Promise<{ readonly windows: readonly Holding[]; readonly unknown: readonly Problem[] } | Problem> {
  const looked = await look(services, feed, where)
  if ('problem' in looked) return looked
  return { windows: looked.held.map(({ holding }) => holding), unknown: looked.unknown }
}

/**
 * Has the rows with a value go. First it is remembered, as a hash, that they land no more: from then on every landing leaves
 * them out, whoever starts it. Then each window that has any lands again from its archive, and all its earlier files
 * go. Whatever ends this in the middle, it can be repeated. A window with an attempt under way is named: it needs another run.
 */
export async function erase(
  services: Services,
  feed: string,
  where: Where,
): Promise<{ readonly windows: readonly Erased[]; readonly unknown: readonly Problem[] } | Problem> {
  const before = await look(services, feed, where)
  if ('problem' in before) return before
  await changeErasures(services, feed, before.salt, (all) =>
    withErased(all, before.key, valueHash(all.salt, before.key, where.value)),
  )
  // What landed since the first look may have the value too.
  const looked = await look(services, feed, where)
  if ('problem' in looked) return looked
  const windows: Erased[] = []
  for (const { held, holding } of looked.held) {
    windows.push({ ...holding, ...(await eraseWindow(services, looked.row, held)) })
  }
  return { windows, unknown: looked.unknown }
}

/** Lets a value land again from now on. What was erased does not come back by itself. */
export async function allowAgain(
  services: Services,
  feed: string,
  { column, value }: Where,
): Promise<{ readonly allowed: true } | Problem> {
  const row = await findFeed(services, feed)
  if ('problem' in row) return row
  const key = columnKeyOf(findDataset(CATALOG, row.feed.dataset))(column)
  const { before, after } = await changeErasures(services, feed, services.newId(), (all) =>
    withoutErasure(all, key, valueHash(all.salt, key, value)),
  )
  return before === after
    ? { problem: `feed ${feed}: this value of ${quoted([column])} is not erased` }
    : { allowed: true }
}

async function look(services: Services, feed: string, { column, value }: Where): Promise<Looked | Problem> {
  const row = await findFeed(services, feed)
  if ('problem' in row) return row
  const key = columnKeyOf(findDataset(CATALOG, row.feed.dataset))(column)
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
    if (found.rows > 0 || found.files > 0) {
      held.push({ held: each, holding: { window: each.id, rows: found.rows, files: found.files } })
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
  const found = { rows: 0, files: 0, hasColumn: false, isUnknown: published !== undefined }
  // Whatever a list that counts holds is in its archive too, which says better which rows have the value.
  const named = new Set(entry ? namedBlobs(entry) : [])
  for (const { name, isRejects } of blobs) {
    if (isRejects) {
      if (!named.has(name) && (await hasReject(archive.read(name), eraser))) found.files++
      continue
    }
    const { rows, hasColumn, isCut } = await countErased(name, archive.read(name), eraser)
    const isHolding = rows > 0 || (isCut === true && (await holdsBytesOf(name, archive.read(name), value)))
    found.hasColumn ||= hasColumn || isHolding
    if (isHolding) found.files++
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

type Done = { readonly attempt: number } | { readonly removed: true } | Problem

/** The landing leaves the rows out. What it lands from goes afterwards, with all that earlier attempts left. */
async function eraseWindow(services: Services, row: FeedRow, { window, id, stored, blobs }: Held): Promise<Done> {
  const { ledger, queue, clock, newId } = services
  const feed = row.feed.name
  if (stored && isFailure(stored)) return { problem: `${stored.message}; take it out with "forget" first` }
  if (stored && isOpen(stored.value)) {
    const { state } = stored.value
    return { problem: `${feed} ${id} is ${state}: wait until it is landed or failed, and erase again` }
  }
  const place = { table: row.feed.table, fresh: newGeneration(newId), now: clock() }
  const last = Math.max(stored?.value.attempt ?? 0, ...blobs.map(({ attempt }) => attempt))
  const entry = stored?.value
  const source = entry && (await sourceOf(services, entry, blobs))
  if (!entry || !source) {
    // Nothing is published from these files, or they are all of failed attempts that nobody can land any more.
    const drop = dropOfBlobs({ feed, window }, last, place)
    await ledger.writeDrop(drop, undefined)
    return { removed: true }
  }
  const { asked, origin, ...report } = source
  const landing = toReplayed(
    entry,
    {
      queryId: row.query?.queryId ?? '',
      asked: asked ?? row.form,
      ...report,
      origin,
      hash: landingHash(row.feed),
      generation: newGeneration(newId),
    },
    clock(),
  )
  const drops = [dropOfBlobs(landing, landing.attempt, place)]
  if (!(await ledger.write(landing, stored.etag, { drops }))) return { problem: changedJustNow(feed, id) }
  await queue.send(messageOf(landing))
  return { attempt: landing.attempt }
}

/** What a window lands from again: the archive of its published rows, else of its failed attempt. */
async function sourceOf({ archive }: Services, entry: LedgerEntry, blobs: readonly BlobName[]) {
  const { figures, feed, window } = entry
  const published = figures && !isRemoved(entry) ? { archive: figures.archive, asked: figures } : undefined
  const from = published ?? lastArchive(entry)
  if (!from || !blobs.some(({ name }) => name === from.archive)) return undefined
  const all = await archive.list(feed, windowId(window))
  const report = all.find(({ name }) => name === from.archive)
  if (!report) return undefined
  const { reportId, executionId, requestedAt, name } = report
  const origin: 'import' | 'service' = reportId === IMPORTED ? 'import' : 'service'
  const asked = from.asked && { rowSet: from.asked.rowSet, selection: from.asked.selection }
  return { reportId, executionId, requestedAt, archive: name, origin, asked }
}
