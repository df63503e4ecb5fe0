import { defaultRetryPolicy } from '@azure/core-rest-pipeline'
import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Entity } from '../../core/report/entities.ts'
import { statusOf } from './errors.ts'
import { RETRY_LIMITS, type RetryLimits, retryPolicy } from './retry-policy.ts'
import {
  describeRefusal,
  openTransactionSender,
  type RefusedRow,
  type SendResult,
  type SizedChange,
  type TransactionSender,
} from './transaction-sender.ts'

export type Written = {
  readonly acknowledged: number
  readonly operations: number
  /** Rows that the service refused for what they contain. There are at most a thousand: more are a failure. */
  readonly refused: readonly RefusedRow[]
}

export type Removed = {
  readonly kept: number
  readonly removed: number
  readonly operations: number
  /** The partition that was not read to its end. Absent when all were. */
  readonly next?: string
}

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
  /**
   * Removes the rows under `prefix` of other attempts and counts those of this one, partition by partition. Stops
   * between two pages when `shouldPause` says so, and then gives the partition to go on from, whose rows count again. A
   * missing table has no rows.
   */
  remove(prefix: string, attempt: number, options?: RemoveOptions): Promise<Removed | Failure>
}

export type RemoveOptions = {
  readonly from?: string
  readonly shouldPause?: () => boolean
  /** Called before each deletion. Throws where another owner may be writing these rows by now. */
  readonly assertHeld?: () => void
}

type Row = { partitionKey: string; rowKey: string; _attempt?: unknown }
type Page = { readonly rows: readonly Row[]; readonly next: string | undefined }

/** The service lists at most this many rows in one answer. */
const PAGE_SIZE = 1000

const REMOVALS_IN_FLIGHT = 8

/** A page is read again so often. A repeated deletion whose first answer was lost finds its rows gone. */
const REREADS = 3

/** Opens a landing table. `client` knows the address and the sign-in; its calls end within `limits` from now on. */
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
    remove: (prefix, attempt, options) => remove(client, send, { prefix, attempt, ...options }),
  }
}

type Range = RemoveOptions & { readonly prefix: string; readonly attempt: number }

type Total = { kept: number; removed: number; operations: number }

async function remove(client: TableClient, send: TransactionSender, range: Range): Promise<Removed | Failure> {
  const total: Total = { kept: 0, removed: 0, operations: 0 }
  let open = { partition: '', kept: 0 }
  let token: string | undefined
  for (;;) {
    const page = await cleanPage(client, send, range, token, total)
    if (isFailure(page)) return page
    open = lastPartition(page, range.attempt, open)
    token = page.next
    if (token === undefined) return total
    // One partition at least is read to its end each time, or a continuation would never advance.
    if (range.shouldPause?.() && open.partition > (range.from ?? page.rows[0]?.partitionKey ?? '')) {
      return { ...total, kept: total.kept - open.kept, next: open.partition }
    }
  }
}

/** Removes the stale rows of one page and counts them. Where an answer is missing, the page is read again. */
async function cleanPage(
  client: TableClient,
  send: TransactionSender,
  range: Range,
  token: string | undefined,
  total: Total,
): Promise<Page | Failure> {
  for (let reread = 0; ; reread++) {
    const page = await readPage(client, range, token)
    if (isFailure(page)) return page
    if (page.rows.some((row) => Number(row._attempt) > range.attempt)) return overtaken(client.tableName, range)
    const stale = page.rows.filter((row) => row._attempt !== range.attempt)
    if (stale.length > 0) range.assertHeld?.()
    const result = await send(deletions(stale), REMOVALS_IN_FLIGHT)
    total.operations += 1 + result.operations
    total.removed += result.acknowledged
    if (result.acknowledged === stale.length) {
      total.kept += page.rows.length - stale.length
      return page
    }
    if (reread === REREADS || !isWorthRereading(result)) return unremoved(client.tableName, range.prefix, result)
  }
}

/** Rows of a later attempt mean that this attempt is the older one. It leaves them alone. */
function overtaken(table: string, { prefix, attempt }: Range): Failure {
  return failed(
    'storage',
    `table ${table}, rows under ${prefix}: an attempt later than ${attempt} has written there; nothing is removed`,
  )
}

/** The partition that a page ends in, and how many of its rows were kept so far. The next page may go on with it. */
function lastPartition(page: Page, attempt: number, before: { partition: string; kept: number }) {
  const partition = page.rows.at(-1)?.partitionKey ?? before.partition
  const rows = page.rows.filter((row) => row.partitionKey === partition && row._attempt === attempt)
  return { partition, kept: rows.length + (partition === before.partition ? before.kept : 0) }
}

async function* deletions(rows: readonly Row[]): AsyncGenerator<SizedChange[]> {
  yield rows.map(({ partitionKey, rowKey }) => ({ partitionKey, rowKey, bytes: 0 }))
}

/** Each page is a call of its own, with its own retries. Only one page is in memory. */
async function readPage(client: TableClient, { prefix, from }: Range, token?: string): Promise<Page | Failure> {
  const filter = odata`PartitionKey ge ${from ?? prefix} and PartitionKey lt ${`${prefix}~`}`
  const list = client.listEntities<Row>({
    queryOptions: { filter, select: ['PartitionKey', 'RowKey', '_attempt'] },
  })
  const pages = list.byPage({ maxPageSize: PAGE_SIZE, ...(token !== undefined && { continuationToken: token }) })
  try {
    const { value } = await pages.next()
    return { rows: value ?? [], next: value?.continuationToken }
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return { rows: [], next: undefined }
    const place = `table ${client.tableName}, rows under ${prefix}`
    return failed('storage', `${place}: not listed (${status ?? 'no answer'}); check the storage account and the roles`)
  }
}

/** Where rows are gone or answers are missing, all may be done: reading the page again tells. */
function isWorthRereading({ refused }: SendResult): boolean {
  return refused === undefined || refused.status === 404
}

function unremoved(table: string, prefix: string, { refused }: SendResult): Failure {
  if (refused !== undefined) return describeRefusal(table, refused)
  return failed(
    'storage',
    `table ${table}, rows under ${prefix}: deletions were not acknowledged; they are tried again`,
  )
}
