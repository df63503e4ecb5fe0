import { afterEach, describe, expect, inject, it } from 'vitest'
import { proxiedConnectionString, type StorageProxy, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { hostProblem } from '../../src/core/report/download-hosts.ts'
import { openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { startVault } from '../services/vault-stand-in.ts'
import { named } from '../steps/one-window.ts'
import { costsWorld, HOUR, onlyEntry, planAgain, turn } from './steer.ts'

let proxy: StorageProxy | undefined
afterEach(() => proxy?.close())

describe('the app', () => {
  it('only reads the container config, and never makes it', async () => {
    const connectionString = inject('storage')
    proxy = await startProxy({ target: serviceOrigins(connectionString).blob })
    const storage = proxiedConnectionString(connectionString, { blob: proxy.origin })
    const world = await costsWorld({ storage })
    // The world's own feeds do not come from the container: they stand in for the packaged ones.
    await provision(world.services)
    await sweep(world.services)
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
    const calls = proxy.requests.map(({ method, path }) => ({ method, container: path.split(/[/?]/)[2] ?? '' }))
    const ofConfig = calls.filter(({ container }) => container.startsWith('config'))
    expect(ofConfig.length).toBeGreaterThan(0)
    expect(ofConfig.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    expect(calls.some(({ method, container }) => method === 'PUT' && container.startsWith('reports'))).toBe(true)
  })

  it('reads secrets by their names, and cannot list them', async () => {
    const vault = await startVault(() => new Date(0))
    const retry = { random: () => 0, wait: async () => undefined }
    const secrets = openKeyVault({
      url: vault.server.origin,
      token: async () => 'vault-token',
      clock: () => new Date(0),
      retry,
    })
    await secrets.get('partner-default-refresh-token')
    for (const name of ['', '.', '../secrets', 'a/b', 'a?maxresults=25', ' ']) {
      await expect(secrets.get(name)).rejects.toThrow('no name of a secret')
      await expect(secrets.set(name, 'value')).rejects.toThrow('no name of a secret')
    }
    expect(vault.server.requests.map(({ path }) => path)).toEqual(['/secrets/partner-default-refresh-token'])
    await vault.server.close()
  })
})

describe('a host that reports are downloaded from', () => {
  it('is told the first time, and not again', async () => {
    const world = await costsWorld()
    for (let nth = 0; nth < 3; nth++) {
      await turn(world, HOUR)
      expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: nth + 1 })
      await planAgain(world)
    }
    const { host } = new URL(world.simulator.baseUrl)
    const events = named(world, 'download.new-host')
    expect(events).toHaveLength(1)
    expect(events[0]?.message).not.toContain('sig=')
    expect(host).toContain('127.0.0.1')
    const row = await world.services.ledger.readApp<{ hosts: readonly string[] }>('hosts')
    expect(row?.value.hosts).toEqual([events[0]?.message])
  })

  it('is told once where the row that remembers it is full or cannot be read', async () => {
    const world = await costsWorld()
    const { ledger } = world.services
    await ledger.create()
    const others = Array.from({ length: 100 }, (_, index) => `h${index}.example`)
    await ledger.writeApp('hosts', { hosts: others }, undefined)
    await turn(world)
    const full = await ledger.readApp<{ hosts: readonly string[] }>('hosts')
    expect(full?.value.hosts).toHaveLength(100)
    expect(full?.value.hosts.slice(0, -1)).toEqual(others.slice(1))
    await ledger.writeApp('hosts', { hosts: 'none' }, full?.etag)
    await planAgain(world)
    await turn(world, HOUR)
    expect(named(world, 'download.new-host')).toHaveLength(2)
  })

  it('that is not allowed is not told as one', async () => {
    const world = await costsWorld({ settings: { downloadHosts: ['*.blob.core.windows.net'] } })
    await turn(world)
    expect(named(world, 'window.failed')).toMatchObject([{ kind: 'link-refused' }])
    expect(named(world, 'download.new-host')).toEqual([])
  })
})

describe('a pattern of REPORT_DOWNLOAD_HOSTS', () => {
  it.each(['*.com', '*.net', '*.co.uk', '*.CO.UK', '*.com.au', '*.org.nz', '*.uk', '*.com:443'])(
    '%s stands for too much',
    (host) => {
      expect(hostProblem(host)).toContain('name more of the host')
    },
  )

  it.each(['*.', '*..com', '*.a..com', '*.-a.com', '*.a.*.com', 'a.*.com', '**.a.com', '.a.com', 'a..com'])(
    '%s is none',
    (host) => {
      expect(hostProblem(host)).toBe('is not a host name')
    },
  )

  it.each([
    '*.contoso.com',
    '*.blob.core.windows.net',
    '*.contoso.co.uk',
    '*.files.contoso.com:8443',
    'contoso.com',
    'localhost',
  ])('%s is taken', (host) => {
    expect(hostProblem(host)).toBeUndefined()
  })
})
