import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../src/settings/environment.ts'
import { readSettings, type Settings } from '../src/settings/settings.ts'

const SECRET = 'the secret of this deployment, long enough'

/** The least that is needed. */
const ENOUGH = {
  DataStorage: 'UseDevelopmentStorage=true',
  DEPLOYMENT_ID: 'prod',
  PARTNER_TENANT_ID: 't',
  PARTNER_CLIENT_ID: 'c',
  PARTNER_REFRESH_TOKEN: 'r',
  CALLBACK_BASE_URL: 'https://app.example/api/callback',
  CALLBACK_SECRET: SECRET,
}

function settings(change: Environment = {}): Settings {
  const read = readSettings({ ...ENOUGH, ...change })
  if ('problems' in read) throw new Error(read.problems.join('\n'))
  return read
}

function problems(change: Environment = {}, env: Environment = ENOUGH): readonly string[] {
  const read = readSettings({ ...env, ...change })
  return 'problems' in read ? read.problems : []
}

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(settings()).toMatchObject({
      insightsBaseUrl: 'https://api.partnercenter.microsoft.com/insights/v1/mpn',
      authorityHost: 'https://login.microsoftonline.com',
      tokenHeader: 'Authorization',
      downloadHosts: ['*.blob.core.windows.net'],
      deleteReports: true,
      limits: { maxInFlight: 10, maxReportsPerHour: 20 },
      maxTries: 3,
      reportDeadlineMs: 86_400_000,
      adoptAfterMs: 300_000,
      leaseMs: 120_000,
      pollEveryMs: 60_000,
      ingestTimeLimitMs: 300_000,
    })
  })

  it('ask less of the service of indirect providers, as its documented quota says', () => {
    const change = { INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp/' }
    expect(settings(change)).toMatchObject({
      limits: { maxReportsPerHour: 5 },
      insightsBaseUrl: change.INSIGHTS_BASE_URL.slice(0, -1),
    })
    expect(settings({ ...change, MAX_REPORTS_PER_HOUR: '8' })).toMatchObject({ limits: { maxReportsPerHour: 8 } })
  })

  it('that are all missing are all named at once', () => {
    const named = problems({}, {}).join('\n')
    const needed = [
      'DataStorage',
      'PARTNER_TENANT_ID',
      'PARTNER_CLIENT_ID',
      'PARTNER_REFRESH_TOKEN',
      'CALLBACK_BASE_URL',
      'CALLBACK_SECRET',
      'DEPLOYMENT_ID',
    ]
    for (const name of needed) expect(named).toContain(name)
  })

  it('that are all wrong are all named at once, each in a line of its own', () => {
    const wrong = {
      INSIGHTS_BASE_URL: 'nowhere',
      TOKEN_HEADER: 'Cookie',
      PARTNER_AUTHORITY_HOST: 'x',
      MAX_IN_FLIGHT: '0',
      MAX_REPORTS_PER_HOUR: 'many',
      MAX_TRIES: '1.5',
      REPORT_DEADLINE: '24h',
      LEASE: '120',
      POLL_EVERY: '-PT1M',
      ADOPT_AFTER: 'soon',
      INGEST_TIME_LIMIT: 'P',
      DELETE_REPORTS: 'yes',
      DEPLOYMENT_ID: 'Prod!',
      REPORT_DOWNLOAD_HOSTS: 'http://evil.example',
      CALLBACK_SECRET: 'short',
      PARTNER_AUTH: 'magic',
    }
    const found = problems(wrong)
    for (const name of Object.keys(wrong)) {
      const own = found.filter((line) => new RegExp(`\\b${name}\\b`).test(line))
      expect(own, name).toHaveLength(1)
    }
    expect(found.every((line) => !line.includes('\n'))).toBe(true)
  })

  it.each(['LEASE', 'POLL_EVERY', 'REPORT_DEADLINE', 'ADOPT_AFTER', 'INGEST_TIME_LIMIT'])(
    '%s of no length is refused',
    (name) => {
      expect(problems({ [name]: 'PT0S' })).toHaveLength(1)
    },
  )

  it('never show a secret in a problem', () => {
    const secrets = [
      'PARTNER_CLIENT_SECRET',
      'PARTNER_REFRESH_TOKEN',
      'CALLBACK_SECRET',
      'CALLBACK_SECRET_PREVIOUS',
      'DataStorage',
    ]
    const wrong = { POLL_EVERY: 'soon', DEPLOYMENT_ID: '', PARTNER_TENANT_ID: '', CALLBACK_BASE_URL: 'no address' }
    const value = fc.stringMatching(/^[A-Za-z0-9+/=@.]{8,40}$/).filter((text) => !/[a-z]{6}/i.test(text))
    fc.assert(
      fc.property(fc.constantFrom(...secrets), value, (name, secret) => {
        expect(problems({ ...wrong, [name]: secret }).join('\n')).not.toContain(secret)
      }),
    )
  })
})

describe('a Key Vault reference', () => {
  it('that was not resolved is named, and not taken for a secret', () => {
    const reference = '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/callback-secret/)'
    for (const text of [reference, ` ${reference}`, reference.toLowerCase(), `\t${reference.toUpperCase()}`]) {
      expect(problems({ CALLBACK_SECRET: text })).toEqual([
        'CALLBACK_SECRET is a Key Vault reference that was not resolved',
      ])
    }
  })
})

describe('a schedule', () => {
  it.each(['PROVISION_SCHEDULE', 'SWEEP_SCHEDULE'])('that the host cannot run is named: %s', (name) => {
    for (const text of ['garbage', '* * * * *', '%X%', '0 0 25 * * *', '0 */15 * * * * *']) {
      expect(problems({ [name]: text })).toEqual([expect.stringContaining(`${name} is "${text}": it takes six fields`)])
    }
    for (const text of ['0 0 0 31 2 *', '0 0 0 30 2  *']) {
      expect(problems({ [name]: text })).toEqual([expect.stringContaining(`${name} is "${text}": it names no time`)])
    }
    for (const text of ['', '0 0 0 29 2 *', ' 0  */7 * * * mon-fri ']) expect(problems({ [name]: text })).toEqual([])
  })
})

describe('the time that a run writes', () => {
  it('leaves a run five minutes before the host ends it', async () => {
    const { functionTimeout } = JSON.parse(await readFile('host.json', 'utf8'))
    expect(functionTimeout).toBe('00:20:00')
    expect(problems({ INGEST_TIME_LIMIT: 'PT15M' })).toEqual([])
    for (const text of ['PT16M', 'PT25M', 'P1Y']) {
      expect(problems({ INGEST_TIME_LIMIT: text })).toEqual([expect.stringContaining('it takes at most PT15M')])
    }
  })
})

describe('the default account', () => {
  const NO_IDS = { PARTNER_TENANT_ID: '', PARTNER_CLIENT_ID: '' }

  it('may be incomplete where another account is named, and only then', () => {
    expect(problems({ ...NO_IDS, PARTNER_AUTH__EMEA: 'certificate' })).toEqual([])
    for (const setting of ['PARTNER_X__', 'PARTNER_AUTH__', 'PARTNER_X__EMEA', 'PARTNER_AUTH__E-A']) {
      expect(problems({ ...NO_IDS, [setting]: '1' }), setting).toEqual([
        'account default: PARTNER_TENANT_ID, PARTNER_CLIENT_ID missing',
      ])
    }
    expect(problems({ ...NO_IDS, PARTNER_AUTH__EMEA: '' })).toHaveLength(1)
  })

  it.each([
    '../../x',
    '..',
    'a/b?c#d',
    ' ',
    'contoso.example ',
    'a b',
    '<tenant>',
    'contoso..example',
    '%2e%2e',
    'a\\b',
  ])('takes no tenant %j, which would lead to another address', (tenant) => {
    expect(problems({ PARTNER_TENANT_ID: tenant })).toEqual([
      'account default: PARTNER_TENANT_ID is not the id or domain of a tenant',
    ])
  })

  it.each(['contoso.onmicrosoft.com', '00000000-0000-4000-8000-0000000000dd', 'xn--contso-0za.example', 'Contoso'])(
    'takes the tenant %s',
    (tenant) => {
      expect(problems({ PARTNER_TENANT_ID: tenant })).toEqual([])
    },
  )
})

describe('storage', () => {
  const uris = {
    DataStorage__tableServiceUri: 'https://a.table.core.windows.net',
    DataStorage__blobServiceUri: 'https://a.blob.core.windows.net',
    DataStorage__queueServiceUri: 'https://a.queue.core.windows.net',
  }

  it('is a connection string, or an identity with the address of each service', () => {
    expect(settings().storage).toMatchObject({ kind: 'connection-string' })
    expect(settings({ DataStorage: '', ...uris }).storage).toMatchObject({ kind: 'identity' })
    expect(settings({ DataStorage: '', ...uris, DataStorage__clientId: 'me' }).storage).toMatchObject({
      clientId: 'me',
    })
  })

  it.each(['DefaultEndpointsProtocol=https;AccountName=a', 'https://a.table.core.windows.net', 'secret'])(
    'as %j is not a connection string, and what it contains is not told',
    (text) => {
      expect(problems({ DataStorage: text })).toEqual(['DataStorage is not a connection string of a storage account'])
    },
  )

  it('is also opened with a signature, or at the emulator', () => {
    const signature = 'TableEndpoint=https://a.table.core.windows.net/;SharedAccessSignature=sv=2024'
    for (const text of [signature, 'UseDevelopmentStorage=true']) {
      expect(settings({ DataStorage: text }).storage).toMatchObject({ connectionString: text })
    }
  })

  it.each(Object.keys(uris))('whose %s is not an address names it', (name) => {
    const wrong = { DataStorage: '', ...uris, [name]: 'a.table.core.windows.net' }
    expect(problems(wrong)).toEqual([`${name} is not an address`])
  })

  it.each([
    'BlobEndpoint=http://a.blob.core.windows.net/;SharedAccessSignature=sv=2024',
    'BlobEndpoint=https://u:p@a.blob.core.windows.net/;SharedAccessSignature=sv=2024',
    'BlobEndpoint=https://a.blob.core.windows.net/?sv=1;SharedAccessSignature=sv=2024',
    'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=k',
    'defaultendpointsprotocol=HTTP;AccountName=a;AccountKey=k;TableEndpoint=https://a.table.core.windows.net',
    'AccountName=a;AccountKey=k;QueueSecondaryEndpoint=http://a-secondary.queue.core.windows.net',
    'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://proxy.example',
  ])('under %s would send rows in clear, and is refused without being told', (text) => {
    expect(problems({ DataStorage: text })).toEqual([expect.stringMatching(/^DataStorage: its \w+ (is|has) /)])
    expect(problems({ DataStorage: text }).join()).not.toMatch(/http:|u:p|core\.windows|proxy\.example/)
  })

  it.each([
    'BlobEndpoint=http://a.example;BlobEndpoint=https://a.example;AccountName=a;AccountKey=k',
    'AccountName=a;AccountKey=k;DefaultEndpointsProtocol=http;DefaultEndpointsProtocol=https',
    'AccountName=a;AccountKey=k;defaultendpointsprotocol=http; DefaultEndpointsProtocol =https',
    'AccountName=a;AccountKey=k;AccountKey=l',
  ])('with a name twice, as in %s, is refused without being told', (text) => {
    expect(problems({ DataStorage: text })).toEqual(['DataStorage: it has a name twice; leave one of the two out'])
  })

  it('of the emulator may be reached over http on this machine', () => {
    const endpoints = ['Blob', 'Queue', 'Table'].map((name) => `${name}Endpoint=http://127.0.0.1:1000/a`).join(';')
    for (const text of [
      `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=k;${endpoints};`,
      'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://localhost',
    ]) {
      expect(problems({ DataStorage: text })).toEqual([])
    }
  })

  it.each(Object.keys(uris))('without %s names it', (name) => {
    expect(problems({ DataStorage: '', ...uris, [name]: '' })).toEqual([expect.stringContaining(name)])
  })
})

/** What takes an address, with what the rest of the settings must be for it. */
const ADDRESSES: Readonly<Record<string, Environment>> = {
  INSIGHTS_BASE_URL: {},
  PARTNER_AUTHORITY_HOST: {},
  KEY_VAULT_URL: {},
  CALLBACK_BASE_URL: {},
  REPORT_DOWNLOAD_HOSTS: {},
  ...Object.fromEntries(
    ['table', 'blob', 'queue'].map((service) => [
      `DataStorage__${service}ServiceUri`,
      {
        DataStorage: '',
        DataStorage__tableServiceUri: 'https://a.table.core.windows.net',
        DataStorage__blobServiceUri: 'https://a.blob.core.windows.net',
        DataStorage__queueServiceUri: 'https://a.queue.core.windows.net',
      },
    ]),
  ),
}

describe.each(Object.entries(ADDRESSES))('the address %s', (name, rest) => {
  it.each([
    'http://api.example',
    'HTTP://api.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://10.0.0.1',
    'http://[::2]',
    'https://user@api.example',
    'https://user:planted@api.example',
    'https://:planted@api.example',
    'https://@api.example',
    'http://127.0.0.1@evil.example',
    'http://evil.example\\@127.0.0.1',
    'https://api.example?key=planted',
    'https://api.example?',
    'https://api.example/path?sig=planted',
    'https://api.example#planted',
    'https://api.example#',
    'https://api.example/a b',
    'https://api.ex\nample',
    'https:api.example',
    'https:\\\\api.example',
    'ftp://api.example',
    'file:///etc/passwd',
    'javascript://api.example',
    'https://',
    '://api.example',
  ])('does not take %j, and does not tell it', (address) => {
    const found = problems({ ...rest, [name]: address })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^${name}\\b`))
    expect(found[0]).not.toContain('planted')
  })

  it('does not take blanks around it, which a list of hosts may have', () => {
    const isList = name === 'REPORT_DOWNLOAD_HOSTS'
    for (const address of [' https://api.example', 'https://api.example ']) {
      expect(problems({ ...rest, [name]: address })).toHaveLength(isList ? 0 : 1)
    }
  })

  it.each([
    'https://api.example',
    'HTTPS://API.example:8443',
    'http://127.0.0.1:7071',
    'http://localhost',
    'http://[::1]:1',
  ])('takes %s', (address) => {
    expect(problems({ ...rest, [name]: address })).toEqual([])
  })
})

describe('callbacks', () => {
  it('are switched off by an empty address, and need no secret then', () => {
    for (const off of ['', 'off']) {
      expect(settings({ CALLBACK_BASE_URL: off, CALLBACK_SECRET: '' }).callback).toBeUndefined()
    }
  })

  it("go to the site's own address where none is given", () => {
    const { CALLBACK_BASE_URL: _, ...env } = ENOUGH
    expect(readSettings({ ...env, WEBSITE_HOSTNAME: 'site.azurewebsites.net' })).toMatchObject({
      callback: { baseUrl: 'https://site.azurewebsites.net/api/callback', secrets: [SECRET] },
    })
  })

  it('hold under the secret before too, while it is rotated', () => {
    const former = 'the secret before the last rotation, as long'
    expect(settings({ CALLBACK_SECRET_PREVIOUS: former }).callback?.secrets).toEqual([SECRET, former])
    expect(settings({ CALLBACK_SECRET_PREVIOUS: '' }).callback?.secrets).toEqual([SECRET])
  })

  it('refuse a secret that could be guessed', () => {
    expect(problems({ CALLBACK_SECRET: SECRET.slice(0, 31) })).toEqual(['CALLBACK_SECRET takes at least 32 characters'])
  })

  it.each(['CALLBACK_SECRET', 'CALLBACK_SECRET_PREVIOUS'])('refuse %s of too few different characters', (name) => {
    for (const secret of ['x'.repeat(32), 'abcdefghijklmno'.repeat(3), 'password'.repeat(8)]) {
      expect(problems({ [name]: secret })).toEqual([`${name} takes at least 16 different characters`])
    }
    expect(problems({ [name]: 'abcdefghijklmnop'.repeat(2) })).toEqual([])
  })

  it.each(['CALLBACK_SECRET', 'CALLBACK_SECRET_PREVIOUS'])(
    "refuse the sample's secret as %s, but for callbacks on this machine",
    async (name) => {
      const sample = JSON.parse(await readFile('local.settings.sample.json', 'utf8')).Values.CALLBACK_SECRET
      const refusal = [`${name} is that of the sample, which everybody knows: make one of your own`]
      expect(problems({ [name]: sample })).toEqual(refusal)
      expect(problems({ [name]: sample, CALLBACK_BASE_URL: 'https://localhost.example/api/callback' })).toEqual(refusal)
      const { CALLBACK_BASE_URL: _, ...hosted } = ENOUGH
      expect(problems({ [name]: sample, WEBSITE_HOSTNAME: 'site.azurewebsites.net' }, hosted)).toEqual(refusal)
      for (const host of ['127.0.0.1:7071', 'localhost:7071', '[::1]:7071']) {
        expect(problems({ [name]: sample, CALLBACK_BASE_URL: `http://${host}/api/callback` })).toEqual([])
      }
    },
  )
})

describe('the name of a deployment', () => {
  it('comes from the site where none is given', () => {
    expect(settings({ DEPLOYMENT_ID: '', WEBSITE_SITE_NAME: 'Func-Insights-Prod-01' }).deployment).toBe('funcinsights')
  })
})
