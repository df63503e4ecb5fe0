/** What a transaction does to one row: it replaces the row by `json`, or deletes it where there is no `json`. */
export type Change = { readonly partitionKey: string; readonly rowKey: string; readonly json?: string }

/** What the service said about a transaction: how many changes it acknowledged, or why it refused all of them. */
export type TransactionAnswer = { readonly acknowledged: number } | TransactionRefusal

export type TransactionRefusal = {
  /**
   * `change`: one of the changes was refused, whether or not the answer says which. `whole`: the transaction was
   * refused.
   */
  readonly about: 'change' | 'whole'
  readonly status: number
  /** The service's code, or empty where it gave none. */
  readonly code: string
  /** Which change was refused, counted from 0. */
  readonly index?: number
}

// No line of the body can begin with these: our own lines begin otherwise, and JSON has no raw line end. The emulator
// recognises boundaries only by these first characters.
const BATCH = 'batch_5d2c9c1e'
const CHANGESET = 'changeset_8f1a3b52'
const BODY_START = `--${BATCH}\r\nContent-Type: multipart/mixed; boundary=${CHANGESET}\r\n\r\n`
const BODY_END = `--${CHANGESET}--\r\n--${BATCH}--\r\n`
const PART_START = `--${CHANGESET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n`
const PUT_END = '\r\nAccept: application/json\r\nDataServiceVersion: 3.0\r\nContent-Type: application/json\r\n\r\n'
const DELETE_END = '\r\nAccept: application/json\r\nDataServiceVersion: 3.0\r\nIf-Match: *\r\n\r\n'

const PLAIN_KEY = /^\w+$/

/** What one change adds to the body besides its JSON and the address of its table, in bytes; rounded up. */
export const CHANGE_OVERHEAD = 500

/**
 * Headers of a transaction, as the SDK sends them (Table service REST reference, Performing entity group transactions).
 */
export const TRANSACTION_HEADERS: Readonly<Record<string, string>> = {
  Accept: 'application/json',
  'x-ms-version': '2019-02-02',
  DataServiceVersion: '3.0;',
  MaxDataServiceVersion: '3.0;NetFx',
  'Content-Type': `multipart/mixed; boundary=${BATCH}`,
}

/**
 * The body of an entity group transaction. `table` is the address of the table, and all changes are in one partition.
 * The body is bytes, because every layer below would measure a text again. It is written into `room` where it surely
 * fits.
 */
export function transactionBody(table: string, changes: readonly Change[], room?: Buffer): Buffer {
  const parts = bodyParts(table, changes)
  const length = parts.reduce((sum, { length }) => sum + length, 0)
  // Any text fits in three bytes a character.
  if (room === undefined || 3 * length > room.length) return Buffer.from(parts.join(''))
  let end = 0
  // One by one: joined, they would be one large text more for each transaction, which the garbage collector keeps for long.
  for (const part of parts) end += room.write(part, end)
  return room.subarray(0, end)
}

function bodyParts(table: string, changes: readonly Change[]): readonly string[] {
  const partition = keyText(changes[0]?.partitionKey ?? '')
  // Each is joined once, here: a report has millions of changes, and each would join the pieces again.
  const put = [PART_START, 'PUT ', table, "(PartitionKey='", partition, "',RowKey='"].join('')
  const remove = [PART_START, 'DELETE ', table, "(PartitionKey='", partition, "',RowKey='"].join('')
  const parts = changes.map(({ rowKey, json }, index) => {
    const start = (json === undefined ? remove : put) + keyText(rowKey)
    return `${start}') HTTP/1.1\r\nContent-ID: ${index + 1}${json === undefined ? DELETE_END : PUT_END + json}\r\n`
  })
  return [BODY_START, ...parts, BODY_END]
}

function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? key : encodeURIComponent(key.replaceAll("'", "''"))
}

/**
 * Reads every sub-response. One of status 2xx acknowledges a change: each Content-ID counts once, and so does a
 * sub-response without one. A change without a sub-response is not acknowledged, whatever the status of the whole
 * answer.
 */
export function readTransactionAnswer(body: string, sent: number): TransactionAnswer {
  const boundary = /boundary="?(changesetresponse_[^"\s;]+)/.exec(body)?.[1]
  const parts = boundary === undefined ? [] : body.split(`--${boundary}\r\n`).slice(1)
  const numbered = new Set<number>()
  let unnumbered = 0
  for (const part of parts) {
    const status = numberAfter(part, 'HTTP/1.1 ')
    if (status >= 300) return readRefusal('change', status, part)
    const number = numberAfter(part, 'Content-ID: ')
    if (status >= 200 && number === 0) unnumbered++
    if (status >= 200 && number > 0 && number <= sent) numbered.add(number)
  }
  return { acknowledged: Math.min(numbered.size + unnumbered, sent) }
}

/** The number after a text in a sub-response, or 0 where there is none. */
function numberAfter(part: string, text: string): number {
  const at = part.indexOf(text)
  if (at === -1) return 0
  let number = 0
  for (let index = at + text.length; ; index++) {
    const digit = part.charCodeAt(index) - 48
    // Written so that it also holds at the end of the text, where `digit` is NaN.
    if (!(digit >= 0 && digit <= 9)) return number
    number = number * 10 + digit
  }
}

/** Reads the body of an error. The service writes the index of the refused change before its message. */
export function readRefusal(about: TransactionRefusal['about'], status: number, body: string): TransactionRefusal {
  const code = /"code"\s*:\s*"(\w+)"/.exec(body)?.[1] ?? ''
  const index = /"value"\s*:\s*"(\d+):/.exec(body)?.[1]
  return { about, status, code, ...(index !== undefined && { index: Number(index) }) }
}
