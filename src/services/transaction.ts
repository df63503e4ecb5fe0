/** What a transaction does to one row: replaces it by `json`, whole, or deletes it where there is none. */
export type Change = { readonly partitionKey: string; readonly rowKey: string; readonly json?: string }

/** What the service said of a transaction: how many changes it acknowledged, or the one it refused all of them for. */
export type Answer = { readonly acknowledged: number } | Refusal

/**
 * `code` is the service's, empty where it gave none; `index` counts the changes from 0. `about`: a refusal inside the answer
 * is about one of the changes, whether or not it says which; one in place of the answer is about the whole.
 */
export type Refusal = {
  readonly about: 'change' | 'whole'
  readonly status: number
  readonly code: string
  readonly index?: number
}

// The body cannot hold these at the start of a line: all of ours begins otherwise, and JSON has no raw line end.
const BATCH = 'batch_5d2c9c1e-6c1f-4f3c-9a0e-2f6b1b7a8d10'
const CHANGESET = 'changeset_8f1a3b52-0d0b-4a57-8a2c-6f3c1e9b7d42'
const BODY_START = `--${BATCH}\r\nContent-Type: multipart/mixed; boundary=${CHANGESET}\r\n\r\n`
const BODY_END = `--${CHANGESET}--\r\n--${BATCH}--\r\n`
const PART_START = `--${CHANGESET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n`
const VERSION = 'Accept: application/json\r\nDataServiceVersion: 3.0\r\n'

/** More than one change adds to the body beside its JSON and its table's address. */
export const CHANGE_OVERHEAD = 500

/** Headers of a transaction, as the SDK sends them; "Performing entity group transactions" is their source. */
export const TRANSACTION_HEADERS: Readonly<Record<string, string>> = {
  Accept: 'application/json',
  'x-ms-version': '2019-02-02',
  DataServiceVersion: '3.0;',
  MaxDataServiceVersion: '3.0;NetFx',
  'Content-Type': `multipart/mixed; boundary=${BATCH}`,
}

/** The body of an entity group transaction. `table` is the address of the table; the changes share one partition. */
export function transactionBody(table: string, changes: readonly Change[]): string {
  let body = BODY_START
  let number = 1
  for (const { partitionKey, rowKey, json } of changes) {
    const address = `${table}(PartitionKey='${keyText(partitionKey)}',RowKey='${keyText(rowKey)}')`
    const method = json === undefined ? 'DELETE' : 'PUT'
    body += `${PART_START}${method} ${address} HTTP/1.1\r\nContent-ID: ${number++}\r\n${VERSION}`
    body += json === undefined ? 'If-Match: *\r\n\r\n\r\n' : `Content-Type: application/json\r\n\r\n${json}\r\n`
  }
  return body + BODY_END
}

function keyText(key: string): string {
  return /^\w+$/.test(key) ? key : encodeURIComponent(key.replaceAll("'", "''"))
}

/**
 * Reads every sub-response. Acknowledged are those of status 2xx, each Content-ID once; a sub-response without one counts
 * once. What has no sub-response is not acknowledged, whatever the status of the whole.
 */
export function readAnswer(body: string, sent: number): Answer {
  const boundary = /boundary="?(changesetresponse_[^"\s;]+)/.exec(body)?.[1]
  const parts = boundary === undefined ? [] : body.split(`--${boundary}\r\n`).slice(1)
  const numbered = new Set<number>()
  let unnumbered = 0
  for (const part of parts) {
    const status = Number(/HTTP\/1\.1 (\d{3})/.exec(part)?.[1])
    if (status >= 300) return refusal('change', status, part)
    const number = Number(/Content-ID: *(\d+)/i.exec(part)?.[1] ?? 0)
    if (status >= 200 && number === 0) unnumbered++
    if (status >= 200 && number > 0 && number <= sent) numbered.add(number)
  }
  return { acknowledged: Math.min(numbered.size + unnumbered, sent) }
}

/** Reads an error body, in which the service puts the index of the refused change before the message. */
export function refusal(about: Refusal['about'], status: number, body: string): Refusal {
  const code = /"code"\s*:\s*"(\w+)"/.exec(body)?.[1] ?? ''
  const index = /"value"\s*:\s*"(\d+):/.exec(body)?.[1]
  return { about, status, code, ...(index !== undefined && { index: Number(index) }) }
}
