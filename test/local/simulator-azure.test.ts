import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { NOW, openSimulator, postForm, type Sent, sendSecure } from '../setup/simulator.ts'

const SECONDS = NOW.getTime() / 1000
const VAULT = 'https://vault.azure.net'

let simulator: Simulator

beforeEach(async () => {
  ;({ simulator } = await openSimulator())
  return () => simulator.close()
})

async function identityToken(resource: string): Promise<string> {
  const query = new URLSearchParams({ 'api-version': '2019-08-01', resource })
  const headers = { 'x-identity-header': simulator.identity.header }
  const answer = await fetch(`${simulator.identity.endpoint}?${query}`, { headers })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function vault(name: string, options: Sent = {}, token?: string) {
  const headers = { authorization: `Bearer ${token ?? (await identityToken(VAULT))}` }
  const { text, ...answer } = await sendSecure(simulator, `/secrets/${name}?api-version=7.4`, { headers, ...options })
  return { ...answer, body: JSON.parse(text) as Record<string, unknown> }
}

describe('the Key Vault', () => {
  it('gives back what was put, with its instants and a new version each time', async () => {
    expect(await vault('partner-default-refresh-token')).toMatchObject({
      status: 404,
      body: { error: { code: 'SecretNotFound' } },
    })
    const exp = SECONDS + 86_400
    const body = JSON.stringify({ value: 'one', attributes: { exp } })
    const put = await vault('partner-default-refresh-token', { method: 'PUT', body })
    expect(put).toMatchObject({
      status: 200,
      body: { value: 'one', attributes: { enabled: true, created: SECONDS, updated: SECONDS, exp } },
    })
    expect(put.body.id).toContain(`${simulator.keyVault}/secrets/partner-default-refresh-token/`)
    expect((await vault('Partner-Default-Refresh-Token')).body).toEqual(put.body)
    simulator.advance(60_000)
    simulator.keepSecret('partner-default-refresh-token', 'two')
    const next = await vault('partner-default-refresh-token')
    expect(next.body).toMatchObject({ value: 'two', attributes: { updated: SECONDS + 60 } })
    expect(next.body.id).not.toBe(put.body.id)
    expect(simulator.secrets().map(({ value }) => value)).toEqual(['two'])
  })

  it('wants a token for itself, and says where to get one', async () => {
    const without = await sendSecure(simulator, '/secrets/x?api-version=7.4')
    expect(without).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining(VAULT) } })
    const partner = await identityToken('https://api.partnercenter.microsoft.com')
    expect(await vault('x', {}, partner)).toMatchObject({ status: 401 })
    expect(await vault('x', { method: 'PUT', body: '{"value":"y"}' }, partner)).toMatchObject({ status: 401 })
    expect(simulator.secrets()).toEqual([])
    expect(await vault('x', { method: 'PUT', body: '{}' })).toMatchObject({ status: 400 })
  })

  it('fails in the shape of a Key Vault', async () => {
    simulator.keepSecret('x', 'value')
    simulator.fault({ endpoint: 'getSecret', effect: { status: 429, headers: { 'Retry-After': '2' } } })
    simulator.fault({ endpoint: 'getSecret', nth: 2, effect: { status: 403, message: 'no role' } })
    simulator.fault({ endpoint: 'setSecret', effect: { status: 409 } })
    const throttled = { status: 429, headers: { 'retry-after': '2' }, body: { error: { code: 'Throttled' } } }
    expect(await vault('x')).toMatchObject(throttled)
    expect(await vault('x')).toMatchObject({ status: 403, body: { error: { code: 'Forbidden', message: 'no role' } } })
    const headers = { authorization: `Bearer ${await identityToken(VAULT)}` }
    const put = { method: 'PUT', headers, body: JSON.stringify({ value: 'other' }) }
    expect(await vault('x', put)).toMatchObject({ status: 409, body: { error: { code: 'Conflict' } } })
    expect((await vault('x')).body.value).toBe('value')
    expect((await vault('x', put)).body.value).toBe('other')
  })
})

describe('the managed identity', () => {
  it('is not for those who cannot say the header', async () => {
    const answer = await fetch(`${simulator.identity.endpoint}?api-version=2019-08-01&resource=${VAULT}`)
    expect(answer.status).toBe(401)
  })
})

describe('a code', () => {
  const path = '/tenant/oauth2/v2.0/token'
  const redirect = 'http://localhost:4321/back'
  const challenge = createHash('sha256').update('verifier').digest('base64url')

  async function signIn(): Promise<URL> {
    const query = new URLSearchParams({
      client_id: 'app',
      redirect_uri: redirect,
      state: 's',
      code_challenge: challenge,
    })
    const answer = await sendSecure(simulator, `/tenant/oauth2/v2.0/authorize?${query}`)
    expect(answer.status).toBe(302)
    return new URL(answer.headers.location ?? '')
  }

  it('comes with the state to the redirect address, and is changed for a token and a refresh token', async () => {
    const { searchParams, origin, pathname } = await signIn()
    expect([origin + pathname, searchParams.get('state')]).toEqual([redirect, 's'])
    const grant = { grant_type: 'authorization_code', client_id: 'app', redirect_uri: redirect }
    const form = { ...grant, code: searchParams.get('code') ?? '', code_verifier: 'verifier' }
    const { status, body } = await postForm(simulator, path, form)
    expect([status, body.token_type, typeof body.refresh_token]).toEqual([200, 'Bearer', 'string'])
    for (const wrong of [{ code_verifier: 'x' }, { client_id: 'x' }, { redirect_uri: 'http://x/' }, { code: 'x.y' }]) {
      const answer = await postForm(simulator, path, { ...form, ...wrong })
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
  })
})

describe('the real client of Azure', () => {
  it('signs in by password and by the assertion of a managed identity, and reads from the Key Vault', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'simulator-test-'))
    const file = join(folder, 'ca.pem')
    writeFileSync(file, simulator.certificate)
    const script = `
      import { ClientAssertionCredential, ManagedIdentityCredential, UsernamePasswordCredential } from '@azure/identity'
      const options = { authorityHost: process.argv[1], disableInstanceDiscovery: true }
      const tenant = '11111111-1111-4111-8111-111111111111'
      const scope = 'https://api.partnercenter.microsoft.com/.default'
      const identity = new ManagedIdentityCredential()
      const assertion = async () => (await identity.getToken('api://AzureADTokenExchange/.default')).token
      const byPassword = new UsernamePasswordCredential(tenant, 'app', 'user', 'password', options)
      const byAssertion = new ClientAssertionCredential(tenant, 'app', assertion, options)
      const tokens = [await byPassword.getToken(scope), await byAssertion.getToken(scope)]
      tokens.push(await identity.getToken('${VAULT}/.default'))
      console.log(JSON.stringify(tokens.map(({ token }) => token)))`
    const { endpoint, header } = simulator.identity
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file, IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header }
    const flags = ['--input-type=module', '-e', script, simulator.authority]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { env })
    rmSync(folder, { recursive: true })
    const [byPassword, byAssertion, forVault] = JSON.parse(stdout) as [string, string, string]
    for (const token of [byPassword, byAssertion]) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(`${simulator.baseUrl}/ScheduledDataset`, { headers })).status).toBe(200)
      expect((await vault('x', {}, token)).status).toBe(401)
    }
    expect((await vault('x', {}, forVault)).status).toBe(404)
    const assertion = simulator.requests.find(({ body }) => body.includes('client_assertion='))
    expect(assertion?.body).toContain('grant_type=client_credentials')
  })
})
