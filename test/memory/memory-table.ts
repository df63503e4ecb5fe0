import { type Failure, failed } from '../../src/core/failures.ts'
import type { Entity } from '../../src/core/report/entities.ts'
import type { KeyRange } from '../../src/core/report/generation.ts'
import type { Counted, LandingTable, Removed, Written } from '../../src/services/storage/landing-table.ts'
import { byText, type Pass } from './store.ts'

export type TableRow = Pick<Entity, 'partitionKey' | 'rowKey' | 'json'>

/** The landing tables by name, their rows by both keys. `page` is how many rows one call lists. */
export type TablesState = { readonly tables: Map<string, Map<string, TableRow>>; readonly page: number }

export const emptyTables = (page: number): TablesState => ({ tables: new Map(), page })

const TRANSACTION = 100

/** A string property holds 64 KiB. */
const STRING_LIMIT = 32_768

export const keyOf = ({ partitionKey, rowKey }: TableRow): string => `${partitionKey} ${rowKey}`

export function openMemoryTable(state: TablesState, name: string, pass: Pass): LandingTable {
  return {
    create: () =>
      pass('table.create', async () => {
        if (!state.tables.has(name)) state.tables.set(name, new Map())
      }),
    write: (entities, { inFlight }) => write(state, name, pass, entities, inFlight),
    count: (range, shouldPause) => count(state, name, pass, range, shouldPause),
    remove: (range, shouldPause) => remove(state, name, pass, range, shouldPause),
    partitionAfter: (key) =>
      pass('table.list', async () => {
        const partitions = [...(state.tables.get(name)?.values() ?? [])].map(({ partitionKey }) => partitionKey)
        return partitions.filter((each) => each > key).sort(byText((each) => each))[0]
      }),
  }
}

/** Transactions end in the order in which their calls end, which need not be the order in which they began. */
async function write(
  { tables }: TablesState,
  name: string,
  pass: Pass,
  entities: AsyncIterable<readonly Entity[]>,
  inFlight: number,
): Promise<Written | Failure> {
  const total = { acknowledged: 0, operations: 0, refused: [] as { rowKey: string; code: string }[] }
  const open = new Set<Promise<void>>()
  for await (const batch of transactions(entities)) {
    const sent: Promise<void> = pass('table.transaction', async () => upsert(tables.get(name), batch))
      .then((refused) => {
        total.operations += 1 + refused.length
        total.acknowledged += batch.length - refused.length
        total.refused.push(...refused.map(({ rowKey }) => ({ rowKey, code: 'PropertyValueTooLarge' })))
      })
      .finally(() => open.delete(sent))
    open.add(sent)
    if (open.size >= inFlight) await Promise.race(open)
  }
  await Promise.all(open)
  return tables.has(name) ? total : failed('storage', `table ${name}: refused with TableNotFound (404)`)
}

async function* transactions(entities: AsyncIterable<readonly Entity[]>): AsyncGenerator<readonly Entity[]> {
  const batch: Entity[] = []
  for await (const group of entities) {
    for (const entity of group) {
      const fits = batch.length < TRANSACTION && batch.every(({ partitionKey }) => partitionKey === entity.partitionKey)
      if (!fits) yield batch.splice(0)
      batch.push(entity)
    }
  }
  if (batch.length > 0) yield batch
}

/** Replaces the rows of a batch, and gives those that cannot be stored. */
function upsert(table: Map<string, TableRow> | undefined, batch: readonly Entity[]): readonly Entity[] {
  const refused = batch.filter(({ json }) => Object.values(JSON.parse(json)).some(isTooLong))
  for (const entity of batch) if (!refused.includes(entity)) table?.set(keyOf(entity), entity)
  return refused
}

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > STRING_LIMIT
}

async function count(
  state: TablesState,
  name: string,
  pass: Pass,
  range: KeyRange,
  shouldPause: () => boolean,
): Promise<Counted> {
  const counted = { rows: 0, operations: 0 }
  const found = [...new Set(listed(state, name, range, '').map(({ partitionKey }) => partitionKey))]
  const partitions = found.length === 0 ? [range.keyFrom] : found
  for (const [index, partition] of partitions.entries()) {
    if (index > 0 && shouldPause()) return { ...counted, next: partition }
    const only = { keyFrom: partition, keyTo: `${partition}~` }
    for (let after = '', isDone = false; !isDone; ) {
      const rows = await pass('table.list', async () => listed(state, name, only, after).slice(0, state.page))
      after = keyAfter(rows, after)
      isDone = rows.length < state.page
      counted.rows += rows.length
      counted.operations += 1
    }
  }
  return counted
}

async function remove(
  state: TablesState,
  name: string,
  pass: Pass,
  range: KeyRange,
  shouldPause: () => boolean,
): Promise<Removed> {
  for (let operations = 1; ; operations += 1) {
    const rows = await pass('table.list', async () => listed(state, name, range, '').slice(0, state.page))
    if (rows.length === 0) return { isDone: true, operations }
    for (let at = 0; at < rows.length; at += TRANSACTION) {
      const batch = rows.slice(at, at + TRANSACTION)
      const table = state.tables.get(name)
      await pass('table.transaction', async () => batch.forEach((row) => void table?.delete(keyOf(row))))
      operations += 1
    }
    if (shouldPause()) return { isDone: false, operations }
  }
}

/** The rows of a range after a key, in the order of their keys. */
function listed(
  { tables }: TablesState,
  name: string,
  { keyFrom, keyTo }: KeyRange,
  after: string,
): readonly TableRow[] {
  const rows = [...(tables.get(name)?.values() ?? [])].filter(
    (row) => row.partitionKey >= keyFrom && row.partitionKey < keyTo && keyOf(row) > after,
  )
  return rows.sort(byText(keyOf))
}

function keyAfter(rows: readonly TableRow[], before: string): string {
  const last = rows.at(-1)
  return last ? keyOf(last) : before
}
