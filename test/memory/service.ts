import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isFailure } from '../../src/core/failures.ts'
import type { InsightsClient } from '../../src/services/insights/client.ts'
import { type SharedInsights, startSharedInsights } from '../setup/insights.ts'
import type { Pass } from './store.ts'

/** Partner Insights for instances that may stop at any of their calls. */
export type Service = SharedInsights & {
  /** Where reports are downloaded from. */
  readonly gate: string
  /** The service as one instance sees it; `onQuery` is told which queries it registers. */
  open(pass: Pass, onQuery: (queryId: string) => void): InsightsClient
  close(): Promise<void>
}

export async function startService(): Promise<Service> {
  const shared = await startSharedInsights(0)
  const { simulator, client } = shared
  const passes: Pass[] = []
  const gate = await startGate(simulator.origin, passes)
  return {
    ...shared,
    gate: gate.origin,
    open(pass, onQuery) {
      const number = passes.push(pass) - 1
      return gated(client, pass, (link) => new URL(`/${number}${link.pathname}${link.search}`, gate.origin), onQuery)
    },
    async close() {
      await Promise.all([simulator.close(), gate.close()])
    },
  }
}

type Method = (...parameters: never[]) => Promise<unknown>

/** Each method is a call; links lead to the gate, where each download is one. */
function gated(
  client: InsightsClient,
  pass: Pass,
  redirect: (link: URL) => URL,
  onQuery: (queryId: string) => void,
): InsightsClient {
  const watched: InsightsClient = {
    ...client,
    async createQuery(query) {
      const made = await client.createQuery(query)
      if (!isFailure(made)) onQuery(made.queryId)
      return made
    },
    async execution(reportId) {
      const found = await client.execution(reportId)
      if (isFailure(found) || found.status !== 'completed') return found
      return { ...found, link: redirect(found.link) }
    },
  }
  const methods = Object.entries(watched).map(([name, method]) => {
    const call = method as Method
    return [name, (...parameters: never[]) => pass(`insights.${name}`, () => call(...parameters))]
  })
  return Object.fromEntries(methods) as InsightsClient
}

/** Forwards `/<instance>/<path>` as a call of that instance. */
async function startGate(target: string, passes: readonly Pass[]) {
  const server = createServer(async ({ url = '' }, response) => {
    const [, number, path = ''] = /^\/(\d+)(\/.*)$/.exec(url) ?? []
    const pass = passes[Number(number)]
    if (!pass) return response.writeHead(404).end()
    await pass('download', () => forward(new URL(path, target), response))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function forward(url: URL, response: ServerResponse): Promise<void> {
  const [answer] = (await once(get(url), 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks))
}
