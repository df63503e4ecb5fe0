import type { Reject } from '../../core/report/entities.ts'
import { rejectsName } from '../../services/storage/archive.ts'
import { statusOf } from '../../services/storage/errors.ts'
import type { Services } from '../services.ts'

/** A row that could not land, and where it came from. */
export type ListedReject = Reject & { readonly feed: string; readonly window: string; readonly archive: string }

/** Gives, one by one, the rows of a window's newest archive that could not land. */
export async function* listRejects(
  { archive }: Pick<Services, 'archive'>,
  feed: string,
  window: string,
): AsyncIterable<ListedReject> {
  const [newest] = await archive.list(feed, window)
  if (!newest) return
  for await (const line of linesOf(ofExisting(archive.read(rejectsName(newest.name))))) {
    yield { feed, window, archive: newest.name, ...(JSON.parse(line) as Reject) }
  }
}

/** Where every row could land there is no list. */
async function* ofExisting(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* bytes
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}

async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
