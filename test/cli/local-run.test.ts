import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../local/processes.ts'
import { type Deployment, startDeployment } from './deployment.ts'

// A folder as `npm start` leaves it: the settings of its app are under `.local`, and nobody wrote others.

const LEARN = { name: 'learn', dataset: 'MSLearn', from: '2025-01-07', to: '2025-01-09' }

let deployment: Deployment
let own: string

beforeAll(async () => {
  deployment = await startDeployment([LEARN])
  await deployment.run('learn')
  own = join(deployment.folder, 'local.settings.json')
  await mkdir(join(deployment.folder, '.local'))
  await rename(own, join(deployment.folder, '.local/settings.json'))
})
afterAll(() => deployment.close())

const NOTE = 'settings of the local run: .local/settings.json\n'
const OWN =
  'settings of the environment and local.settings.json: add --settings .local/settings.json for the local run\n'
const HINT = 'no storage is named: add --settings .local/settings.json for the local run\n'

describe('on a local run', () => {
  it.each(['status', 'retry learn --window 2025-01-07', 'doctor'])('%s works as it is printed', async (typed) => {
    const { exit, err, out } = await deployment.command(typed.split(' '))
    expect({ exit, err }, out).toEqual({ exit: 0, err: NOTE })
  })

  it.each(['status', 'doctor'])(
    '%s with a part of the settings takes none of the local run, and names it',
    async (name) => {
      const { exit, err, out } = await deployment.command([name], { PARTNER_CLIENT_ID: 'mine' })
      expect(exit).toBe(1)
      expect(err + out).toContain(HINT.trim())
      expect(err + out).not.toContain(NOTE)
    },
  )

  it.each(['KEY_VAULT_URL', 'INSIGHTS_BASE_URL'])(
    'a %s of the shell is not mixed with the settings of the local run',
    async (name) => {
      const { exit, err, out } = await deployment.command(['status'], { [name]: 'https://production.example' })
      expect(exit).toBe(1)
      expect(err + out).toContain(HINT.trim())
    },
  )

  it('settings with a storage of their own are taken alone, and said to be', async () => {
    await writeFile(own, JSON.stringify({ Values: { DataStorage: deployment.settings.DataStorage } }))
    const { exit, err } = await deployment.command(['status'])
    await rm(own)
    expect(exit).toBe(1)
    expect(err).toContain('CALLBACK_BASE_URL is missing')
    expect(err).not.toContain(NOTE)
    expect(err).toContain(OWN)
  })

  it('settings of another app are said to be those, unless they were named', async () => {
    await writeFile(own, JSON.stringify({ Values: deployment.settings }))
    const plain = await deployment.command(['status'])
    const named = await deployment.command(['status', '--settings', 'local.settings.json'])
    await rm(own)
    expect([plain.exit, plain.err]).toEqual([0, OWN])
    expect([named.exit, named.err]).toEqual([0, ''])
  })
})

/** The settings with storage at a host and a port at which nothing listens. */
async function without(start: string): Promise<string> {
  const [port] = await freePorts(1)
  const DataStorage = deployment.settings.DataStorage?.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, `${start}:${port}`)
  return JSON.stringify({ Values: { ...deployment.settings, DataStorage } })
}

describe('where nothing runs at the address of the storage', () => {
  it('on this machine, a command names the address and what starts it', async () => {
    await writeFile(join(deployment.folder, '.local/settings.json'), await without('http://127.0.0.1'))
    const { exit, err } = await deployment.command(['status'])
    expect(exit).toBe(1)
    expect(err).toMatch(/^DataStorage .*ECONNREFUSED.*: nothing runs at 127\.0\.0\.1:\d+ .*; "npm start" starts it/m)
  })

  it('elsewhere, it keeps its own words', async () => {
    await writeFile(own, await without('https://0.0.0.0'))
    const { exit, err } = await deployment.command(['status'])
    await rm(own)
    expect(exit).toBe(1)
    expect(err).toBe(
      `${OWN}DataStorage does not answer (ECONNREFUSED): check the setting and that the storage account is reachable\n`,
    )
  })
})

it('where no app is known, a command says what runs one', async () => {
  await rm(join(deployment.folder, '.local'), { recursive: true })
  const { exit, err } = await deployment.command(['status'])
  expect(exit).toBe(1)
  expect(err).toMatch(/\nno storage is named: "npm start" runs an app on this machine; --azd-env or --settings names/)
})
