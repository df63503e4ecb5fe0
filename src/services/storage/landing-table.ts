import { defaultRetryPolicy } from '@azure/core-rest-pipeline'
import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Entity } from '../../core/report/entities.ts'
import { statusOf } from './errors.ts'
import { RETRY_LIMITS, type RetryLimits, retryPolicy } from './retry-policy.ts'
import {
  describeRefusal,
  type Outcome,
  openTransactionSender,
  type RefusedRow,
  type Sized,
  type TransactionSender,
} from './transaction-sender.ts'

export type Written = {
  readonly acknowledged: number
  readonly operations: number
  /** Rows the service refused, each for itself; at most a thousand, for more are a failure. */
  readonly refused: readonly RefusedRow[]
}
export type Removed = {
  readonly kept: number
  readonly removed: number
  readonly operations: number
  /** The partition that was not read to its end; absent once all were. */
  readonly next?: string
}

/** The table a feed's rows go to. `operations` counts what the storage account is billed for, retries apart. */
export type LandingTable = {
  /** Makes the table unless it is there. */
  create(): Promise<void>
  /**
   * Writes entities over those of the same keys, `inFlight` transactions at a time, reading no further while all are
   * out. Gives how many the service acknowledged: compare it, and the refused, with what was handed over. A row that is
   * refused for what it holds is left out and its transaction sent again; any other refusal is `storage`.
   */
  write(entities: AsyncIterable<readonly Entity[]>, options: { inFlight: number }): Promise<Written | Failure>
  /**
   * Removes the rows under `prefix` of other attempts and counts those of this one, partition by partition from `from`
   * on. Ends before the next page where `shouldPause` says so, and gives the partition to go on with, which then counts
   * anew. A missing table has no rows.
   */
  remove(prefix: string, attempt: number, options?: RemoveOptions): Promise<Removed | Failure>
}

export type RemoveOptions = {
  readonly from?: string
  readonly shouldPause?: () => boolean
  /** Called before each deletion; throws where somebody else may be writing these rows by now. */
  readonly assertHeld?: () => void
}

type Row = { partitionKey: string; rowKey: string; _attempt?: unknown }
type Page = { readonly rows: readonly Row[]; readonly next: string | undefined }

/** The most rows the service lists in one answer. */
const PAGE_SIZE = 1000

const REMOVALS_IN_FLIGHT = 8

/** How often a page is read again: a deletion whose answer was lost finds its rows gone when it is repeated. */
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

/** Removes what is stale on one page and counts it; where answers are missing, reading the page again tells what is left. */
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
    const outcome = await send(deletions(stale), REMOVALS_IN_FLIGHT)
    total.operations += 1 + outcome.operations
    total.removed += outcome.acknowledged
    if (outcome.acknowledged === stale.length) {
      total.kept += page.rows.length - stale.length
      return page
    }
    if (reread === REREADS || !isWorthRereading(outcome)) return unremoved(client.tableName, range.prefix, outcome)
  }
}

/** Rows of a later attempt mean that this one is the older: it removes nothing of them. */
function overtaken(table: string, { prefix, attempt }: Range): Failure {
  return failed(
    'storage',
    `table ${table}, rows under ${prefix}: a later attempt than ${attempt} has written; it is left`,
  )
}

/** The partition a page ends in, which the next page may go on with, and how many of its rows were kept so far. */
function lastPartition(page: Page, attempt: number, before: { partition: string; kept: number }) {
  const partition = page.rows.at(-1)?.partitionKey ?? before.partition
  const rows = page.rows.filter((row) => row.partitionKey === partition && row._attempt === attempt)
  return { partition, kept: rows.length + (partition === before.partition ? before.kept : 0) }
}

async function* deletions(rows: readonly Row[]): AsyncGenerator<Sized[]> {
  yield rows.map(({ partitionKey, rowKey }) => ({ partitionKey, rowKey, bytes: 0 }))
}

/** Each page is a call of its own, with its own retries; only one is held. */
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

/** Rows gone, or answers missing, may mean that all is done: reading the page again tells. */
function isWorthRereading({ refused }: Outcome): boolean {
  return refused === undefined || refused.status === 404
}

function unremoved(table: string, prefix: string, { refused }: Outcome): Failure {
  if (refused !== undefined) return describeRefusal(table, refused)
  return failed(
    'storage',
    `table ${table}, rows under ${prefix}: deletions were not acknowledged; they are tried again`,
  )
}
