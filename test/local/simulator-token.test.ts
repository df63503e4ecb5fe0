import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { getToken, openSimulator, postForm } from '../setup/simulator.ts'

let folder: string
let simulator: Simulator

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simulator-test-'))
  ;({ simulator } = await openSimulator())
  return async () => {
    await simulator.close()
    rmSync(folder, { recursive: true })
  }
})

describe('a token', () => {
  it('is given to the real client of Azure, which then may call the service', async () => {
    const file = join(folder, 'ca.pem')
    writeFileSync(file, simulator.certificate)
    const script = `
      import { ClientSecretCredential } from '@azure/identity'
      const options = { authorityHost: process.argv[1], disableInstanceDiscovery: true }
      const credential = new ClientSecretCredential('11111111-1111-4111-8111-111111111111', 'app', 'secret', options)
      console.log((await credential.getToken('https://api.partnercenter.microsoft.com/.default')).token)`
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file }
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, simulator.authority], {
      env,
    })
    const authorization = `Bearer ${(await child).stdout.trim()}`
    expect((await fetch(`${simulator.baseUrl}/ScheduledDataset`, { headers: { authorization } })).status).toBe(200)
  })

  it.each([
    ['/tenant/oauth2/v2.0/token', 3599],
    ['/tenant/oauth2/token', '3599'],
  ])('comes from %s for a refresh token, with a new refresh token', async (path, lifetime) => {
    const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: 'old' }
    const one = await postForm(simulator, path, form)
    expect(one).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: lifetime } })
    const two = await postForm(simulator, path, { ...form, refresh_token: String(one.body.refresh_token) })
    expect(two.body.refresh_token).not.toBe(one.body.refresh_token)
  })

  it('is refused without a secret and for a grant of another kind', async () => {
    const path = '/tenant/oauth2/v2.0/token'
    const noSecret = await postForm(simulator, path, { grant_type: 'client_credentials', client_id: 'app' })
    expect(noSecret).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const other = await postForm(simulator, path, { grant_type: 'device_code', client_id: 'app' })
    expect(other).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type', error_codes: [70003] } })
    const password = await postForm(simulator, path, { grant_type: 'password', client_id: 'app', username: 'u' })
    expect(password).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('opens the service for an hour, in either header, and nothing else does', async () => {
    const token = await getToken(simulator)
    const status = async (headers: Record<string, string>) => {
      const answer = await fetch(`${simulator.baseUrl}/ScheduledDataset`, { headers })
      return [answer.status, ((await answer.json()) as { message: string }).message]
    }
    const unauthorized = [401, 'Unauthorized']
    expect((await status({ authorization: `Bearer ${token}` }))[0]).toBe(200)
    expect((await status({ 'X-AadUserTicket': token }))[0]).toBe(200)
    expect(await status({})).toEqual(unauthorized)
    expect(await status({ authorization: token })).toEqual(unauthorized)
    expect(await status({ authorization: `Bearer x${token}` })).toEqual(unauthorized)
    simulator.advance(3_600_000)
    expect(await status({ authorization: `Bearer ${token}` })).toEqual(unauthorized)
  })

  it('is revoked by a fault of the endpoint it came from, so that whoever has signed in meets the fault', async () => {
    const status = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${simulator.baseUrl}/ScheduledDataset`, { headers })).status
    }
    const before = await getToken(simulator)
    simulator.fault({ endpoint: 'listQueries', effect: { status: 500 } })
    expect(await status(before)).toBe(200)
    simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' }, nth: 2 })
    expect(await status(before)).toBe(401)
    expect(await status(await getToken(simulator))).toBe(200)
  })
})
