import { failed, isFailure } from '../../core/failures.ts'
import { type Feed, writesFiles } from '../../core/feeds/feed.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { fileDay, isFileNamed, namedFile, STAGING } from '../../core/ledger/published-file.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { PublishedFile } from '../../services/storage/published-files.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { tellNotRemoved } from './remove-file.ts'
import { removeOrTell, removeUnlessNamed } from './remove-published.ts'

type Audited = Pick<Feed, 'name' | 'table' | 'publish'>

/** What the entries of a feed say of its files. */
type Named = { readonly files: Set<string>; readonly late: Set<string>; readonly generations: Set<string> }

/**
 * Compares the files of a feed with its entries: removes those that no entry names, and tells which one that an entry names is
 * missing. Files come late from owners that were frozen; they are missing where somebody removed them.
 */
export async function auditFiles(services: Services, feed: Audited): Promise<void> {
  const named: Named = { files: new Set(), late: new Set(), generations: new Set() }
  for await (const { value } of services.ledger.overview(feed.name)) {
    // One that cannot be read may name any file.
    if (isFailure(value)) return
    note(named, value)
  }
  try {
    await compare(services, feed, named)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    // Where nothing was ever published, the app need not reach the container.
    if (named.files.size === 0 && !writesFiles(feed)) return
    await tellNotRemoved(services, feed.name, failed('storage', `container published cannot be listed (${status})`))
  }
}

async function compare(services: Services, { name: feed, table }: Audited, named: Named): Promise<void> {
  const { publishedFiles, clock } = services
  const there = new Set<string>()
  for await (const { name } of publishedFiles.list(`${table}/`)) {
    there.add(name)
    if (!named.files.has(name)) await removeUnlessNamed(services, feed, name)
  }
  for await (const file of publishedFiles.list(STAGING)) {
    if (!isLeftOver(file, feed, named, clock())) continue
    await removeOrTell(services, feed, file.name, () => publishedFiles.remove(file.name, file.etag))
  }
  const missing = [...named.files].filter((name) => !there.has(name) && !named.late.has(name))
  await tellMissing(services, feed, missing)
}

/** A generation that is being landed, or whose file is owed, needs its staged file. */
function note({ files, late, generations }: Named, entry: LedgerEntry): void {
  const name = namedFile(entry)
  if (name !== undefined) files.add(name)
  if (name !== undefined && entry.owed) late.add(name)
  if (entry.figures && entry.owed) generations.add(entry.figures.generation)
  if (entry.state === 'landing') generations.add(entry.generation)
}

/** A staged file that nobody needs. A landing may have begun after the entries were read. */
function isLeftOver({ metadata, changedAt }: PublishedFile, feed: string, { generations }: Named, now: Date): boolean {
  const isOld = now.getTime() - changedAt.getTime() > DAY_MS
  return metadata.feed === feed && isOld && !generations.has(metadata.generation ?? '')
}

async function tellMissing(services: Services, feed: string, missing: readonly string[]): Promise<void> {
  const [first] = missing
  // Its window may have been forgotten after the entries were read.
  if (first === undefined || !isFileNamed(first, await services.ledger.entriesOn(feed, fileDay(first)))) return
  const { kind, message } = failed('storage', `published file ${first} is missing: somebody removed it`)
  const remedy = `type "backfill --publish --feed ${feed}" to write it again`
  const event = { event: 'file.late', feed, kind, message, remedy, count: missing.length } as const
  await tellOnce(services, `file~missing~${feed}`, event)
}
