import { once } from 'node:events'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { startTrustedSimulator, writeAddress } from '../setup/insights.ts'
import { spawnCommand } from './deployment.ts'

let simulator: Simulator
let folder: string

beforeAll(async () => {
  simulator = await startTrustedSimulator()
  folder = await mkdtemp(join(tmpdir(), 'consent-'))
  const { authority, certificate } = await writeAddress(simulator, folder)
  const values = {
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_AUTHORITY_HOST: authority,
    PARTNER_TENANT_ID__EMEA: 'emea',
    PARTNER_CLIENT_ID__EMEA: 'app',
    NODE_EXTRA_CA_CERTS: certificate,
  }
  await writeFile(join(folder, 'local.settings.json'), JSON.stringify({ Values: values }))
})
afterAll(async () => {
  await simulator.close()
  await rm(folder, { recursive: true })
})

/** Runs the command, and the browser that opens what it prints. */
async function consent(
  args: readonly string[],
  browse: (authorizeUrl: string) => Promise<unknown> = (url) => fetch(url),
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawnCommand(folder, ['consent', ...args], env)
  const said: string[] = []
  const printed = Promise.withResolvers<string>()
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      said.push(line)
      if (line.startsWith('https://')) printed.resolve(line)
    })
  }
  const closed = once(child, 'close')
  const url = await Promise.race([printed.promise, closed])
  const page = typeof url === 'string' ? await browse(url) : undefined
  await closed
  return { exit: child.exitCode, said: said.join('\n'), page }
}

const stored = async () => JSON.parse(await readFile(join(folder, 'local.settings.json'), 'utf8')).Values

describe('consent', () => {
  it('stores the refresh token in the settings file with --local, and never shows it', async () => {
    const { exit, said } = await consent(['--local'])
    const { PARTNER_REFRESH_TOKEN: token, ...rest } = await stored()
    expect(exit).toBe(0)
    expect(token).toMatch(/^refresh-/)
    expect(rest).toMatchObject({ PARTNER_TENANT_ID: 'contoso' })
    expect(said).not.toContain(token)
    expect(said).toMatch(/code_challenge_method=S256/)
    expect(said).toMatch(/account default: stored in local\.settings\.json$/)
  })

  it('stores it in a settings file and reads feeds that begin with a byte order mark', async () => {
    const file = join(folder, 'local.settings.json')
    const accounts = { apac: { tenantId: 'apac', clientId: 'app' } }
    await writeFile(join(folder, 'feeds.json'), `\uFEFF${JSON.stringify({ accounts, feeds: [] })}`)
    await writeFile(file, `\uFEFF${await readFile(file, 'utf8')}`)
    expect(await consent(['--local', '--account', 'apac'])).toMatchObject({ exit: 0 })
    expect((await stored()).PARTNER_REFRESH_TOKEN__APAC).toMatch(/^refresh-/)
  })

  it('stores it for the local run as the command is printed, without --local', async () => {
    const run = join(folder, '.local/settings.json')
    await mkdir(join(folder, '.local'))
    await rename(join(folder, 'local.settings.json'), run)
    const { exit, said } = await consent(['--account', 'default'])
    await copyFile(run, join(folder, 'local.settings.json'))
    await rm(join(folder, '.local'), { recursive: true })
    expect(said).toMatch(/account default: stored in \.local\/settings\.json$/)
    expect(exit).toBe(0)
    expect((await stored()).PARTNER_REFRESH_TOKEN).toMatch(/^refresh-/)
  })

  it.each([0o644, 0o666, 0o600])(
    'leaves the settings file to its owner alone, though it was %o before',
    async (mode) => {
      const file = join(folder, 'local.settings.json')
      await chmod(file, mode)
      expect(await consent(['--local'])).toMatchObject({ exit: 0 })
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await readdir(folder)).filter((name) => name.startsWith('local.settings'))).toEqual([
        'local.settings.json',
      ])
    },
  )

  it('changes the file that a link leads to, and keeps the link', async () => {
    const file = join(folder, 'local.settings.json')
    const kept = join(folder, 'kept.json')
    await rename(file, kept)
    await symlink(kept, file)
    expect(await consent(['--local'])).toMatchObject({ exit: 0 })
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect((await stat(kept)).mode & 0o777).toBe(0o600)
    await rename(kept, file)
  })

  it('stores the refresh token of another account under a setting of its own', async () => {
    expect(await consent(['--local', '--account', 'emea', '--json'])).toMatchObject({ exit: 0 })
    expect((await stored()).PARTNER_REFRESH_TOKEN__EMEA).toMatch(/^refresh-/)
  })

  it('stores it in the Key Vault where there is one', async () => {
    const { endpoint, header } = simulator.identity
    const env = { KEY_VAULT_URL: simulator.keyVault, IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header }
    const { exit, said } = await consent([], undefined, env)
    expect(said).toMatch(/stored in Key Vault secret partner-default-refresh-token$/)
    expect(exit).toBe(0)
    const [secret] = simulator.secrets().filter(({ name }) => name === 'partner-default-refresh-token')
    expect(secret?.value).toMatch(/^refresh-/)
    expect(said).not.toContain(secret?.value)
  })

  it('ignores an answer without its own state, and still takes the true one', async () => {
    const { exit, page } = await consent(['--local'], async (url) => {
      const redirect = new URL(url).searchParams.get('redirect_uri')
      const forged = await fetch(`${redirect}/?code=forged&state=forged`)
      await fetch(url)
      return forged.status
    })
    expect(page).toBe(404)
    expect(exit).toBe(0)
  })

  it("ends with the authority's own error when the sign-in was refused: exit 1, nothing stored", async () => {
    const before = await stored()
    const { exit, said } = await consent(['--local'], (url) => {
      const { searchParams } = new URL(url)
      const back = `error=access_denied&error_description=secret&state=${searchParams.get('state')}`
      return fetch(`${searchParams.get('redirect_uri')}/?${back}`)
    })
    expect(said).toMatch(/sign-in of account default failed: access_denied$/)
    expect(exit).toBe(1)
    expect(await stored()).toEqual(before)
  })

  it.each(['http://login.example', 'https://user:planted@login.example'])(
    'does not go to %s, where the token would be read by others',
    async (authority) => {
      const { exit, said } = await consent(['--local'], undefined, { PARTNER_AUTHORITY_HOST: authority })
      expect(exit).toBe(1)
      expect(said).toMatch(/^PARTNER_AUTHORITY_HOST (is|has) /)
      expect(said).not.toContain('planted')
    },
  )

  it('names a code that is refused, a store that is missing and an account that signs in another way', async () => {
    simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' } })
    expect(await consent(['--local'])).toMatchObject({ exit: 1, said: expect.stringMatching(/invalid_grant/) })
    expect(await consent([])).toMatchObject({
      exit: 2,
      said: expect.stringMatching(/KEY_VAULT_URL .* or give --local/),
    })
    const managed = await consent(['--local'], undefined, { PARTNER_AUTH: 'managed-identity' })
    expect(managed).toMatchObject({ exit: 1, said: expect.stringMatching(/only refresh-token needs consent/) })
  })
})
