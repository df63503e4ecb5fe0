import { get, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { buffer, text } from 'node:stream/consumers'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../local/simulator/simulator.ts'

/** What the clock of a test's simulator shows, unless the test moves it. */
export const NOW = new Date('2025-05-01T12:00:00Z')

/** The query times of March 2025. */
export const MARCH = { QueryStartTime: '2025-03-01T00:00:00Z', QueryEndTime: '2025-03-31T23:59:59Z' }

/** How long reports take in the tests that watch them being made. */
export const GENERATION_MS = 1000

export type OpenSimulator = { readonly simulator: Simulator; readonly client: Client }

/** Starts a simulator, and a client of it. Its clock stands at `NOW`, and its reports are completed at once. */
export async function openSimulator(options: SimulatorOptions = {}): Promise<OpenSimulator> {
  const simulator = await startSimulator({ now: () => NOW, generationMilliseconds: 0, ...options })
  return { simulator, client: await connect(simulator) }
}

export type Envelope = {
  readonly value: readonly Record<string, unknown>[] | null
  readonly totalCount: number
  readonly message: string | null
  readonly statusCode: number
}

/** A client that checks nothing: it sends what the test says and gives back status and envelope. */
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

/** Posts a form to the HTTPS side of the simulator. */
export async function postForm(simulator: Simulator, path: string, form: Record<string, string>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(form).toString()
  const answer = await sendSecure(simulator, path, { method: 'POST', headers, body })
  return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> }
}

/** An access token for the service. */
export async function getToken(simulator: Simulator, clientId = 'app'): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: 'secret', scope: 'x/.default' }
  const { body } = await postForm(simulator, '/tenant/oauth2/v2.0/token', form)
  return String(body.access_token)
}

/** Signs in and gives a client. Each clientId is a user of its own. */
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

/** The first item of an envelope; throws when there is none. */
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

/** Creates a report, of March unless said otherwise, moves the clock to its completion, and gives its link and the bytes that it serves. */
export async function completeReport(
  { simulator, client }: OpenSimulator,
  query: string,
  fields: object = MARCH,
): Promise<{ reportId: string; link: string; bytes: Buffer }> {
  const reportId = await createReport(client, query, fields)
  simulator.advance(GENERATION_MS)
  const bytes = simulator.served(reportId)?.bytes ?? Buffer.alloc(0)
  return { reportId, link: await linkOf(client, reportId), bytes }
}

/** The answer as it came over the wire: `fetch` would decode the body. */
export async function rawBody(
  link: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(link, { headers }, resolve).on('error', reject)
  })
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
}
