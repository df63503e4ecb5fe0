import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline'
import type { TableClient } from '@azure/data-tables'
import { type Failure, failed } from '../../core/failures.ts'
import { statusOf } from './errors.ts'
import {
  type Answer,
  CHANGE_OVERHEAD,
  type Change,
  type Refusal,
  readAnswer,
  refusal,
  TRANSACTION_HEADERS,
  transactionBody,
} from './transaction.ts'

/** A change with no less than the length of its JSON in UTF-8. */
export type Sized = Change & { readonly bytes: number }

/** A refusal with the transaction it refused. */
export type Refused = Refusal & { readonly changes: readonly Change[] }

/** A row the service takes from nobody, and the service's code for it. */
export type RefusedRow = { readonly rowKey: string; readonly code: string }

export type Outcome = {
  /** How many changes the service acknowledged, and how many transactions it was sent, retries apart. */
  readonly acknowledged: number
  readonly operations: number
  /** Rows that were left out of their transactions so that all others could land. */
  readonly rows: readonly RefusedRow[]
  /** The first refusal that is not of one row; nothing was sent after it. */
  readonly refused?: Refused
}

/** Sends changes in as few transactions as their order allows, `inFlight` at a time. Throws only what the source throws. */
export type TransactionSender = (source: AsyncIterable<readonly Sized[]>, inFlight: number) => Promise<Outcome>

/** A table transaction takes at most 100 entities, all of one partition, in less than 4 MiB. */
const CHANGES_LIMIT = 100
const BYTES_LIMIT = 4 * 1024 * 1024 - 4096

/** Refused one by one, more rows than this are no matter of single rows; and the list of them stays small. */
const REFUSED_ROWS_LIMIT = 1000

/** Bytes that hold a transaction of a hundred rows of common size; larger ones are rare. */
const ROOM = 512 * 1024

/** Connections are kept and shared by all tables, as the SDK's own client does. */
const httpClient = createDefaultHttpClient()

/** Sends through the pipeline of `client`, which signs, retries as its policy says, and names the program. */
export function openTransactionSender(client: TableClient): TransactionSender {
  const send = sender(client)
  return (source, inFlight) => sendAll(send, transactions(source, client.url.length), inFlight)
}

/** Says what was refused, by place and the service's code, and never by its message. */
export function describeRefusal(table: string, { status, code, index, changes }: Refused): Failure {
  const row = index === undefined ? '' : `, row ${changes[index]?.rowKey ?? index}`
  const place = `table ${table}, partition ${changes[0]?.partitionKey}${row}`
  const reason = /^\w+$/.test(code) ? code : 'an unnamed error'
  const what = status === 0 ? `no answer (${reason})` : `refused with ${reason} (${status})`
  return failed('storage', `${place}: ${what}; check the table, its storage account and the roles`)
}

type Send = (changes: readonly Change[]) => Promise<Answer>

function sender(client: TableClient): Send {
  const [account = '', signature] = client.url.split('?')
  const base = account.replace(/\/$/, '')
  const url = `${base}/$batch${signature === undefined ? '' : `?${signature}`}`
  // Rooms are used again: new ones for each transaction would be most of the memory, and of the collector's work.
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
      return status < 300 ? readAnswer(bodyAsText ?? '', changes.length) : refusal('whole', status, bodyAsText ?? '')
    } catch (error) {
      return unanswered(error)
    } finally {
      rooms.push(room)
    }
  }
}

/** Whatever the pipeline throws is a call that did not come about; its message may hold an address, its code does not. */
function unanswered(error: unknown): Refusal {
  const name = error instanceof Error ? error.name : ''
  const code = error instanceof RestError ? (error.code ?? name) : name
  return { about: 'whole', status: statusOf(error) ?? 0, code }
}

async function* transactions(source: AsyncIterable<readonly Sized[]>, address: number): AsyncGenerator<Sized[]> {
  let batch: Sized[] = []
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

function hasRoom(batch: readonly Sized[], { partitionKey }: Sized, bytes: number): boolean {
  const [first] = batch
  if (first === undefined) return true
  return batch.length < CHANGES_LIMIT && bytes < BYTES_LIMIT && first.partitionKey === partitionKey
}

/** What is known so far of one `sendAll`. */
type Tally = { acknowledged: number; operations: number; readonly rows: RefusedRow[]; refused: Refused | undefined }

async function sendAll(send: Send, source: AsyncIterable<readonly Change[]>, inFlight: number): Promise<Outcome> {
  const open = new Set<Promise<void>>()
  const tally: Tally = { acknowledged: 0, operations: 0, rows: [], refused: undefined }
  try {
    for await (const changes of source) {
      const sent: Promise<void> = sendOne(send, changes, tally).finally(() => open.delete(sent))
      open.add(sent)
      if (open.size >= inFlight) await Promise.race(open)
      if (tally.refused !== undefined) break
    }
  } finally {
    // Also when the source throws: no transaction may still be out when the caller goes on.
    await Promise.allSettled(open)
  }
  const { refused, ...counted } = tally
  return refused === undefined ? counted : { ...counted, refused }
}

/** Sends a transaction; where one row of it is refused, notes the row and sends the others again. */
async function sendOne(send: Send, changes: readonly Change[], tally: Tally): Promise<void> {
  if (changes.length === 0 || tally.refused !== undefined) return
  tally.operations++
  const answer = await send(changes)
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
    return sendOne(send, changes.toSpliced(index, 1), tally)
  }
  // The answer does not say which: one half of the rows lands whole, and the search goes on in the other.
  const middle = changes.length >> 1
  await sendOne(send, changes.slice(0, middle), tally)
  await sendOne(send, changes.slice(middle), tally)
}

/** Only what is written can be refused for what it holds; a missing table or right, or a busy service, is no row's fault. */
function isAboutRow({ about, status }: Refusal, [first]: readonly Change[]): boolean {
  return about === 'change' && (status === 400 || status === 413) && first?.json !== undefined
}
