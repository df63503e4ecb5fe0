import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline'
import type { TableClient } from '@azure/data-tables'
import { type Failure, failed } from '../../core/failures.ts'
import { statusOf } from './errors.ts'
import {
  CHANGE_OVERHEAD,
  type Change,
  readRefusal,
  readTransactionAnswer,
  TRANSACTION_HEADERS,
  type TransactionAnswer,
  type TransactionRefusal,
  transactionBody,
} from './transaction.ts'

/** A change and its size. `bytes` is at least the length of its JSON in UTF-8. */
export type SizedChange = Change & { readonly bytes: number }

/** A refusal, with the changes of the transaction that was refused. */
export type RefusedTransaction = TransactionRefusal & { readonly changes: readonly Change[] }

/** A row that the service refuses for what it contains, and the service's code. */
export type RefusedRow = { readonly rowKey: string; readonly code: string }

export type SendResult = {
  /** How many changes the service acknowledged. */
  readonly acknowledged: number
  /** How many transactions were sent, not counting retries. */
  readonly operations: number
  /** Rows that were left out of their transactions so that all others could land. */
  readonly rows: readonly RefusedRow[]
  /** The first refusal that is not about a single row. Nothing was sent after it. */
  readonly refused?: RefusedTransaction
}

/**
 * Sends changes in as few transactions as their order allows, `inFlight` of them at a time. Throws only what the source
 * throws.
 */
export type TransactionSender = (source: AsyncIterable<readonly SizedChange[]>, inFlight: number) => Promise<SendResult>

/** A table transaction takes at most 100 entities, all in one partition, in less than 4 MiB. */
const CHANGES_LIMIT = 100
const BYTES_LIMIT = 4 * 1024 * 1024 - 4096

/**
 * When more rows are refused one by one, the fault is not in single rows. The limit also keeps the list of them small.
 */
const REFUSED_ROWS_LIMIT = 1000

/** Bytes that fit a transaction of a hundred rows of common size. Larger ones are rare. */
const ROOM = 512 * 1024

/** Keeps connections open and shares them between all tables, as the SDK's own client does. */
const httpClient = createDefaultHttpClient()

/** Opens a sender that uses the pipeline of `client`, which signs, retries and names the program. */
export function openTransactionSender(client: TableClient): TransactionSender {
  const send = openPost(client)
  return (source, inFlight) => sendAll(send, transactions(source, client.url.length), inFlight)
}

/** Says what was refused: the place and the service's code, but never its message. */
export function describeRefusal(table: string, { status, code, index, changes }: RefusedTransaction): Failure {
  const row = index === undefined ? '' : `, row ${changes[index]?.rowKey ?? index}`
  const place = `table ${table}, partition ${changes[0]?.partitionKey}${row}`
  const reason = /^\w+$/.test(code) ? code : 'an unnamed error'
  const what = status === 0 ? `no answer (${reason})` : `refused with ${reason} (${status})`
  return failed('storage', `${place}: ${what}; check the table, its storage account and the roles`)
}

/** Sends one transaction. */
type Post = (changes: readonly Change[]) => Promise<TransactionAnswer>

function openPost(client: TableClient): Post {
  const [account = '', signature] = client.url.split('?')
  const base = account.replace(/\/$/, '')
  const url = `${base}/$batch${signature === undefined ? '' : `?${signature}`}`
  // Buffers are used again. New ones would be most of the memory in use, and of the garbage collector's work.
  const rooms: Buffer[] = []
  return async (changes) => {
    const room = rooms.pop() ?? Buffer.allocUnsafeSlow(ROOM)
    const request = createPipelineRequest({
      url,
      method: 'POST',
      headers: createHttpHeaders(TRANSACTION_HEADERS),
      body: transactionBody(`${base}/${client.tableName}`, changes, room),
      allowInsecureConnection: url.startsWith('http:'),
    })
    try {
      const { status, bodyAsText } = await client.pipeline.sendRequest(httpClient, request)
      const text = bodyAsText ?? ''
      return status < 300 ? readTransactionAnswer(text, changes.length) : readRefusal('whole', status, text)
    } catch (error) {
      return unanswered(error)
    } finally {
      rooms.push(room)
    }
  }
}

/** The pipeline throws where there is no answer. The message of the error may contain an address, its code does not. */
function unanswered(error: unknown): TransactionRefusal {
  const name = error instanceof Error ? error.name : ''
  const code = error instanceof RestError ? (error.code ?? name) : name
  return { about: 'whole', status: statusOf(error) ?? 0, code }
}

async function* transactions(
  source: AsyncIterable<readonly SizedChange[]>,
  address: number,
): AsyncGenerator<SizedChange[]> {
  let batch: SizedChange[] = []
  let bytes = 0
  for await (const changes of source) {
    for (const change of changes) {
      const size = change.bytes + address + CHANGE_OVERHEAD
      if (!hasRoom(batch, change, bytes + size)) {
        yield batch
        batch = []
        bytes = 0
      }
      batch.push(change)
      bytes += size
    }
  }
  if (batch.length > 0) yield batch
}

function hasRoom(batch: readonly SizedChange[], { partitionKey }: SizedChange, bytes: number): boolean {
  const first = batch[0]
  if (first === undefined) return true
  return batch.length < CHANGES_LIMIT && bytes < BYTES_LIMIT && first.partitionKey === partitionKey
}

/** What one `sendAll` has counted so far. */
type Tally = {
  acknowledged: number
  operations: number
  readonly rows: RefusedRow[]
  refused: RefusedTransaction | undefined
}

async function sendAll(post: Post, source: AsyncIterable<readonly Change[]>, inFlight: number): Promise<SendResult> {
  const open = new Set<Promise<void>>()
  const tally: Tally = { acknowledged: 0, operations: 0, rows: [], refused: undefined }
  try {
    for await (const changes of source) {
      const sent: Promise<void> = sendOne(post, changes, tally).finally(() => open.delete(sent))
      open.add(sent)
      if (open.size >= inFlight) await Promise.race(open)
      if (tally.refused !== undefined) break
    }
  } finally {
    // Also when the source throws: no transaction may be in flight when the caller goes on.
    await Promise.allSettled(open)
  }
  const { refused, ...counted } = tally
  return refused === undefined ? counted : { ...counted, refused }
}

/** Sends a transaction. Where one of its rows is refused, notes the row and sends the others again. */
async function sendOne(post: Post, changes: readonly Change[], tally: Tally): Promise<void> {
  if (changes.length === 0 || tally.refused !== undefined) return
  tally.operations++
  const answer = await post(changes)
  if (!('status' in answer)) {
    tally.acknowledged += answer.acknowledged
    return
  }
  if (!isAboutRow(answer, changes) || tally.rows.length >= REFUSED_ROWS_LIMIT) {
    tally.refused ??= { ...answer, changes }
    return
  }
  const index = changes.length === 1 ? 0 : (answer.index ?? changes.length)
  const row = changes[index]
  if (row !== undefined) {
    tally.rows.push({ rowKey: row.rowKey, code: answer.code })
    return sendOne(post, changes.toSpliced(index, 1), tally)
  }
  // The answer does not say which row is refused. One half of the rows lands, and the search goes on in the other half.
  const middle = changes.length >> 1
  await sendOne(post, changes.slice(0, middle), tally)
  await sendOne(post, changes.slice(middle), tally)
}

/**
 * Only a row that is written can be refused for what it contains. A missing table or right is not the fault of a row.
 */
function isAboutRow({ about, status }: TransactionRefusal, [first]: readonly Change[]): boolean {
  return about === 'change' && (status === 400 || status === 413) && first?.json !== undefined
}
