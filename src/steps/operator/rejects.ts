import { type LedgerEntry, lastArchive } from '../../core/ledger/ledger.ts'
import type { Reject } from '../../core/report/entities.ts'
import { windowId } from '../../core/time/window.ts'
import type { Services } from '../services.ts'

/** A row that could not land, and where it came from. */
export type ListedReject = Reject & { readonly feed: string; readonly window: string; readonly archive: string }

/** Gives, one by one, the rows that could not land: of the failed attempt of a window, else of its published landing. */
export async function* listRejects(
  { archive }: Pick<Services, 'archive'>,
  entry: LedgerEntry,
): AsyncIterable<ListedReject> {
  const of = lastArchive(entry)
  if (of?.rejects === undefined) return
  for await (const line of linesOf(archive.read(of.rejects))) {
    yield { feed: entry.feed, window: windowId(entry.window), archive: of.archive, ...(JSON.parse(line) as Reject) }
  }
}

/** The lines of a file, without their ends. */
export async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
