/** One change of a transaction as received. `id` is its Content-ID, if it has one. The `json` of a deletion is empty. */
export type SinkChange = {
  readonly method: string
  readonly address: string
  readonly id: string | undefined
  readonly json: string
}

const CHANGES_LIMIT = 100
const REQUEST_LINE = /^(PUT|PATCH|MERGE|POST|DELETE) (\S+) HTTP\/1\.1$/

/** Reads the changes of a transaction, or gives the error code with which the service refuses all of it. */
export function readTransaction(body: string): readonly SinkChange[] | string {
  const changes: SinkChange[] = []
  let [method, address, id]: (string | undefined)[] = []
  for (const line of body.split('\n')) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    const request = REQUEST_LINE.exec(text)
    if (request) [, method, address] = request
    else if (text.startsWith('Content-ID: ')) id = text.slice(12)
    else if (text.startsWith('--') && method === 'DELETE' && address !== undefined) {
      changes.push({ method, address, id, json: '' })
      method = undefined
    } else if (text.startsWith('{') && method !== undefined && address !== undefined) {
      changes.push({ method, address, id, json: text })
      id = undefined
    }
  }
  return refusalOf(changes) ?? changes
}

function refusalOf(changes: readonly SinkChange[]): string | undefined {
  if (changes.length === 0 || changes.length > CHANGES_LIMIT) return 'InvalidInput'
  if (new Set(changes.map(({ address }) => address)).size < changes.length) return 'InvalidDuplicateRow'
  const partitions = new Set(changes.map(({ address }) => /PartitionKey='([^']*)'/.exec(address)?.[1]))
  return partitions.size > 1 ? 'CommandsInBatchActOnDifferentPartitions' : undefined
}

/** The answer of the service to a transaction that succeeded. */
export function answerOf(changes: readonly SinkChange[]): string {
  const parts = changes.map(({ id, address }) => {
    const number = id === undefined ? '' : `Content-ID: ${id}\r\n`
    return (
      '--changesetresponse_sink\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n' +
      `HTTP/1.1 204 No Content\r\n${number}X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n` +
      `DataServiceVersion: 1.0;\r\nDataServiceId: ${address}\r\n` +
      `ETag: W/"datetime'2025-03-01T00%3A00%3A00.0000000Z'"\r\n\r\n\r\n`
    )
  })
  return (
    '--batchresponse_sink\r\nContent-Type: multipart/mixed; boundary=changesetresponse_sink\r\n\r\n' +
    `${parts.join('')}--changesetresponse_sink--\r\n--batchresponse_sink--\r\n`
  )
}
