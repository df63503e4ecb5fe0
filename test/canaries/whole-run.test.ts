import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { type ProxiedRequest, type StorageProxy, startProxy } from '../../local/proxy.ts'
import { appEnvironment } from '../../local/start/environment.ts'
import { monthsBack } from '../processes/landed.ts'
import { canariesOf, leaksOf, ledgerPlaces, linesOf, type Place } from '../setup/canaries.ts'
import { type HostRun, makeSiteApp, type Site, startSite } from '../setup/host-process.ts'
import { trust, writeAddress } from '../setup/insights.ts'
import { answerOf, blobPlaces, commandLines, type Output, outputOf, writtenPlaces } from './places.ts'
import { type Planted, plant, plantedCanaries, settingsOf } from './planted.ts'
import { troubleAtFirst, troubleLater } from './trouble.ts'

/** It takes half a minute where nothing else runs. */
const MILLISECONDS = 180_000
const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']
const MONTH = { dataset: 'AzureUsage', columns: COLUMNS, from: monthsBack(3), to: monthsBack(2) }
const ACCOUNTS = { emea: 'client-secret', apac: 'password', latam: 'certificate', africa: 'managed-identity' }
const ONE_EACH = Object.keys(ACCOUNTS).map((account) => ({ ...MONTH, name: `usage-${account}`, account }))
const FEEDS = {
  accounts: Object.fromEntries(Object.entries(ACCOUNTS).map(([name, auth]) => [name, { auth }])),
  feeds: [{ ...MONTH, name: 'costs', from: monthsBack(7), to: monthsBack(1) }, ...ONE_EACH],
}
const COSTS = 6
const WINDOWS = COSTS + ONE_EACH.length

let azurite: Azurite
let app: string
let folder: string
let site: Site
let receiver: StorageProxy
let host: HostRun
let planted: Planted
let env: NodeJS.ProcessEnv
const calls: ProxiedRequest[] = []
const answers: Place[] = []
const outputs: Output[] = []

beforeAll(async () => {
  const made = [startAzurite(), makeSiteApp(FEEDS.feeds), plant(), mkdtemp(join(tmpdir(), 'canaries-'))] as const
  ;[azurite, app, planted, folder] = await Promise.all(made)
  await writeFile(join(app, 'dist/feeds.json'), JSON.stringify(FEEDS))
  const onCall = (callee: string, call: ProxiedRequest) => {
    if (callee !== 'insights') calls.push(call)
    return 'pass' as const
  }
  site = await startSite({ azurite, app, simulator: { rows: 40 }, onCall })
  trust(site.simulator)
  const [port = 0] = await freePorts(1)
  // The callbacks of one account never arrive.
  const onRequest = ({ path }: ProxiedRequest) => (path.includes('usage-africa') ? 'before' : 'pass')
  receiver = await startProxy({ target: `http://127.0.0.1:${port}`, onRequest })
  const settings = settingsOf(planted, site.simulator, receiver.origin)
  env = await commandEnvironment(port, settings)
  troubleAtFirst(site.simulator, planted)
  host = site.startHost(settings, port)
  await outcomes('every window has landed', 'landed', WINDOWS)
  await askAgain()
  await askEverything(`http://127.0.0.1:${port}/api`)
}, MILLISECONDS)

afterAll(async () => {
  await site.close()
  await receiver.close()
  await azurite.stop()
  await Promise.all([app, folder].map((path) => rm(path, { recursive: true })))
})

async function commandEnvironment(port: number, settings: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const address = await writeAddress(site.simulator, folder)
  const secrets = { callbackSecret: planted.CALLBACK_SECRET, functionKey: planted.LOCAL_FUNCTION_KEY }
  return { ...appEnvironment(port, azurite.connectionString, address, secrets), ...settings }
}

/** Lets the windows of one feed be asked for again, and waits until all have ended, four of them as failed. */
async function askAgain(): Promise<void> {
  troubleLater(site.simulator, planted, COSTS)
  const before = host.lines.length
  outputs.push(await command('retry', 'costs', '--from', monthsBack(7), '--json'))
  expect(outputs).toMatchObject([{ exit: 0 }])
  await outcomes('what was asked for again has ended', '(landed|failed)', COSTS, before)
  expect(eventsOf('window.failed')).toHaveLength(4)
}

async function outcomes(what: string, outcome: string, count: number, after = 0): Promise<void> {
  const pattern = new RegExp(`"event":"window\\.${outcome}"`)
  const found = () => host.lines.slice(after).filter((line) => pattern.test(line)).length
  await waitUntil(what, () => found() >= count, 45_000).catch((error: Error) => {
    throw new Error([error.message, ...host.lines].join('\n'))
  })
}

const eventsOf = (name: string) => host.lines.filter((line) => line.includes(`"event":"${name}"`))
const command = (...args: readonly string[]) =>
  outputOf([...args, '--feeds', join(app, 'dist/feeds.json')], folder, env)

/** Calls every HTTP function, with the right key, a wrong one and none; then runs every command. */
async function askEverything(api: string): Promise<void> {
  const key = planted.LOCAL_FUNCTION_KEY
  const headers = { 'x-functions-key': key }
  const { forgedToken } = planted
  const callback = `${api}/callback/costs/20250101T000000Z_20250201T000000Z/1/${forgedToken}`
  answers.push(await answerOf(`${api}/status`, { headers }))
  answers.push(await answerOf(`${api}/status?code=${key}`), await answerOf(`${api}/status?code=${forgedToken}`))
  answers.push(await answerOf(`${api}/health`), await answerOf(callback), await answerOf(`${callback}/a/b/c`))
  for (const step of ['provision', 'sweep', 'doctor']) {
    answers.push(await answerOf(`${api}/run/${step}`, { method: 'POST', headers }))
  }
  const DataStorage = `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${planted.vaultSecret}`
  const wrong = [{ DataStorage }, { KEY_VAULT_URL: `ftp://a:${forgedToken}@b/` }]
  const right = (await commandLines()).map((line) => command(...line))
  outputs.push(
    ...(await Promise.all([...right, ...wrong.map((more) => outputOf(['status'], folder, { ...env, ...more }))])),
  )
}

/** Everything the app let anyone read. */
async function everyPlace(): Promise<readonly Place[]> {
  const stored = await Promise.all([ledgerPlaces(site), blobPlaces(azurite)])
  return [...linesOf(host), ...stored.flat(), ...writtenPlaces(calls), ...answers, ...outputs]
}

const canaries = () => {
  const accountKey = /AccountKey=([^;]+)/.exec(azurite.connectionString)?.[1] ?? ''
  const kept = [...plantedCanaries(planted), { what: 'account key', text: accountKey }]
  return [...kept, ...canariesOf(site.simulator.requests)]
}

it('every kind of secret has been where it belongs', () => {
  const { requests, identity } = site.simulator
  const found = canariesOf(requests)
  const kinds = ['authorization', 'x-identity-header', 'refresh_token', 'client_secret', 'client_assertion', 'password']
  expect(found.map(({ what }) => what)).toEqual(
    expect.arrayContaining([...kinds, 'stored secret', 'signed query', 'callback token']),
  )
  const texts = found.map(({ text }) => text)
  const { PARTNER_REFRESH_TOKEN, PARTNER_CLIENT_SECRET, PARTNER_PASSWORD__APAC, vaultSecret } = planted
  const sent = [PARTNER_REFRESH_TOKEN, PARTNER_CLIENT_SECRET, PARTNER_PASSWORD__APAC, vaultSecret, identity.header]
  expect(texts).toEqual(expect.arrayContaining(sent))
  const tokens = found.filter(({ what }) => what === 'callback token')
  const received = receiver.requests.map(({ path }) => path.split('/')[6])
  expect(tokens.filter(({ text }) => received.includes(text)).length).toBeGreaterThanOrEqual(WINDOWS)
})

it('the run has met what tempts an app to say too much', () => {
  const told = [...eventsOf('window.failed'), ...eventsOf('feed.stale'), ...eventsOf('credential.expiring')].join('\n')
  for (const kind of ['link-refused', 'too-many-rejects', 'query-refused', 'unauthorized']) {
    expect(told).toContain(`"kind":"${kind}"`)
  }
  expect(told).toContain('was not stored')
  expect(receiver.requests.filter(({ path }) => path.includes('usage-africa'))).not.toEqual([])
  expect(site.simulator.requests.filter(({ note }) => note)).toEqual([])
})

it('no secret is in a log line, the ledger, a message, a blob, an answer or the output of a command', async () => {
  const places = await everyPlace()
  for (const kind of ['the log', 'ledger row', 'blob', 'rejects', 'POST /', 'answer of', 'command']) {
    expect(places.filter(({ where }) => where.startsWith(kind))).not.toEqual([])
  }
  expect(leaksOf(canaries(), places)).toEqual([])
})

it.each(['a log line', 'a ledger row', 'the output of a command'])('a secret that is put into %s is found', (where) => {
  for (const { what, text } of canaries()) {
    expect(leaksOf([{ what, text }], [{ where, text: `failed: ${text}` }])).toEqual([`${what} in ${where}`])
  }
})
