import { isComplete } from '../../core/ledger/ledger.ts'
import type { KnownFeed } from '../../core/plan/plan.ts'
import type { Services } from '../services.ts'
import { changeFeedRow } from './feed-row.ts'

/** An empty window between two full ones is possible, but worth a look: told when their number changes. */
export async function noteEmptyWindows(services: Services, { row, entries }: KnownFeed): Promise<void> {
  const sorted = entries.toSorted((a, b) => a.window.from.getTime() - b.window.from.getTime())
  const full = sorted.map((entry) => isComplete(entry) && (entry.figures?.rowsLanded ?? 0) > 0)
  const empty = sorted.map((entry) => isComplete(entry) && entry.figures?.verdict === 'empty')
  const count = empty.filter((isEmpty, index) => isEmpty && full[index - 1] && full[index + 1]).length
  if (count === (row.emptyBetween ?? 0)) return
  await changeFeedRow(services, row.feed.name, (each) => ({ ...each, emptyBetween: count }))
  if (count > 0) services.emit({ event: 'feed.empty-between-full', feed: row.feed.name, count })
}
