import { isFailure } from '../../src/core/failures.ts'
import { fromRow, type LedgerRow, toRow } from '../../src/core/ledger/ledger-row.ts'
import { windowId } from '../../src/core/time/window.ts'
import type { Ledger } from '../../src/services/storage/ledger-table.ts'
import { byText, type Pass } from './store.ts'

type Row = { readonly key: string; readonly value: LedgerRow; readonly etag: string }

/** The table `ledger`: its partitions by name; `undefined` until it is made. */
export type LedgerState = { partitions: Map<string, Map<string, Row>> | undefined; writes: number }

export const emptyLedger = (): LedgerState => ({ partitions: undefined, writes: 0 })

const APP = '_app'

/** A ledger in memory. Values are stored as rows, so what a row cannot hold is lost here as it is in Table Storage. */
export function openMemoryLedger(state: LedgerState, pass: Pass): Ledger {
  const get = (partition: string, key: string) => pass('ledger.get', async () => rowOf(state, partition, key))
  const list = (partition: string) => pass('ledger.list', async () => rowsOf(state, partition))
  const write = <T>(value: T, partition: string, key: string, row: LedgerRow, expected: string | undefined) =>
    pass('ledger.write', async () => {
      const etag = conditionalWrite(state, partition, { key, value: structuredClone(row) }, expected)
      return etag === undefined ? undefined : { value, etag }
    })
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
    entries: async (feed) => (await list(feed)).map(({ key, value }) => fromRow(feed, key, value)),
    write: (entry, etag) => write(entry, entry.feed, windowId(entry.window), toRow(entry), etag),
    async readApp<T>(key: string) {
      const row = await get(APP, key)
      return row && { value: JSON.parse(String(row.value.json)) as T, etag: row.etag }
    },
    writeApp: (key, value, etag) => write(value, APP, key, { json: JSON.stringify(value) }, etag),
    async appRows<T>(prefix: string) {
      const rows = (await list(APP)).filter(({ key }) => key.startsWith(prefix))
      return rows.map(({ value }) => JSON.parse(String(value.json)) as T)
    },
  }
}

function rowOf({ partitions }: LedgerState, partition: string, key: string): Row | undefined {
  const row = partitions?.get(partition)?.get(key)
  return row && { ...row, value: structuredClone(row.value) }
}

function rowsOf({ partitions }: LedgerState, partition: string): readonly Row[] {
  if (!partitions) throw new Error('table ledger is missing')
  return [...structuredClone(partitions.get(partition) ?? new Map<string, Row>()).values()].sort(
    byText(({ key }) => key),
  )
}

function conditionalWrite(
  state: LedgerState,
  partition: string,
  row: Omit<Row, 'etag'>,
  expected: string | undefined,
): string | undefined {
  if (rowOf(state, partition, row.key)?.etag !== expected || !state.partitions) return undefined
  state.writes += 1
  const etag = `etag ${state.writes}`
  const rows = state.partitions.get(partition) ?? new Map<string, Row>()
  state.partitions.set(partition, rows.set(row.key, { ...row, etag }))
  return etag
}
