import { afterEach, beforeEach, expect, test } from 'vitest'
import { type KeyVault, openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import { startVault, type VaultStandIn } from './vault-stand-in.ts'

let standIn: VaultStandIn
let vault: KeyVault
let token = async () => 'vault-token'

beforeEach(async () => {
  token = async () => 'vault-token'
  standIn = await startVault(() => new Date('2026-01-01T00:00:00Z'))
  const retry = { random: () => 0, wait: async () => undefined }
  vault = openKeyVault({ url: standIn.server.origin, token: () => token(), clock: () => new Date(), retry })
})
afterEach(() => standIn.server.close())

test('a secret comes back with when it was stored and when it ends', async () => {
  const ends = Date.parse('2026-06-01T00:00:00Z')
  standIn.secrets.set('partner-default-client-secret', { value: 'ä "b"', updated: 1_767_225_600, exp: ends / 1000 })
  expect(await vault.get('partner-default-client-secret')).toEqual({
    value: 'ä "b"',
    storedAt: new Date('2026-01-01T00:00:00Z'),
    expiresAt: new Date(ends),
  })
})

test('what was stored is read back, and nothing there is no failure', async () => {
  expect(await vault.get('a')).toBeUndefined()
  expect(await vault.set('a', 'one')).toBeUndefined()
  expect(await vault.get('a')).toMatchObject({ value: 'one', storedAt: new Date('2026-01-01T00:00:00Z') })
})

test.each([409, 429, 500, 503])('%i passes: the call is repeated', async (status) => {
  standIn.fault = (_, nth) => (nth % 3 === 0 ? undefined : { status })
  expect(await vault.set('a', 'one')).toBeUndefined()
  expect(await vault.get('a')).toMatchObject({ value: 'one' })
  expect(standIn.server.requests).toHaveLength(6)
})

test.each([
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [409, 'unavailable'],
  [400, 'unavailable'],
])('%i that lasts is %s, and no message holds the secret', async (status, kind) => {
  standIn.fault = () => ({ status, body: { error: { message: 'planted-secret' } } })
  expect(await vault.get('a')).toMatchObject({ kind })
  const failure = await vault.set('a', 'planted-secret')
  expect(failure).toMatchObject({ kind })
  expect(JSON.stringify(failure)).not.toContain('planted-secret')
})

test('an answer that is not a Key Vault answer is no empty secret', async () => {
  standIn.fault = () => ({ body: '<html>' })
  expect(await vault.get('a')).toMatchObject({ kind: 'unavailable' })
})

test('without a token for the vault nothing is sent', async () => {
  token = () => Promise.reject(new Error('no identity here'))
  expect(await vault.get('a')).toMatchObject({ kind: 'unavailable' })
  expect(standIn.server.requests).toEqual([])
})

test('a vault that does not answer is unavailable', async () => {
  await standIn.server.close()
  expect(await vault.get('a')).toMatchObject({ kind: 'unavailable' })
})
