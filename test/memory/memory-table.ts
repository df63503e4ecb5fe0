import { type Failure, failed } from '../../src/core/failures.ts'
import type { Entity } from '../../src/core/report/entities.ts'
import type { LandingTable, Removed, RemoveOptions, Written } from '../../src/services/storage/landing-table.ts'
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
    remove: (prefix, attempt, options = {}) =>
      remove({ state, name, pass, attempt, assertHeld: options.assertHeld ?? (() => undefined) }, prefix, options),
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

type Removal = {
  readonly state: TablesState
  readonly name: string
  readonly pass: Pass
  readonly attempt: number
  readonly assertHeld: () => void
}

async function remove(removal: Removal, prefix: string, { from = '', shouldPause }: RemoveOptions): Promise<Removed> {
  const total = { kept: 0, removed: 0, operations: 0 }
  const { state, name } = removal
  const partitions = [...(state.tables.get(name)?.values() ?? [])]
    .map(({ partitionKey }) => partitionKey)
    .filter((partition) => partition.startsWith(prefix) && partition >= from)
  const names = [...new Set(partitions)].sort()
  for (const [index, partition] of names.entries()) {
    if (index > 0 && shouldPause?.()) return { ...total, next: partition }
    await removePartition(removal, partition, total)
  }
  if (names.length === 0) total.operations = await removal.pass('table.list', async () => 1)
  return total
}

async function removePartition(
  { state: { tables, page }, name, pass, attempt, assertHeld }: Removal,
  partition: string,
  total: { kept: number; removed: number; operations: number },
): Promise<void> {
  const table = tables.get(name) ?? new Map<string, TableRow>()
  for (let after = '', done = false; !done; ) {
    const rows = await pass('table.list', async () => listed(table, partition, after).slice(0, page))
    after = rows.at(-1)?.rowKey ?? after
    done = rows.length < page
    const stale = rows.filter(({ json }) => JSON.parse(json)._attempt !== attempt)
    total.operations += 1 + Math.ceil(stale.length / TRANSACTION)
    total.kept += rows.length - stale.length
    for (let at = 0; at < stale.length; at += TRANSACTION) {
      const batch = stale.slice(at, at + TRANSACTION)
      assertHeld()
      await pass('table.transaction', async () => batch.forEach((row) => void table.delete(keyOf(row))))
      total.removed += batch.length
    }
  }
}

function listed(table: Map<string, TableRow>, partition: string, after: string): readonly TableRow[] {
  const rows = [...table.values()].filter((row) => row.partitionKey === partition && row.rowKey > after)
  return rows.sort(byText(keyOf))
}
