import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { type KeyRange, keyRange } from '../../src/core/report/generation.ts'
import { FEED } from './deployment.ts'
import type { MemoryStore } from './memory-store.ts'
import type { TableRow } from './memory-table.ts'
import { byText } from './store.ts'

/** What stands at one moment: between two calls of all instances. */
type Moment = { readonly entry: LedgerEntry | undefined; readonly rows: readonly TableRow[] }

/** What a reader got that follows the protocol. `torn`: rows that are no complete landing, which must never be. */
export type Reading = 'none' | 'start over' | 'torn' | string

/** Moments between two pages of a slow reader; 0 is a reader to whom everything happens at one moment. */
const STRIDES = [0, 1, 2, 5]

/** Rows that a reader lists at once. */
const PAGE = 50

/** Notes what stands after every call, to let readers read that begin at any of these moments and take any time. */
export type Readers = {
  note(store: MemoryStore): void
  /** Lets every reader read; gives what each of them got. `landings` names the complete landings by their rows. */
  readings(landings: ReadonlyMap<string, string>): readonly Reading[]
}

export function createReaders(): Readers {
  const moments: Moment[] = []
  return {
    note(store) {
      const [entry] = store.lookAtEntries(FEED.name)
      const rows = store.look('Usage')
      const last = moments.at(-1)
      if (last && sameEntry(last.entry, entry) && sameRows(last.rows, rows)) return
      moments.push({ entry, rows })
    },
    readings: (landings) =>
      STRIDES.flatMap((stride) => moments.map((_, start) => readFrom(moments, { start, stride }, landings))),
  }
}

/** Reads the entry, the rows page by page, and the entry again. Beyond the last moment nothing changes any more. */
function readFrom(
  moments: readonly Moment[],
  { start, stride }: { readonly start: number; readonly stride: number },
  landings: ReadonlyMap<string, string>,
): Reading {
  const at = (step: number) => moments[Math.min(start + step * stride, moments.length - 1)]
  const before = publishedOf(at(0))
  if (!before) return 'none'
  const rows: TableRow[] = []
  let step = 1
  for (let isDone = false; !isDone; step += 1) {
    const page = pageAfter(at(step)?.rows ?? [], before.range, rows.at(-1))
    rows.push(...page)
    isDone = page.length < PAGE
  }
  if (publishedOf(at(step))?.range.keyFrom !== before.range.keyFrom) return 'start over'
  const isWhole = rows.length === before.count && rows.every(({ json }) => JSON.parse(json)._attempt === before.attempt)
  return (isWhole && landings.get(contentOf(rows))) || 'torn'
}

function publishedOf(moment: Moment | undefined) {
  const { figures, window } = moment?.entry ?? {}
  if (!figures || !window) return undefined
  return { range: keyRange(window, figures.generation), count: figures.rowsLanded, attempt: figures.attempt }
}

const keyOf = ({ partitionKey, rowKey }: TableRow) => `${partitionKey} ${rowKey}`

function pageAfter(rows: readonly TableRow[], { keyFrom, keyTo }: KeyRange, last: TableRow | undefined) {
  const own = rows.filter(({ partitionKey }) => partitionKey >= keyFrom && partitionKey < keyTo)
  const from = last ? own.findIndex((row) => keyOf(row) > keyOf(last)) : 0
  return from < 0 ? [] : own.slice(from, from + PAGE)
}

const OWN = /"(PartitionKey|_attempt|_reportId)":("[^"]*"|\d+),?/g

/** The rows of a landing byte for byte, without what another landing of the same report has otherwise. */
export function contentOf(rows: readonly TableRow[]): string {
  return [...rows]
    .sort(byText(({ rowKey }) => rowKey))
    .map(({ json }) => json.replaceAll(OWN, ''))
    .join('\n')
}

function sameEntry(a: LedgerEntry | undefined, b: LedgerEntry | undefined): boolean {
  return a?.figures?.generation === b?.figures?.generation
}

function sameRows(a: readonly TableRow[], b: readonly TableRow[]): boolean {
  return a.length === b.length && a.every((row, index) => row === b[index])
}
