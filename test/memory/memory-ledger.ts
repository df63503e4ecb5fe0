import { type Failure, isFailure } from '../../src/core/failures.ts'
import { DROPS, type Drop, dropKey, fromDropRow, toDropRow } from '../../src/core/ledger/drop.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../src/core/ledger/ledger-row.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import type { Ledger, Stored } from '../../src/services/storage/ledger-table.ts'
import { byText, type Pass } from './store.ts'

type NewRow = { readonly key: string; readonly value: LedgerRow }
type Row = NewRow & { readonly etag: string }

/** The table `ledger`: its partitions by name; `undefined` until it is made. */
export type LedgerState = { partitions: Map<string, Map<string, Row>> | undefined; writes: number }

export const emptyLedger = (): LedgerState => ({ partitions: undefined, writes: 0 })

const APP = '_app'

/** Rows of one page. So few that what one reader sees is rarely of one moment: anyone may act between two pages. */
const PAGE = 3

/** Keys from `from` up to, and without, `to`. */
type Keys = { readonly from: string; readonly to: string }

const ENTRIES: Keys = { from: '', to: DROPS }
const ALL_DROPS: Keys = { from: DROPS, to: '\uffff' }

/** A ledger in memory. Values are stored as rows, so what a row cannot hold is lost here as it is in Table Storage. */
export function openMemoryLedger(state: LedgerState, pass: Pass): Ledger {
  const get = (partition: string, key: string) => pass('ledger.get', async () => rowOf(state, partition, key))
  const list = async (partition: string, { from, to }: Keys) => {
    const rows: Row[] = []
    for (let next: string | undefined = from; next !== undefined; ) {
      const page: readonly Row[] = await pass('ledger.list', async () =>
        pageOf(state, partition, { from: next ?? '', to }),
      )
      rows.push(...page.slice(0, PAGE))
      next = page[PAGE]?.key
    }
    return rows
  }
  /** Writes one row under its ETag and adds others, all or none. */
  const write = <T>(value: T, partition: string, row: NewRow, expected: string | undefined, added: readonly NewRow[]) =>
    pass(added.length > 0 ? 'ledger.transaction' : 'ledger.write', async () => {
      if (added.some(({ key }) => rowOf(state, partition, key))) return undefined
      const etag = conditionalWrite(state, partition, row, expected)
      if (etag === undefined) return undefined
      for (const each of added) conditionalWrite(state, partition, each, undefined)
      return { value, etag }
    })
  const dropRow = (drop: Drop): NewRow => ({ key: dropKey(drop.generation), value: toDropRow(drop) })
  return {
    create: () =>
      pass('ledger.create', async () => {
        state.partitions ??= new Map()
      }),
    async read(feed, window) {
      const row = await get(feed, window)
      const value = row && fromRow(feed, window, row.value)
      if (!row || !value) return undefined
      return isFailure(value) ? value : { value, etag: row.etag }
    },
    async entries(feed) {
      const rows = await list(feed, ENTRIES)
      return rows.map(({ key, value }) => fromRow(feed, key, value))
    },
    write: (entry, etag, drops = []) =>
      write(entry, entry.feed, { key: windowId(entry.window), value: toRow(entry) }, etag, drops.map(dropRow)),
    async drops(feed) {
      const rows = await list(feed, ALL_DROPS)
      return rows.map((row) => storedDrop(feed, row))
    },
    async readDrop(feed, generation) {
      const row = await get(feed, dropKey(generation))
      return row && storedDrop(feed, row)
    },
    writeDrop: (drop, etag) => write(drop, drop.feed, dropRow(drop), etag, []),
    endDrop: ({ value, etag }) =>
      pass('ledger.delete', async () => {
        const { feed, generation } = value
        if (rowOf(state, feed, dropKey(generation))?.etag === etag) {
          state.partitions?.get(feed)?.delete(dropKey(generation))
        }
      }),
    async readApp<T>(key: string) {
      const row = await get(APP, key)
      return row && { value: JSON.parse(String(row.value.json)) as T, etag: row.etag }
    },
    writeApp: (key, value, etag) => write(value, APP, { key, value: { json: JSON.stringify(value) } }, etag, []),
    async appRows<T>(prefix: string) {
      const rows = await list(APP, { from: prefix, to: `${prefix}\uffff` })
      return rows.map(({ value }) => JSON.parse(String(value.json)) as T)
    },
  }
}

/** The entries of a feed that can be read, as they stand now. */
export function entriesOf({ partitions }: LedgerState, feed: string): readonly LedgerEntry[] {
  const rows = [...(partitions?.get(feed)?.values() ?? [])].filter(({ key }) => key < DROPS)
  const entries = rows.map(({ key, value }) => fromRow(feed, key, value))
  return entries.filter((entry): entry is LedgerEntry => !isFailure(entry))
}

/** The windows of a feed that have an entry as it stands now, whatever it says. */
export function windowsOf({ partitions }: LedgerState, feed: string): readonly Window[] {
  return [...(partitions?.get(feed)?.keys() ?? [])].flatMap((key) => parseWindowId(key) ?? [])
}

/** Deletes an entry as a person does by hand: under no condition, and nothing else with it. */
export function removeEntry({ partitions }: LedgerState, feed: string, window: Window): void {
  partitions?.get(feed)?.delete(windowId(window))
}

function storedDrop(feed: string, { key, value, etag }: Row): Stored<Drop> | Failure {
  const drop = fromDropRow(feed, key, value)
  return isFailure(drop) ? drop : { value: drop, etag }
}

function rowOf({ partitions }: LedgerState, partition: string, key: string): Row | undefined {
  const row = partitions?.get(partition)?.get(key)
  return row && { ...row, value: structuredClone(row.value) }
}

/** The rows of one page in the order of their keys, and one more where there is another page. */
function pageOf({ partitions }: LedgerState, partition: string, { from, to }: Keys): readonly Row[] {
  if (!partitions) throw new Error('table ledger is missing')
  const rows = [...(partitions.get(partition)?.values() ?? [])].filter(({ key }) => key >= from && key < to)
  return structuredClone(rows.sort(byText(({ key }) => key)).slice(0, PAGE + 1))
}

function conditionalWrite(
  state: LedgerState,
  partition: string,
  row: NewRow,
  expected: string | undefined,
): string | undefined {
  if (rowOf(state, partition, row.key)?.etag !== expected || !state.partitions) return undefined
  state.writes += 1
  const etag = `etag ${state.writes}`
  const rows = state.partitions.get(partition) ?? new Map<string, Row>()
  state.partitions.set(partition, rows.set(row.key, { key: row.key, value: structuredClone(row.value), etag }))
  return etag
}
