import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { freePorts, startNode, stopProcess, waitUntil } from '../../local/processes.ts'
import { addressProblem, isLoopback } from '../../src/core/address.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { codeOf, PROJECT, rowsOf, section, textOf } from '../docs/page.ts'
import { makeSiteApp, runHost } from '../setup/host-process.ts'
import { openSiteStorage } from '../setup/site-storage.ts'
import { monthsBack } from './landed.ts'

// docs/run-locally.md, "With the real Functions host", with the stand-in host in place of `func`.

const SAMPLE = JSON.parse(textOf('local.settings.sample.json'))
const VALUES: Readonly<Record<string, string>> = SAMPLE.Values
const RECIPE = section(textOf('docs/run-locally.md'), '## With the real Functions host')
const [AZURITE_LINE = '', SIMULATOR_LINE = '', FUNC_LINE = ''] = /```sh\n(.*?)```/s.exec(RECIPE)?.[1]?.split('\n') ?? []

/** The value of an option in a line of the recipe. */
const option = (line: string, name: string) => new RegExp(`--${name} (\\S+)`).exec(line)?.[1]

/** Where the recipe's processes listen: Azurite and Core Tools at their own ports, for the lines name no others. */
const PORTS = {
  blob: '10000',
  queue: '10001',
  table: '10002',
  app: '7071',
  service: option(SIMULATOR_LINE, 'port') ?? '',
  authority: option(SIMULATOR_LINE, 'authority-port') ?? '',
}

/** Read by the Functions host and by Node, not by the app. */
const OF_THE_HOST = ['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsStorage', 'NODE_EXTRA_CA_CERTS']

describe('local.settings.sample.json', () => {
  const rows = rowsOf(textOf('docs/settings.md'), 'name')

  test('has settings that docs/settings.md knows, and all that it requires', () => {
    const known = rows.map(({ name }) => codeOf(name))
    expect(Object.keys(VALUES).filter((name) => !known.includes(name) && !OF_THE_HOST.includes(name))).toEqual([])
    const required = rows.filter((row) => row.default?.startsWith('required')).map(({ name }) => codeOf(name) ?? '')
    expect(required.length).toBeGreaterThan(3)
    expect(required.filter((name) => !VALUES[name])).toEqual([])
  })

  test('is accepted as it is, with addresses on this machine alone', () => {
    expect(readSettings(VALUES)).not.toHaveProperty('problems')
    const addresses = Object.values(VALUES).flatMap((value) => value.match(/https?:\/\/[^;]+/g) ?? [])
    expect(addresses.length).toBeGreaterThan(6)
    for (const address of addresses) {
      expect(addressProblem(address), address).toBeUndefined()
      expect(isLoopback(new URL(address).hostname), address).toBe(true)
    }
  })

  test('names the ports, and the certificate, of the commands beside it', () => {
    const ports = Array.from(JSON.stringify(VALUES).matchAll(/https?:\/\/[^:/]+:(\d+)/g), ([, port]) => port)
    expect(new Set(ports)).toEqual(new Set(Object.values(PORTS)))
    expect(AZURITE_LINE).not.toMatch(/Port|Host/)
    expect(FUNC_LINE).toMatch(/func start$/)
    expect(VALUES.NODE_EXTRA_CA_CERTS).toBe(`${option(SIMULATOR_LINE, 'state')}.certificate.pem`)
  })
})

describe('the recipe', () => {
  let azurite: Azurite
  let folder: string
  let app: string

  beforeAll(async () => {
    azurite = await startAzurite()
    folder = await mkdtemp(join(tmpdir(), 'recipe-'))
    const from = monthsBack(3)
    app = await makeSiteApp([{ name: 'usage', dataset: 'AzureUsage', columns: ['Month', 'UsageQuantity'], from }])
  }, 60_000)
  afterAll(async () => {
    await azurite.stop()
    for (const each of [folder, app]) await rm(each, { recursive: true })
  })

  test('lands windows with the values of the sample: only the ports are others here', async () => {
    const [service, authority, own] = (await freePorts(3)).map(String)
    const { blob, queue, table } = portsOf(azurite.connectionString)
    const moved: Readonly<Record<string, string>> = {
      [PORTS.blob]: blob,
      [PORTS.queue]: queue,
      [PORTS.table]: table,
      [PORTS.app]: own ?? '',
      [PORTS.service]: service ?? '',
      [PORTS.authority]: authority ?? '',
    }
    const here = (text: string) => text.replace(/(?<=:|port )\d{4,5}\b/g, (port) => moved[port] ?? port)
    // Typed in the folder, as the recipe says: the certificate and the state are named from there.
    const [, options = ''] = here(SIMULATOR_LINE).split(' -- ')
    const script = join(PROJECT, 'local/simulator/main.ts')
    const simulator = startNode([script, ...options.split(' ')], { env: process.env, output: 'pipe', cwd: folder })
    try {
      if (!simulator.stdout) throw new Error('the simulator has no output')
      await once(createInterface(simulator.stdout), 'line')
      const values = Object.fromEntries(Object.entries(VALUES).map(([name, value]) => [name, here(value)]))
      const env = { ...values, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' }
      const host = await runHost(app, env, { port: Number(own), cwd: folder })
      try {
        await waitUntil(
          'two windows have landed',
          async () => {
            const entries = await openSiteStorage(azurite).entries()
            return entries.filter(({ state }) => state === 'landed').length >= 2
          },
          80_000,
        )
        expect(host.lines.filter((line) => line.includes('app.settings'))).toEqual([])
        expect((await openSiteStorage(azurite).rows('Usage')).length).toBeGreaterThan(0)
      } finally {
        await host.stop()
      }
    } finally {
      await stopProcess(simulator)
    }
  }, 120_000)
})

function portsOf(connectionString: string) {
  const port = (service: string) =>
    new RegExp(`${service}Endpoint=http://[^:]+:(\\d+)`).exec(connectionString)?.[1] ?? ''
  return { blob: port('Blob'), queue: port('Queue'), table: port('Table') }
}
