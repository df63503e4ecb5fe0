import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { storageConnectionString } from '../../local/azurite.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { type HostProcess, makeApp, runHost, spawnHost } from '../setup/host-process.ts'
import { LEAP_DAY } from '../setup/settings.ts'

const KEY = 'the key of this test'

const GOOD = {
  PARTNER_TENANT_ID: 'contoso',
  PARTNER_CLIENT_ID: 'app',
  PARTNER_REFRESH_TOKEN: 'never used',
  CALLBACK_BASE_URL: 'off',
  DEPLOYMENT_ID: 'wrong',
  LOCAL_FUNCTION_KEY: KEY,
  PROVISION_SCHEDULE: '* * * * * *',
  SWEEP_SCHEDULE: LEAP_DAY,
}

let app: string
let host: HostProcess | undefined
beforeAll(async () => {
  app = await makeApp(join(import.meta.dirname, '../../src/functions.ts'))
})
afterEach(async () => {
  await host?.stop()
  host = undefined
})

const status = async (origin: string, path: string) =>
  (await fetch(`${origin}/api/${path}`, { headers: { 'x-functions-key': KEY } })).status

/** Storage that nobody serves: a port that was free a moment ago. */
async function unreachable(): Promise<string> {
  const [blob = 0, queue = 0, table = 0] = await freePorts(3)
  return storageConnectionString({ blob, queue, table })
}

const events = ({ lines }: HostProcess) =>
  lines.filter((line) => line.startsWith('{"event":"app.settings"')).map((line) => JSON.parse(line))

describe('with wrong settings', () => {
  it('a developer is told every problem at once, and the process exits 1', async () => {
    const { child, lines, ended } = spawnHost(['--root', app, '--port', '0'], {
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      DataStorage: '',
      CALLBACK_BASE_URL: 'nowhere',
      PARTNER_AUTH: 'client-secret',
      DEPLOYMENT_ID: 'UPPER',
    })
    await ended
    expect(child.exitCode).toBe(1)
    const said = lines.join('\n')
    for (const name of [
      'DataStorage',
      'CALLBACK_BASE_URL',
      'CALLBACK_SECRET',
      'PARTNER_CLIENT_SECRET',
      'DEPLOYMENT_ID',
    ]) {
      expect(said).toContain(name)
    }
  })
})

describe('with storage that does not answer', () => {
  it('one clear line says so, status and health answer 503, and the host goes on', async () => {
    host = await runHost(app, { ...GOOD, DataStorage: await unreachable() })
    const { origin } = host
    expect(await status(origin, 'status')).toBe(503)
    const told = () => events(host as HostProcess).filter(({ kind }) => kind === 'storage')
    await waitUntil('the timer told it too', () => told().length > 1, 40_000)
    expect(told()[0].message).toMatch(/^DataStorage does not answer \(ECONNREFUSED\)/)
    // Nobody can tell whether the timers tick.
    expect(await status(origin, 'health')).toBe(503)
  })
})
