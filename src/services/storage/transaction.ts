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

// The body cannot hold these at the start of a line: all of ours begins otherwise, and JSON has no raw line end. The
// emulator knows them only by these beginnings.
const BATCH = 'batch_5d2c9c1e'
const CHANGESET = 'changeset_8f1a3b52'
const BODY_START = `--${BATCH}\r\nContent-Type: multipart/mixed; boundary=${CHANGESET}\r\n\r\n`
const BODY_END = `--${CHANGESET}--\r\n--${BATCH}--\r\n`
const PART_START = `--${CHANGESET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n`
const PUT_END = '\r\nAccept: application/json\r\nDataServiceVersion: 3.0\r\nContent-Type: application/json\r\n\r\n'
const DELETE_END = '\r\nAccept: application/json\r\nDataServiceVersion: 3.0\r\nIf-Match: *\r\n\r\n'

const PLAIN_KEY = /^\w+$/

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

/**
 * The body of an entity group transaction; `table` is the address of the table, and the changes share one partition. As
 * bytes, for of a text each layer below would count them anew; in `room` where they surely fit.
 */
export function transactionBody(table: string, changes: readonly Change[], room?: Buffer): Buffer {
  const partition = keyText(changes[0]?.partitionKey ?? '')
  // Each in one piece: a text is put together once for each of its pieces, and a report has millions of changes.
  const put = [PART_START, 'PUT ', table, "(PartitionKey='", partition, "',RowKey='"].join('')
  const remove = [PART_START, 'DELETE ', table, "(PartitionKey='", partition, "',RowKey='"].join('')
  let body = BODY_START
  let number = 1
  for (const { rowKey, json } of changes) {
    const start = (json === undefined ? remove : put) + keyText(rowKey)
    body += `${start}') HTTP/1.1\r\nContent-ID: ${number++}${json === undefined ? DELETE_END : PUT_END + json}\r\n`
  }
  return encoded(body + BODY_END, room)
}

/** Three bytes a character are enough for any text, and the half of that for nearly any. */
function encoded(text: string, room: Buffer | undefined): Buffer {
  if (room === undefined || text.length > room.length / 1.5) return Buffer.from(text)
  const written = room.write(text)
  // A character takes at most four bytes: with as many left, none was left out.
  return written <= room.length - 4 ? room.subarray(0, written) : Buffer.from(text)
}

function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? key : encodeURIComponent(key.replaceAll("'", "''"))
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
    const status = numberAfter(part, 'HTTP/1.1 ')
    if (status >= 300) return refusal('change', status, part)
    const number = numberAfter(part, 'Content-ID: ')
    if (status >= 200 && number === 0) unnumbered++
    if (status >= 200 && number > 0 && number <= sent) numbered.add(number)
  }
  return { acknowledged: Math.min(numbered.size + unnumbered, sent) }
}

/** The digits after a text in a sub-response, 0 where there are none. */
function numberAfter(part: string, text: string): number {
  const at = part.indexOf(text)
  if (at === -1) return 0
  let number = 0
  for (let index = at + text.length; ; index++) {
    const digit = part.charCodeAt(index) - 48
    // Also at the end of the text, where there is no number to compare with.
    if (!(digit >= 0 && digit <= 9)) return number
    number = number * 10 + digit
  }
}

/** Reads an error body, in which the service puts the index of the refused change before the message. */
export function refusal(about: Refusal['about'], status: number, body: string): Refusal {
  const code = /"code"\s*:\s*"(\w+)"/.exec(body)?.[1] ?? ''
  const index = /"value"\s*:\s*"(\d+):/.exec(body)?.[1]
  return { about, status, code, ...(index !== undefined && { index: Number(index) }) }
}
