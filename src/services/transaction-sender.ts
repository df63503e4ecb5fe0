import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline'
import type { TableClient } from '@azure/data-tables'
import { type Failure, failed } from '../core/failures.ts'
import { statusOf } from './storage-error.ts'
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

export type Outcome = {
  /** How many changes the service acknowledged, and how many transactions were sent. */
  readonly written: { readonly acknowledged: number; readonly operations: number }
  /** The first refusal; nothing was sent after it. */
  readonly refused?: Refused
}

/** Sends changes in as few transactions as their order allows, `inFlight` at a time. Throws only what the source throws. */
export type TransactionSender = (source: AsyncIterable<readonly Sized[]>, inFlight: number) => Promise<Outcome>

/** A table transaction takes at most 100 entities, all of one partition, in less than 4 MiB. */
const CHANGES_LIMIT = 100
const BYTES_LIMIT = 4 * 1024 * 1024 - 4096

/** Each storage call with its retries ends within this: the lease of a landing counts on it. */
export const CALL_LIMIT_MS = 30_000

/** Connections are kept and shared by all tables, as the SDK's own client does. */
const httpClient = createDefaultHttpClient()

/** Sends through the pipeline of `client`, which signs, retries, and names the program. */
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
  return async (changes) => {
    const request = createPipelineRequest({
      url,
      method: 'POST',
      headers: createHttpHeaders(TRANSACTION_HEADERS),
      body: transactionBody(`${base}/${client.tableName}`, changes),
      allowInsecureConnection: url.startsWith('http:'),
      abortSignal: AbortSignal.timeout(CALL_LIMIT_MS),
    })
    try {
      const { status, bodyAsText } = await client.pipeline.sendRequest(httpClient, request)
      return status < 300 ? readAnswer(bodyAsText ?? '', changes.length) : refusal(status, bodyAsText ?? '')
    } catch (error) {
      return unanswered(error)
    }
  }
}

/** Whatever the pipeline throws is a call that did not come about; its message may hold an address, its code does not. */
function unanswered(error: unknown): Refusal {
  const name = error instanceof Error ? error.name : ''
  const code = error instanceof RestError ? (error.code ?? name) : name
  return { status: statusOf(error) ?? 0, code }
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

async function sendAll(send: Send, source: AsyncIterable<readonly Change[]>, inFlight: number): Promise<Outcome> {
  const open = new Set<Promise<void>>()
  const refused: Refused[] = []
  let acknowledged = 0
  let operations = 0
  const start = async (changes: readonly Change[]) => {
    const answer = await send(changes)
    if ('status' in answer) refused.push({ ...answer, changes })
    else acknowledged += answer.acknowledged
  }
  try {
    for await (const changes of source) {
      const sent: Promise<void> = start(changes).finally(() => open.delete(sent))
      open.add(sent)
      operations++
      if (open.size >= inFlight) await Promise.race(open)
      if (refused.length > 0) break
    }
  } finally {
    // Also when the source throws: no transaction may still be out when the caller goes on.
    await Promise.allSettled(open)
  }
  const [first] = refused
  return { written: { acknowledged, operations }, ...(first && { refused: first }) }
}
