import { failed, isFailure } from '../../core/failures.ts'
import { type Feed, writesFiles } from '../../core/feeds/feed.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { namedFile, STAGING } from '../../core/ledger/published-file.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import type { PublishedFile } from '../../services/storage/published-files.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { removeNamed, removeUnnamed } from './remove-published.ts'

/** What the entries of a feed say of its files. */
type Named = { readonly files: Set<string>; readonly late: Set<string>; readonly generations: Set<string> }

/**
 * Compares the files of a feed with its entries: removes those that no entry names, and tells which one that an entry names is
 * missing. Files come late from owners that were frozen; they are missing where somebody removed them.
 */
export async function auditFiles(services: Services, feed: Pick<Feed, 'name' | 'table' | 'publish'>): Promise<void> {
  const { publishedFiles, ledger } = services
  const named: Named = { files: new Set(), late: new Set(), generations: new Set() }
  for await (const { value } of ledger.overview(feed.name)) {
    // One that cannot be read may name any file.
    if (isFailure(value)) return
    note(named, value)
  }
  if (named.files.size === 0 && !writesFiles(feed)) return
  const there = new Set<string>()
  for await (const { name } of publishedFiles.list(`${feed.table}/`)) {
    there.add(name)
    if (!named.files.has(name)) await removeUnnamed(services, feed.name, dayIn(name), name)
  }
  for await (const file of publishedFiles.list(STAGING)) {
    if (!isLeft(file, feed.name, named, services.clock())) continue
    await removeNamed(services, feed.name, file.name, () => publishedFiles.remove(file.name, file.etag))
  }
  const missing = [...named.files].filter((name) => !there.has(name) && !named.late.has(name))
  await tellMissing(services, feed.name, missing)
}

function note({ files, late, generations }: Named, entry: LedgerEntry): void {
  const name = namedFile(entry)
  if (name !== undefined) files.add(name)
  if (name !== undefined && entry.owed) late.add(name)
  if (entry.figures) generations.add(entry.figures.generation)
  if (entry.state === 'landing') generations.add(entry.generation)
}

/** The day on which the window of a file begins, as the keys of its entry begin. */
const dayIn = (name: string) =>
  name
    .slice(name.indexOf('/') + 1)
    .slice(0, 10)
    .replaceAll('-', '')

/** A staged file of a generation that ended otherwise. A landing may have begun after the entries were read. */
function isLeft({ metadata, changedAt }: PublishedFile, feed: string, { generations }: Named, now: Date): boolean {
  const isOld = now.getTime() - changedAt.getTime() > DAY_MS
  return metadata.feed === feed && isOld && !generations.has(metadata.generation ?? '')
}

async function tellMissing(services: Services, feed: string, missing: readonly string[]): Promise<void> {
  const [first] = missing
  if (first === undefined) return
  const { kind, message } = failed('storage', `published file ${first} is missing: somebody removed it`)
  const remedy = `type "backfill --publish --feed ${feed}" to write it again`
  const event = { event: 'file.late', feed, kind, message, remedy, count: missing.length } as const
  await tellOnce(services, `file~missing~${feed}`, event)
}
