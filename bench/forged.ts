import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { startAzurite } from '../local/azurite.ts'
import { bundle } from '../local/build.ts'
import { nextMessage, startNode, stopProcess, waitUntil } from '../local/processes.ts'
import { type StorageProxies, startStorageProxies } from '../local/proxy.ts'
import { callbackToken } from '../src/services/insights/callback-token.ts'
import type { Figures } from './figures.ts'
import type { Listening, Peak } from './forged-process.ts'

/** How many forged callbacks are sent: first to warm up, then to measure. */
export type Load = { readonly warmUp: number; readonly measured: number }

/** V8 has reached its working size after some 50,000 of them, whatever the app does. */
export const FORGED: Load = { warmUp: 60_000, measured: 40_000 }

/** As many as a caller with some machines would keep open. */
const IN_FLIGHT = 32

/** Whatever the machine, each of the two rounds ends by then. */
const DEADLINE_MS = 120_000

const HOST = 'the host of the bench'
const PROJECT = join(import.meta.dirname, '..')
const SECRET = 'the secret of the bench, long enough for it'
const FEED = 'azure-usage'
const WINDOW = '20250401T000000Z_20250501T000000Z'
const REPORT = 'b7f6a0c1-0d1e-4f7a-9c55-0f2a1d3c4b5e'

/** A day that comes every four years: no timer fires while the bench runs. */
const NEVER_FIRES = '0 0 0 29 2 *'

/**
 * What forged callbacks cost the app: how many it refuses a second, how often it calls storage for them, and by how much its
 * peak memory grows. Throws where it answers anything but 404, or where a genuine callback, sent last, reaches no storage.
 */
export async function forgedFigures(
  folder: string,
  load: Load,
  flags: readonly string[] = [],
): Promise<Pick<Figures, 'forged_rps' | 'forged_storage_calls' | 'forged_rss_growth_mb'>> {
  const azurite = await startAzurite()
  const proxies = await startStorageProxies(azurite.connectionString)
  try {
    const env = environment(proxies.connectionString)
    const program = join(import.meta.dirname, 'forged-process.ts')
    const root = await builtApp(folder)
    const child = startNode([...flags, program, root], { env, output: 'inherit' })
    return await measure(child, proxies, load).finally(() => stopProcess(child))
  } finally {
    await proxies.close()
    await azurite.stop()
  }
}

/** The app as it is deployed: bundle, package.json and host.json. */
async function builtApp(folder: string): Promise<string> {
  const root = join(folder, 'forged-app')
  await mkdir(root, { recursive: true })
  await bundle({ entry: join(PROJECT, 'src/functions.ts'), outfile: join(root, 'functions.cjs') })
  await writeFile(join(root, 'package.json'), JSON.stringify({ main: 'functions.cjs' }))
  await cp(join(PROJECT, 'host.json'), join(root, 'host.json'))
  return root
}

function environment(connectionString: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DataStorage: connectionString,
    DEPLOYMENT_ID: 'bench',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'none',
    CALLBACK_BASE_URL: 'http://127.0.0.1:1/api/callback',
    CALLBACK_SECRET: SECRET,
    PROVISION_SCHEDULE: NEVER_FIRES,
    SWEEP_SCHEDULE: NEVER_FIRES,
  }
}

async function measure(child: ChildProcess, proxies: StorageProxies, { warmUp, measured }: Load) {
  const { origin } = await nextMessage<Listening>(child, HOST)
  await waitUntil('the host asks its queues', () => proxies.queue.requests.some(isAskedByHost))
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT })
  const call = (path: string) => statusOf(agent, `${origin}/api/callback/${path}`)
  try {
    await sendForged(call, warmUp)
    const [rssBefore, callsBefore] = [await rssOf(child), storageCalls(proxies)]
    const start = performance.now()
    await sendForged(call, measured)
    const seconds = (performance.now() - start) / 1000
    const figures = {
      forged_rps: measured / seconds,
      forged_storage_calls: storageCalls(proxies) - callsBefore,
      forged_rss_growth_mb: (await rssOf(child)) - rssBefore,
    }
    await requireGenuine(call, proxies)
    return figures
  } finally {
    agent.destroy()
  }
}

/** Throws where a genuine callback calls no storage: then nothing was counted above. */
async function requireGenuine(call: (path: string) => Promise<number>, proxies: StorageProxies) {
  const before = storageCalls(proxies)
  const status = await call(`${FEED}/${WINDOW}/1/${tokenFor(SECRET)}/${REPORT}`)
  const calls = storageCalls(proxies) - before
  if (status !== 202 || calls === 0)
    throw new Error(`a genuine callback was answered ${status}, and storage was called ${calls} times for it`)
}

/** What the host itself asks its queues does not count: it goes on whether anybody calls or not. */
function storageCalls({ all }: StorageProxies): number {
  return all.flatMap(({ requests }) => requests).filter((each) => !isAskedByHost(each)).length
}

function isAskedByHost({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return method === 'GET' && path.includes('/messages?') && !path.includes('peekonly')
}

/** Sends so many, at most `IN_FLIGHT` at a time. Throws at the first that is answered anything but 404. */
async function sendForged(call: (path: string) => Promise<number>, count: number): Promise<void> {
  const until = performance.now() + DEADLINE_MS
  let sent = 0
  const lane = async () => {
    while (sent < count) {
      if (performance.now() > until) throw new Error(`${sent} of ${count} forged callbacks took ${DEADLINE_MS} ms`)
      const path = forgedPath(sent++)
      const status = await call(path)
      if (status !== 404) throw new Error(`a forged callback was answered ${status}: ${path.slice(0, 100)}`)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

/** Each is another one, so nothing that the app might keep of one helps with the next. */
function forgedPath(nth: number): string {
  const reportId = `${REPORT.slice(0, -6)}${String(nth % 1_000_000).padStart(6, '0')}`
  const forgers = [
    // Of the right length, made up, or with a secret that is not ours.
    () => `${FEED}/${WINDOW}/1/${String(nth).padStart(43, 'A')}/${reportId}`,
    () => `${FEED}/${WINDOW}/1/${tokenFor(`a secret that is not ours, number ${nth}`)}/${reportId}`,
    // Genuine, but for another attempt; and for a feed that is made up.
    () => `${FEED}/${WINDOW}/${2 + (nth % 1000)}/${TOKEN}/${reportId}`,
    () => `feed-${nth}/${WINDOW}/1/${TOKEN}`,
    // No window, and long.
    () => `${FEED}/20250230T000000Z_20250301T000000Z/1/${TOKEN}/${nth}`,
    () => `${FEED}/${WINDOW}/1/${'A'.repeat(1000)}${nth}`,
  ]
  return forgers[nth % forgers.length]?.() ?? ''
}

const tokenFor = (secret: string) => callbackToken(secret, { feed: FEED, window: WINDOW, attempt: 1 })
const TOKEN = tokenFor(SECRET)

async function statusOf(agent: Agent, address: string): Promise<number> {
  const sent = request(address, { method: 'POST', agent }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

async function rssOf(child: ChildProcess): Promise<number> {
  child.send('memory')
  return (await nextMessage<Peak>(child, HOST)).rssMb
}
