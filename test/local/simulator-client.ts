import { get, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { buffer, text } from 'node:stream/consumers'
import type { Simulator } from '../../local/simulator/simulator.ts'

export type Envelope = {
  readonly value: readonly Record<string, unknown>[] | null
  readonly totalCount: number
  readonly message: string | null
  readonly statusCode: number
}

/** A client of the service that believes nothing: it sends what the test says and gives back status and envelope. */
export type Client = {
  get(path: string): Promise<{ status: number; envelope: Envelope }>
  post(path: string, body: object): Promise<{ status: number; envelope: Envelope }>
  put(path: string, body?: object): Promise<{ status: number; envelope: Envelope }>
  delete(path: string): Promise<{ status: number; envelope: Envelope }>
}

export type Sent = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string }

/** One request to the HTTPS side of the simulator. */
export async function sendSecure(simulator: Simulator, path: string, { body, ...options }: Sent = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`${simulator.authority}${path}`, { ca: simulator.certificate, ...options }, resolve)
    sent.on('error', reject)
    sent.end(body)
  })
  return { status: response.statusCode, headers: response.headers, text: await text(response) }
}

export async function postForm(simulator: Simulator, path: string, form: Record<string, string>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(form).toString()
  const answer = await sendSecure(simulator, path, { method: 'POST', headers, body })
  return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> }
}

export async function getToken(simulator: Simulator, clientId = 'app'): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: 'secret', scope: 'x/.default' }
  const { body } = await postForm(simulator, '/tenant/oauth2/v2.0/token', form)
  return String(body.access_token)
}

export async function connect(simulator: Simulator, clientId?: string): Promise<Client> {
  const headers = { authorization: `Bearer ${await getToken(simulator, clientId)}` }
  const send = async (method: string, path: string, body?: object) => {
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(`${simulator.baseUrl}/${path}`, init)
    return { status: response.status, envelope: (await response.json()) as Envelope }
  }
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    delete: (path) => send('DELETE', path),
  }
}

export function first(envelope: Envelope): Record<string, unknown> {
  const [item] = envelope.value ?? []
  if (!item) throw new Error(`the envelope holds no item: ${envelope.message}`)
  return item
}

/** Creates a query and an ExecuteNow report of it, and gives the reportId. */
export async function createReport(client: Client, query: string, fields: object = {}): Promise<string> {
  const made = await client.post('ScheduledQueries', { Name: 'q', Query: query })
  const body = { ReportName: 'r', QueryId: first(made.envelope).queryId, ExecuteNow: true, ...fields }
  return String(first((await client.post('ScheduledReport', body)).envelope).reportId)
}

/** The signed link of a completed report. */
export async function linkOf(client: Client, reportId: string): Promise<string> {
  return String(first((await client.get(`ScheduledReport/execution/${reportId}`)).envelope).reportAccessSecureLink)
}

/** The body as it came over the wire: fetch would decode it. */
export async function rawBody(
  link: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(link, { headers }, resolve).on('error', reject)
  })
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
}

export async function until<T>(read: () => T | undefined | Promise<T | undefined>, within = 10_000): Promise<T> {
  const deadline = Date.now() + within
  for (;;) {
    const value = await read()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error('the condition did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
