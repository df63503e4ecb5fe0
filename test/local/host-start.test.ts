import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, inject, test } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { fixtureSettings, makeFixtureApp, startFixtureHost } from '../setup/fixture-host.ts'
import { makeApp, spawnHost } from '../setup/host-process.ts'

const storage = inject('storage')
let root: string
beforeAll(async () => {
  root = await makeFixtureApp()
})

const start = (more?: NodeJS.ProcessEnv) => startFixtureHost(root, more)

/** Starts a host that is expected to end by itself, and gives what it said. */
async function failedStart(args: readonly string[]): Promise<string> {
  const { child, lines, ended } = spawnHost(args, fixtureSettings())
  await ended
  expect(child.exitCode).toBe(1)
  return lines.join('\n')
}

async function textApp(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'host-'))
  await writeFile(join(folder, 'app.ts'), source)
  return makeApp(join(folder, 'app.ts'))
}

test('a rejection nobody waits for kills the process, as it kills the worker', async () => {
  const { child, origin, lines, ended } = await start()
  await fetch(`${origin}/api/floating`).catch(() => undefined)
  await ended
  expect(child.exitCode).not.toBe(0)
  expect(lines.join()).toContain('nobody waits for me')
})

test('a function that runs longer than functionTimeout takes the process with it', async () => {
  await writeFile(join(root, 'host.json'), '{ "functionTimeout": "00:00:01" }')
  const { child, origin, lines, ended } = await start()
  await writeFile(join(root, 'host.json'), '{}')
  await fetch(`${origin}/api/forever`).catch(() => undefined)
  await ended
  expect(child.exitCode).toBe(1)
  expect(lines).toContain('Function forever ran longer than functionTimeout (1 s): the process ends')
})

test('an app that registers nothing is refused loudly', async () => {
  expect(await failedStart(['--root', await textApp('export {}'), '--port', '0'])).toContain('ZERO functions')
})

test('an app that throws before its first registration is refused with what it threw', async () => {
  const app = await textApp("throw new Error('broken at once')")
  expect(await failedStart(['--root', app, '--port', '0'])).toContain('broken at once')
})

test('an empty setting is handed on to no app, as in Azure', async () => {
  const app = await textApp("throw new Error('EMPTY' in process.env ? 'it is there' : 'it is not there')")
  const { lines, ended } = spawnHost(['--root', app, '--port', '0'], fixtureSettings({ EMPTY: '' }))
  await ended
  expect(lines.join('\n')).toContain('it is not there')
})

test('a bundle that is not built is named, and how to build it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'host-'))
  await writeFile(join(folder, 'package.json'), '{ "main": "dist/none.cjs" }')
  expect(await failedStart(['--root', folder])).toMatch(/none\.cjs.* is missing: run npm run build/)
})

test('a port in use is named, and --port suggested', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const output = await failedStart(['--root', root, '--port', `${port}`])
  expect(output).toContain(`Port ${port} is in use: choose another with --port`)
  taken.close()
})

test('a port that is none, an option nobody knows and a host.json that is none are refused', async () => {
  expect(await failedStart(['--root', root, '--port', '70000'])).toContain('--port 70000 is not a port number')
  expect(await failedStart(['--root', root, '--prot', '7071'])).toContain('--prot')
  await writeFile(join(root, 'host.json'), '{ not json')
  expect(await failedStart(['--root', root, '--port', '0'])).toContain('host.json is not JSON')
  await writeFile(join(root, 'host.json'), '{}')
})

test('a function whose setting is missing is named and left out; the others run', async () => {
  const { origin, lines } = await start({ DataStorage: '', FIXTURE_SCHEDULE: undefined })
  const errors = lines.filter((line) => line.includes('is left out'))
  expect(errors).toEqual([
    'Function ticker is left out: setting FIXTURE_SCHEDULE, used as %FIXTURE_SCHEDULE%, is missing',
    'Function worker is left out: setting DataStorage is missing: the host needs a connection string there, or DataStorage__queueServiceUri, __credential and __clientId',
  ])
  expect((await fetch(`${origin}/api/echo/x`)).status).toBe(201)
})

test('storage that cannot be reached is told once, and the rest runs on', async () => {
  const { origin, lines } = await start({
    DataStorage: storage.replace(/QueueEndpoint=[^;]+/, 'QueueEndpoint=http://127.0.0.1:9/a'),
  })
  const told = () => lines.filter((line) => line.includes('cannot be read and is tried again'))
  await waitUntil('it is told', () => told().length > 0)
  expect((await fetch(`${origin}/api/echo/x`)).status).toBe(201)
  expect(told()).toHaveLength(1)
  expect(told()[0]).toContain('ECONNREFUSED')
})

test('a key made for this start is printed', async () => {
  const { lines, origin } = await start({ LOCAL_FUNCTION_KEY: undefined })
  const key = lines.find((line) => line.startsWith('Function key: '))?.slice(14) ?? ''
  expect((await fetch(`${origin}/api/secret?code=${key}`)).status).toBe(200)
})

test('host.json of the project holds what the architecture fixes', async () => {
  const text = await readFile(join(import.meta.dirname, '../../host.json'), 'utf8')
  expect(JSON.parse(text)).toMatchObject({
    version: '2.0',
    functionTimeout: '00:20:00',
    extensions: {
      http: { routePrefix: 'api' },
      queues: { batchSize: 1, newBatchThreshold: 0, visibilityTimeout: '00:01:00', maxDequeueCount: 5 },
    },
  })
})
