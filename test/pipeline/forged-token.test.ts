import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { type StorageProxies, startStorageProxies } from '../../local/proxy.ts'
import { callbackToken } from '../../src/services/insights/callback-token.ts'
import { type HostProcess, makeApp, runHost } from '../setup/host-process.ts'
import { LEAP_DAY } from '../setup/settings.ts'

const ROOT = join(import.meta.dirname, '../..')
const SECRET = 'the secret of this deployment, long enough'
const FORMER = 'the secret before the last rotation, as long'
const FEED = 'azure-usage'
const WINDOW = '20250401T000000Z_20250501T000000Z'
const OTHER_WINDOW = '20250501T000000Z_20250601T000000Z'
const REPORT = 'b7f6a0c1-0d1e-4f7a-9c55-0f2a1d3c4b5e'

let host: HostProcess
let proxies: StorageProxies

const token = (of: { feed?: string; window?: string; attempt?: number } = {}, secret = SECRET) =>
  callbackToken(secret, { feed: FEED, window: WINDOW, attempt: 1, ...of })

/** Every storage call of the app so far. Only the host asks the queues for messages. */
const storageCalls = () =>
  proxies.all
    .flatMap(({ requests }) => requests)
    .filter(({ method, path }) => method !== 'GET' || !path.includes('/messages'))
    .map(({ method, path }) => `${method} ${path}`)

/** The host logs at its start which queues it listens to, and creates each before it first asks for messages. */
function isAsking(): boolean {
  const queues = host.lines.flatMap((line) => /: queue (\S+)$/.exec(line)?.[1] ?? [])
  const paths = proxies.all.flatMap(({ requests }) => requests.map(({ path }) => path))
  return queues.length > 0 && queues.every((queue) => paths.some((path) => path.includes(`/${queue}/messages`)))
}

async function call(path: string, method = 'POST'): Promise<{ status: number; stored: readonly string[] }> {
  const before = storageCalls().length
  const answer = await fetch(`${host.origin}/api/callback/${path}`, { method, redirect: 'manual' })
  await answer.body?.cancel()
  return { status: answer.status, stored: storageCalls().slice(before) }
}

/** The app's own bundle in a process of its own; its timer never fires while the test runs. */
beforeAll(async () => {
  proxies = await startStorageProxies(inject('storage'))
  const hostJson = JSON.parse(await readFile(join(ROOT, 'host.json'), 'utf8'))
  host = await runHost(await makeApp(join(ROOT, 'src/functions.ts'), hostJson), {
    DataStorage: proxies.connectionString,
    DEPLOYMENT_ID: 'forged',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'never used',
    CALLBACK_BASE_URL: 'http://127.0.0.1:1/api/callback',
    CALLBACK_SECRET: SECRET,
    CALLBACK_SECRET_PREVIOUS: FORMER,
    PROVISION_SCHEDULE: LEAP_DAY,
    SWEEP_SCHEDULE: LEAP_DAY,
  })
  await waitUntil('the host has made its queues and asks them', isAsking)
})
afterAll(async () => {
  await host.stop()
  await proxies.close()
})

it.each([
  ['that is made up', `${FEED}/${WINDOW}/1/${'A'.repeat(43)}/${REPORT}`],
  ['that is empty but for a blank', `${FEED}/${WINDOW}/1/%20/${REPORT}`],
  ['made with another secret', `${FEED}/${WINDOW}/1/${token({}, 'a secret that is not ours, of this length')}`],
  ['of another feed', `${FEED}/${WINDOW}/1/${token({ feed: 'azure-usages' })}`],
  ['of another window', `${FEED}/${OTHER_WINDOW}/1/${token()}`],
  ['of another attempt', `${FEED}/${WINDOW}/2/${token()}`],
  ['of the same attempt with a leading zero', `${FEED}/${WINDOW}/01/${token()}`],
  ['with one letter changed', `${FEED}/${WINDOW}/1/${token().slice(0, -1)}~`],
  ['that is the start of the true one', `${FEED}/${WINDOW}/1/${token().slice(0, 42)}`],
  ['for an impossible feed name', `${encodeURIComponent("x' or 1 eq 1")}/${WINDOW}/1/${token()}`],
  ['for an impossible window', `${FEED}/20250230T000000Z_20250301T000000Z/1/${token()}`],
  ['in a path of 10 KB', `${FEED}/${WINDOW}/1/${'A'.repeat(10_240)}`],
  ['behind a feed of 10 KB', `${'a'.repeat(10_240)}/${WINDOW}/1/${token()}`],
])('a token %s is not found, and no storage call is made for it', async (_, path) => {
  expect(await call(path)).toEqual({ status: 404, stored: [] })
})

it.each(['PUT', 'DELETE', 'PATCH', 'HEAD'])(
  '%s is not found even with the true token, without a storage call',
  async (method) => {
    expect(await call(`${FEED}/${WINDOW}/1/${token()}/${REPORT}`, method)).toEqual({ status: 404, stored: [] })
  },
)

it('a path with too few or too many parts is not found, without a storage call', async () => {
  expect(await call(`${FEED}/${WINDOW}/1`)).toEqual({ status: 404, stored: [] })
  expect(await call(`${FEED}/${WINDOW}/1/${token()}/${REPORT}/more`)).toEqual({ status: 404, stored: [] })
})

it('only the true token of two is accepted and reaches the storage', async () => {
  const forged = await call(`${FEED}/${WINDOW}/1/${token({ attempt: 2 })}/${REPORT}`)
  expect(forged).toEqual({ status: 404, stored: [] })
  const genuine = await call(`${FEED}/${WINDOW}/1/${token()}/${REPORT}`)
  expect(genuine.status).toBe(202)
  expect(genuine.stored).not.toEqual([])
  await waitUntil('the message is handled', () => ignored() === 1)
})

it('a token made with the secret before the last rotation is still accepted, by GET too', async () => {
  expect((await call(`${FEED}/${WINDOW}/1/${token({}, FORMER)}?reportId=${REPORT}`, 'GET')).status).toBe(202)
  await waitUntil('the message is handled', () => ignored() === 2)
})

it('no line of the log holds a token', () => {
  expect(host.lines.filter((line) => line.includes(token()) || line.includes(token({}, FORMER)))).toEqual([])
})

/** How many hints were ignored: all that happens to a hint for a feed that the app never stored. */
function ignored(): number {
  return host.lines.filter((line) => line.includes('"message.ignored"')).length
}
