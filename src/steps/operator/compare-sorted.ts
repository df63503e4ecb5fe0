import { type ComparedRow, type Comparison, readRow } from '../../core/report/comparison.ts'

/** The texts of the rows of a file, sorted, in groups. */
export type SortedTexts = AsyncIterable<readonly string[]>

/** Walks through the sorted rows of two files at once, key by key. `signal` ends it with an error. */
export async function compareSorted(
  before: SortedTexts,
  after: SortedTexts,
  hasKey: boolean,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<void> {
  const [was, is] = [await openRows(before, signal), await openRows(after, signal)]
  while (was.next || is.next) {
    const keys = [was.next?.key, is.next?.key].filter((key) => key !== undefined)
    await compareKey(keys.toSorted()[0] ?? '', was, is, hasKey, comparison)
  }
}

async function compareKey(
  key: string,
  before: Rows,
  after: Rows,
  hasKey: boolean,
  comparison: Comparison,
): Promise<void> {
  const takeFrom = (rows: Rows) => (rows.next?.key === key ? rows.take() : undefined)
  let [was, is] = [await takeFrom(before), await takeFrom(after)]
  const isRepeated = before.next?.key === key || after.next?.key === key
  if (hasKey && isRepeated) comparison.repeatedKey()
  if (hasKey && !isRepeated && was && is) return comparison.pair(was, is)
  while (was || is) {
    if (was && is && was.others === is.others) {
      comparison.same()
      ;[was, is] = [await takeFrom(before), await takeFrom(after)]
    } else if (was && (!is || was.others < is.others)) {
      comparison.removed(was)
      was = await takeFrom(before)
    } else if (is) {
      comparison.added(is)
      is = await takeFrom(after)
    }
  }
}

/** The sorted rows of a file, of which the next one can be looked at before it is taken. */
type Rows = { next: ComparedRow | undefined; readonly take: () => Promise<ComparedRow | undefined> }

async function openRows(texts: SortedTexts, signal: AbortSignal): Promise<Rows> {
  const groups = texts[Symbol.asyncIterator]()
  let group: readonly string[] = []
  let at = 0
  const read = async (): Promise<ComparedRow | undefined> => {
    while (at >= group.length) {
      signal.throwIfAborted()
      const { done, value } = await groups.next()
      if (done) return undefined
      group = value
      at = 0
    }
    return readRow(group[at++] ?? '')
  }
  const rows: Rows = {
    next: await read(),
    async take() {
      const taken = rows.next
      rows.next = await read()
      return taken
    },
  }
  return rows
}
