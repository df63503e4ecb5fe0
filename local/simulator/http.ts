/** Calls and answers, and how the service reads and writes them. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Effect } from './switches.ts'

/** One request, read to its end. */
export type Call = {
  readonly method: string
  /** The path as sent, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** The switches that hit this call. */
  readonly effects: readonly Effect[]
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

export async function readCall(request: IncomingMessage): Promise<Call> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method = 'GET', headers } = request
  return { method, path: url.pathname, query: url.searchParams, headers, body: Buffer.concat(chunks), effects: [] }
}

/** How an answer is damaged on its way: cut after `cutAt` bytes of its body, or announced `lengthOff` bytes too long. */
export type Mishap = { readonly cutAt?: number | undefined; readonly lengthOff?: number | undefined }

/** Sends an answer. After a mishap the connection is closed, so that the client does not wait for what never comes. */
export function send(response: ServerResponse, answer: Answer, { cutAt, lengthOff = 0 }: Mishap = {}): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length + lengthOff) })
  const whole = cutAt === undefined || cutAt >= body.length
  if (whole && lengthOff === 0) {
    response.end(body)
    return
  }
  response.flushHeaders()
  response.write(whole ? body : body.subarray(0, cutAt), () => response.destroy())
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
  }
}

/** The service's envelope around the items of a success. */
export function items(value: readonly unknown[], message: string | null): Answer {
  return json(200, { value, nextLink: null, totalCount: value.length, message, statusCode: 200, dataRedacted: false })
}

/** The service's envelope around a refusal. `message` is one of the documented texts where one fits. */
export function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const envelope = { value: null, nextLink: null, totalCount: 0, message, statusCode: status, dataRedacted: false }
  return json(status, envelope, headers)
}

export const NOT_FOUND = 'No item found with given filters.'

/** A query parameter, trimmed. The case of its name does not matter, and an empty one counts as absent. */
export function parameter(call: Call, name: string): string | undefined {
  const wanted = name.toLowerCase()
  const value = [...call.query].find(([key]) => key.toLowerCase() === wanted)?.[1].trim()
  return value === '' ? undefined : value
}

/** The id at the end of the path, trimmed and in lower case. */
export function pathId(call: Call): string {
  return decodeURIComponent(call.path.split('/').at(-1) ?? '')
    .trim()
    .toLowerCase()
}

/** The fields of a JSON body by lower-case name. */
export type Fields = ReadonlyMap<string, unknown>

/** Gives the fields of the body; none when it is not a JSON object. */
export function readFields(call: Call): Fields {
  const parsed = parseJson(call.body.toString('utf8'))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return new Map()
  return new Map(Object.entries(parsed).map(([name, value]) => [name.trim().toLowerCase(), value]))
}

/** A text field, trimmed. Undefined when it is absent, null, empty or not a text. */
export function textField(fields: Fields, name: string): string | undefined {
  const value = fields.get(name.toLowerCase())
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** Undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An instant as the service writes it: UTC, whole seconds. */
export function wireTime(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Reads an instant written exactly `yyyy-MM-ddTHH:mm:ssZ`. Undefined for anything else, and for days that do not exist. */
export function readWireTime(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return undefined
  const instant = new Date(text)
  return !Number.isNaN(instant.getTime()) && wireTime(instant) === text ? instant : undefined
}
