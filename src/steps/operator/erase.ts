import { CATALOG, columnKeyOf } from '../../core/catalog.ts'
import { isFailure } from '../../core/failures.ts'
import { type ErasuresRow, isErased, MOST_ERASED, withErased, withoutErasure } from '../../core/ledger/erasures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import {
  holdsImport,
  isOpen,
  isStanding,
  type LedgerEntry,
  lastArchive,
  withoutLandingBefore,
} from '../../core/ledger/ledger.ts'
import { toReplayed } from '../../core/ledger/transitions.ts'
import { quoted } from '../../core/names.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { BlobName } from '../../services/storage/archive.ts'
import { valueHash } from '../../services/storage/erasing.ts'
import { dropOfFiles } from '../ledger/drop-of-files.ts'
import { changeErasures } from '../ledger/erasures.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import { messageOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'
import { type Held, type Holding, keyIn, look, type Where } from './find-erased.ts'
import { changedJustNow, sourceIn } from './own-attempt.ts'

/** What became of a window: it lands again as an attempt, or only files went. */
export type Erased = Holding & ({ readonly attempt: number } | { readonly removed: true } | Problem)

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
  const hashIn = ({ salt }: ErasuresRow) => valueHash(salt, before.key, where.value)
  const { after } = await changeErasures(services, feed, before.salt, (all) => withErased(all, before.key, hashIn(all)))
  if (!isErased(after, before.key, hashIn(after))) return { problem: tooMany(feed) }
  // What landed since the first look may have the value too.
  const looked = await look(services, feed, where)
  if ('problem' in looked) return looked
  const windows: Erased[] = []
  for (const { held, holding, names } of looked.held) {
    windows.push({ ...holding, ...(await eraseWindow(services, looked.row, held, names)) })
  }
  return { windows, unknown: looked.unknown }
}

/**
 * Lets a value land again from now on. What was erased does not come back by itself: `lacking` are the windows that landed
 * without rows which had been erased by then, of this value or another, and `imported` those of them that hold a file.
 */
export async function allowAgain(
  services: Services,
  feed: string,
  { column, value }: Where,
): Promise<({ readonly allowed: true } & Lacking) | Problem> {
  const row = await findTypedFeed(services, feed)
  const keys = 'problem' in row ? anyKeysOf(column) : [keyIn(row, column)]
  const { before, after } = await changeErasures(services, feed, services.newId(), (all) =>
    keys.reduce((left, key) => withoutErasure(left, key, valueHash(all.salt, key, value)), all),
  )
  if (before !== after) return { allowed: true, ...(await windowsLackingRows(services, feed)) }
  return 'problem' in row ? row : { problem: `feed ${feed}: this value of ${quoted([column])} is not erased` }
}

type Lacking = { readonly lacking: readonly Window[]; readonly imported: readonly Window[] }

async function windowsLackingRows({ ledger }: Services, feed: string): Promise<Lacking> {
  const lacking: LedgerEntry[] = []
  for await (const { value } of ledger.overview(feed)) {
    if (!isFailure(value) && isStanding(value) && value.figures.rowsErased) lacking.push(value)
  }
  const windowsOf = (entries: readonly LedgerEntry[]) => entries.map(({ window }) => window)
  return { lacking: windowsOf(lacking), imported: windowsOf(lacking.filter(holdsImport)) }
}

/** A purge forgets which dataset a feed was of, but not what was erased. */
function anyKeysOf(column: string): readonly string[] {
  return [undefined, ...CATALOG].map((dataset) => columnKeyOf(dataset)(column))
}

function tooMany(feed: string): string {
  const remedy = `let a value land again that the service sends no more: "erase ${feed} --where <column>=<value> --allow-again"`
  return `feed ${feed}: ${MOST_ERASED} values are erased, and no more can be remembered; nothing was changed; ${remedy}`
}

type Done = { readonly attempt: number } | { readonly removed: true } | Problem

/**
 * The landing leaves the rows out. All that earlier attempts left goes afterwards, and so does what it lands from, where that
 * is one of the files that hold the value. Nothing is left then that it could be compared with.
 */
async function eraseWindow(
  services: Services,
  row: FeedRow,
  { window, id, stored, blobs }: Held,
  holding: ReadonlySet<string>,
): Promise<Done> {
  const { ledger, queue, clock, newId } = services
  const feed = row.feed.name
  if (stored && isFailure(stored)) return { problem: `${stored.message}; take it out with "forget" first` }
  if (stored && isOpen(stored.value)) {
    const { state } = stored.value
    return { problem: `${feed} ${id} is ${state}: wait until it is landed or failed, and erase again` }
  }
  const entry = stored?.value
  const source = entry && (await sourceOf(services, entry, blobs))
  // An import that was interrupted left a file of an attempt that no entry knows.
  const last = Math.max(entry?.attempt ?? 0, ...blobs.map(({ attempt }) => attempt))
  if (!entry || !source) {
    // Nothing is published from these files, or they are all of failed attempts that nobody can land any more.
    await ledger.writeDrop(dropOfFiles(services, row, { feed, window }, { upTo: last }), undefined)
    return { removed: true }
  }
  const from = { ...withoutLandingBefore(entry), attempt: last }
  const landing = toReplayed(from, sourceIn(row, source, entry, newId), clock())
  // A copy that the landing makes has its number, and stays. So does a report without the value, which it lands from.
  const except = holding.has(source.name) ? {} : { except: source.name }
  const drops = [dropOfFiles(services, row, landing, { upTo: last, ...except })]
  if (!(await ledger.write(landing, stored.etag, { drops }))) return { problem: changedJustNow(feed, id) }
  await queue.send(messageOf(landing))
  return { attempt: landing.attempt }
}

/** What a window lands from again: the archive of its published rows, else of its failed attempt. */
async function sourceOf({ archive }: Services, entry: LedgerEntry, blobs: readonly BlobName[]) {
  const from = isStanding(entry) ? entry.figures : lastArchive(entry)
  if (!blobs.some(({ name }) => name === from?.archive)) return undefined
  const all = await archive.list(entry.feed, windowId(entry.window))
  return all.find(({ name }) => name === from?.archive)
}
