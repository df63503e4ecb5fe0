import { type Failure, isFailure } from '../../core/failures.ts'
import { writesFiles } from '../../core/feeds/feed.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { lacksFile, namedFile } from '../../core/ledger/published-file.ts'
import type { LeftOut } from '../../core/plan/set-back.ts'
import type { Problem } from '../../core/problems.ts'
import { type Window, type WindowId, windowId } from '../../core/time/window.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { replay } from './replay.ts'

/** What became of the windows without a file: those that land again from their archives, and those that cannot. */
export type FilesAsked = {
  readonly landing: readonly WindowId[]
  readonly left: readonly LeftOut[]
  readonly unreadable: readonly Failure[]
}

/**
 * Has the file of each landed window written that has none, or whose file somebody removed: the window lands again from its own
 * archive, and the service is not asked. With `dryRun` nothing changes. A feed that publishes no files is a problem.
 */
export async function publishFiles(
  services: Services,
  feed: string,
  isInSpan: (window: Window) => boolean,
  dryRun: boolean,
): Promise<FilesAsked | Problem> {
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  if (!writesFiles(row.feed)) {
    return { problem: `feed ${feed} publishes no files: give it "publish": ["table", "parquet"], and push it` }
  }
  const files = await filesOf(services, row.feed.table)
  const landing: WindowId[] = []
  const left: LeftOut[] = []
  const unreadable: Failure[] = []
  for await (const { value, window: span } of services.ledger.scan(feed)) {
    if (span && !isInSpan(span)) continue
    if (isFailure(value)) {
      unreadable.push(value)
      continue
    }
    const { window, state } = value
    if (!isWithoutFile(value, files)) continue
    const done = dryRun ? whyNotLanded(state) : (whyNotLanded(state) ?? (await replay(services, feed, window)))
    const id = windowId(window)
    if (done && 'problem' in done) left.push({ feed, window, why: done.problem.replace(`${feed} ${id} `, '') })
    else landing.push(id)
  }
  return { landing, left, unreadable }
}

async function filesOf({ publishedFiles }: Services, table: string): Promise<ReadonlySet<string>> {
  const files = new Set<string>()
  for await (const { name } of publishedFiles.list(`${table}/`)) files.add(name)
  return files
}

/** A file that is owed is on its way. */
function isWithoutFile(entry: LedgerEntry, files: ReadonlySet<string>): boolean {
  const name = namedFile(entry)
  return lacksFile(entry) || (name !== undefined && !files.has(name) && !entry.owed)
}

/** What would land again is the last attempt, and not what is published. */
function whyNotLanded(state: LedgerEntry['state']): Problem | undefined {
  return state === 'landed' ? undefined : { problem: `is ${state}: its next landing writes the file` }
}
