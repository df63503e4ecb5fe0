import { defaultRetryPolicy } from '@azure/core-rest-pipeline'
import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Entity } from '../../core/report/entities.ts'
import type { KeyRange } from '../../core/report/generation.ts'
import { statusOf } from './errors.ts'
import { RETRY_LIMITS, type RetryLimits, retryPolicy } from './retry-policy.ts'
import {
  describeRefusal,
  openTransactionSender,
  type RefusedRow,
  type SizedChange,
  type TransactionSender,
} from './transaction-sender.ts'

export type Written = {
  readonly acknowledged: number
  readonly operations: number
  /** Rows that the service refused for what they contain. There are at most a thousand: more are a failure. */
  readonly refused: readonly RefusedRow[]
}

/** Rows that were counted. `next`: the partition that was not counted to its end; absent once all were. */
export type Counted = { readonly rows: number; readonly operations: number; readonly next?: string }

/** `isDone`: no row is left. */
export type Removed = { readonly isDone: boolean; readonly operations: number }

/** The table a feed's rows go to. `operations` counts what the storage account bills, not counting retries. */
export type LandingTable = {
  /** Creates the table unless it exists. */
  create(): Promise<void>
  /**
   * Writes entities over those with the same keys. Sends `inFlight` transactions at a time and reads no further
   * meanwhile. Gives how many entities the service acknowledged: with the refused ones they must be as many as were
   * handed over. A row that is refused for what it contains is left out, and the others are sent again. Any other
   * refusal is `storage`.
   */
  write(entities: AsyncIterable<readonly Entity[]>, options: { inFlight: number }): Promise<Written | Failure>
  /** Counts the rows of a range, whole partitions only, until `shouldPause` ends it. A missing table has no rows. */
  count(range: KeyRange, shouldPause: () => boolean): Promise<Counted | Failure>
  /** Deletes the rows of a range, until `shouldPause` ends it. */
  remove(range: KeyRange, shouldPause: () => boolean): Promise<Removed | Failure>
  /** The first partition whose key comes after `key`; undefined where there is none. A missing table has none. */
  partitionAfter(key: string): Promise<string | undefined | Failure>
}

type Row = { partitionKey: string; rowKey: string }
type Page = { readonly rows: readonly Row[]; readonly next: string | undefined }

/** The service lists at most this many rows in one answer. */
const PAGE_SIZE = 1000

const REMOVALS_IN_FLIGHT = 8

/** Pages of rows of which none could be deleted are read again so often. */
const REREADS = 3

/** Opens a landing table; `client` brings the address and the sign-in, and its calls end within `limits` from now on. */
export function openLandingTable(client: TableClient, limits: RetryLimits = RETRY_LIMITS): LandingTable {
  const policy = retryPolicy(limits)
  client.pipeline.removePolicy({ name: defaultRetryPolicy().name })
  client.pipeline.removePolicy({ name: policy.name })
  client.pipeline.addPolicy(policy, { phase: 'Retry' })
  const send = openTransactionSender(client)
  return {
    create: () => client.createTable(),
    write: async (entities, { inFlight }) => {
      const { acknowledged, operations, rows, refused } = await send(entities, inFlight)
      if (refused !== undefined) return describeRefusal(client.tableName, refused)
      return { acknowledged, operations, refused: rows }
    },
    count: (range, shouldPause) => count(client, range, shouldPause),
    remove: (range, shouldPause) => remove(client, send, range, shouldPause),
    partitionAfter: (key) => partitionAfter(client, key),
  }
}

async function count(client: TableClient, range: KeyRange, shouldPause: () => boolean): Promise<Counted | Failure> {
  let rows = 0
  let operations = 0
  let open = { partition: '', rows: 0 }
  let first: string | undefined
  let token: string | undefined
  do {
    const page = await readPage(client, rowsIn(range), PAGE_SIZE, token)
    if (isFailure(page)) return page
    operations++
    rows += page.rows.length
    first ??= page.rows[0]?.partitionKey
    open = lastPartition(page, open)
    token = page.next
    // One partition at least is counted to its end each time, or a continuation would never advance.
    if (token !== undefined && first !== undefined && open.partition > first && shouldPause()) {
      return { rows: rows - open.rows, operations, next: open.partition }
    }
  } while (token !== undefined)
  return { rows, operations }
}

/** The partition a page ends in, which the next page may go on with, and how many of its rows were listed so far. */
function lastPartition(page: Page, before: { partition: string; rows: number }) {
  const partition = page.rows.at(-1)?.partitionKey ?? before.partition
  const listed = page.rows.filter(({ partitionKey }) => partitionKey === partition).length
  return { partition, rows: listed + (partition === before.partition ? before.rows : 0) }
}

async function remove(
  client: TableClient,
  send: TransactionSender,
  range: KeyRange,
  shouldPause: () => boolean,
): Promise<Removed | Failure> {
  let operations = 0
  let fruitless = 0
  let token: string | undefined
  for (;;) {
    const page = await readPage(client, rowsIn(range), PAGE_SIZE, token)
    if (isFailure(page)) return page
    operations++
    if (page.rows.length === 0 && page.next === undefined) return { isDone: true, operations }
    // From the start again once rows were deleted, so that no row is passed over; the service may also give empty pages.
    token = page.rows.length === 0 ? page.next : undefined
    if (token !== undefined) continue
    const outcome = await send(deletions(page.rows), REMOVALS_IN_FLIGHT)
    operations += outcome.operations
    // Rows that are gone already were deleted by another, or by a request whose answer was lost.
    if (outcome.refused && outcome.refused.status !== 404) return describeRefusal(client.tableName, outcome.refused)
    fruitless = outcome.acknowledged === 0 ? fruitless + 1 : 0
    if (fruitless > REREADS) return unremoved(client.tableName, range)
    if (shouldPause()) return { isDone: false, operations }
  }
}

function unremoved(table: string, { keyFrom }: KeyRange): Failure {
  return failed('storage', `table ${table}, rows from ${keyFrom} on: deletions were sent and not acknowledged`)
}

async function* deletions(rows: readonly Row[]): AsyncGenerator<SizedChange[]> {
  yield rows.map(({ partitionKey, rowKey }) => ({ partitionKey, rowKey, bytes: 0 }))
}

/** Asks for one row; the service may also give empty pages before it. */
async function partitionAfter(client: TableClient, key: string): Promise<string | undefined | Failure> {
  const rows = { filter: odata`PartitionKey gt ${key}`, from: key }
  let token: string | undefined
  do {
    const page = await readPage(client, rows, 1, token)
    if (isFailure(page)) return page
    const [row] = page.rows
    if (row) return row.partitionKey
    token = page.next
  } while (token !== undefined)
  return undefined
}

/** Which rows to list, and where they begin. */
type Rows = { readonly filter: string; readonly from: string }

function rowsIn({ keyFrom, keyTo }: KeyRange): Rows {
  return { filter: odata`PartitionKey ge ${keyFrom} and PartitionKey lt ${keyTo}`, from: keyFrom }
}

/** Each page is a call of its own, with its own retries; only one is held. */
async function readPage(
  client: TableClient,
  { filter, from }: Rows,
  maxPageSize: number,
  token: string | undefined,
): Promise<Page | Failure> {
  const list = client.listEntities<Row>({ queryOptions: { filter, select: ['PartitionKey', 'RowKey'] } })
  const pages = list.byPage({ maxPageSize, ...(token !== undefined && { continuationToken: token }) })
  try {
    const { value } = await pages.next()
    return { rows: value ?? [], next: value?.continuationToken }
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return { rows: [], next: undefined }
    const place = `table ${client.tableName}, rows from ${from} on`
    return failed('storage', `${place}: not listed (${status ?? 'no answer'}); check the storage account and the roles`)
  }
}
