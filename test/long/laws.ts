import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { isAsked, type LongFeed } from './feeds.ts'
import type { ImportedFile } from './landings.ts'

/** An entry of the ledger, as far as the laws need it. */
export type Entry = { readonly feed: string; readonly id: string; readonly window: Window; readonly row: RawRow }

/** The entries among the rows of the ledger, in order of feed and time. */
export function entriesIn(ledger: readonly RawRow[]): readonly Entry[] {
  const found = ledger.flatMap((row) => {
    const [feed, id] = [String(row.PartitionKey), String(row.RowKey)]
    const window = parseWindowId(id)
    return window ? [{ feed, id, window, row }] : []
  })
  return found.toSorted((a, b) => a.feed.localeCompare(b.feed) || a.id.localeCompare(b.id))
}

/** Law: spans of entries never overlap. Gives every pair that does. */
export function overlapsIn(entries: readonly Pick<Entry, 'feed' | 'id' | 'window'>[]): readonly string[] {
  return entries.flatMap((entry, index) =>
    entries
      .slice(index + 1)
      .filter(
        ({ feed, window }) => feed === entry.feed && window.from < entry.window.to && entry.window.from < window.to,
      )
      .map(({ id }) => `${entry.feed}: ${entry.id} and ${id} overlap`),
  )
}

/** Law: the entries of a feed cover its span, and what lies outside was imported. Gives each gap and each stranger. */
export function coverageFaults(
  { name, span, windows }: LongFeed,
  entries: readonly Entry[],
  files: readonly ImportedFile[],
): readonly string[] {
  if (!windows) return entries.length > 0 ? [] : [`${name}: no snapshot was asked for`]
  const faults: string[] = []
  let covered = span.from
  for (const { id, window } of entries) {
    const isInside = window.from >= span.from && window.to <= span.to
    const isImported = files.some((file) => file.feed === name && file.id === id)
    if (!isInside && !isImported) faults.push(`${name}: nobody asked for ${id}`)
    if (window.to <= span.from) continue
    if (window.from > covered) faults.push(`${name}: ${windowId({ from: covered, to: window.from })} is missing`)
    if (window.to > covered) covered = window.to
  }
  return covered < span.to ? [...faults, `${name}: ${windowId({ from: covered, to: span.to })} is missing`] : faults
}

/** Law: after quiet every window has landed. One that was to be asked for again waits while its feed is not asked for. */
export function unfinished(feed: LongFeed, entries: readonly Entry[]): readonly string[] {
  return entries
    .filter(({ row }) => row.state !== 'landed' && !(row.state === 'planned' && !isAsked(feed)))
    .filter(({ window, row }) => !hasPassed(feed, window, row))
    .map(({ id, row }) => `${feed.name} ${id} is ${row.state} ${row.kind ?? ''} ${row.message ?? ''}`.trimEnd())
}

/** Only where a month ends during the history: today's data must not land under an old date. */
function hasPassed({ windows }: LongFeed, { to }: Window, { state, kind }: RawRow): boolean {
  return !windows && state === 'failed' && kind === 'out-of-range' && to <= new Date()
}

/**
 * Law: every row of a landing table is of a published generation, of one that is being landed, or of one that a drop is
 * about. Gives each generation without an owner.
 */
export function strayRows(table: string, rows: readonly RawRow[], ledger: readonly RawRow[]): readonly string[] {
  const owned = new Set(ledger.flatMap(ownedBy))
  const found = Map.groupBy(rows, ({ PartitionKey }) => generationOf(String(PartitionKey)))
  return [...found]
    .filter(([generation]) => !owned.has(generation))
    .map(([generation, { length }]) => `${table}: nobody owns ${length} rows of generation ${generation}`)
}

/** The generations that a row of the ledger names. */
function ownedBy({ RowKey, keyFrom, state, generation }: RawRow): readonly string[] {
  const [, dropped] = /^~drop_(.*)$/.exec(String(RowKey)) ?? []
  if (dropped !== undefined) return [dropped]
  return [...(keyFrom ? [generationOf(String(keyFrom))] : []), ...(state === 'landing' ? [String(generation)] : [])]
}

const generationOf = (partitionKey: string): string => /^\d{8}_g([0-9a-f]{12})_/.exec(partitionKey)?.[1] ?? partitionKey
