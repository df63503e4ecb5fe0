import { request } from 'node:http'
import { beforeAll, expect, test } from 'vitest'
import { fixtureSettings, makeFixtureApp } from '../setup/fixture-host.ts'
import { type HostProcess, runHost } from '../setup/host-process.ts'

const KEY = 'key-of-the-test'
let host: HostProcess

beforeAll(async () => {
  host = await runHost(await makeFixtureApp(), fixtureSettings({ LOCAL_FUNCTION_KEY: KEY }))
  return host.stop
})

const call = (path: string, init?: RequestInit) => fetch(`${host.origin}/api/${path}`, init)
const echo = async (path: string, init?: RequestInit) => (await (await call(path, init)).json()) as { params: object }

test('route parameters, query, headers and body arrive as Azure hands them over', async () => {
  const init = { method: 'POST', body: 'Grüße', headers: { 'X-Some-Header': 'One' } }
  expect(await echo('echo/azure-usage/2025%2003?a=1&b=2&a=3', init)).toMatchObject({
    method: 'POST',
    url: `${host.origin}/api/echo/azure-usage/2025%2003?a=1&b=2&a=3`,
    params: { Feed: 'azure-usage', window: '2025 03' },
    query: { a: '1,3', b: '2' },
    headers: { 'x-some-header': 'One', 'content-length': '7' },
    body: 'Grüße',
  })
})

test('status, headers and cookies of a response go out', async () => {
  const response = await call('echo/x')
  expect(response.status).toBe(201)
  expect(response.headers.get('x-own')).toBe('yes')
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.getSetCookie()).toEqual(['a=b; path=/; httponly'])
})

test('an optional parameter can be left out, any other cannot', async () => {
  expect((await echo('echo/x')).params).toEqual({ Feed: 'x' })
  expect((await echo('echo/x/')).params).toEqual({ Feed: 'x' })
  expect((await call('echo')).status).toBe(404)
  expect((await call('echo/x/y/z')).status).toBe(404)
})

test('an escaped slash stays inside its parameter and stays escaped', async () => {
  expect((await echo('echo/a%2Fb/c')).params).toEqual({ Feed: 'a%2Fb', window: 'c' })
})

test('fixed text in a route is matched without case and before a parameter', async () => {
  expect(await (await call('ECHO/Fixed')).text()).toBe('fixed')
})

test('a chunked body does not arrive: the host reads one only with a Content-Length', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const chunked = request(`${host.origin}/api/echo/x`, { method: 'POST' }, async (response) => {
      resolve(Buffer.concat(await response.toArray()).toString())
    })
    chunked.once('error', reject)
    chunked.write('first part')
    chunked.end('second part')
  })
  expect(JSON.parse(answer)).toMatchObject({ headers: { 'transfer-encoding': 'chunked' }, body: '' })
})

test('a wrong method on a known route is 404, as is an unknown route and one outside the prefix', async () => {
  expect((await call('echo/x', { method: 'DELETE' })).status).toBe(404)
  expect((await call('nothing')).status).toBe(404)
  expect((await fetch(`${host.origin}/echo/x`)).status).toBe(404)
})

test('a path with wrong escapes is 400', async () => {
  expect((await call('echo/%zz')).status).toBe(400)
})

test('a function key opens its route from the query or the header', async () => {
  expect((await call('secret')).status).toBe(401)
  expect((await call(`secret?code=${KEY}`)).status).toBe(200)
  expect((await call('secret', { headers: { 'x-functions-key': KEY } })).status).toBe(200)
})

test('a wrong key in the header beats a right one in the query', async () => {
  expect((await call(`secret?code=${KEY}`, { headers: { 'x-functions-key': 'wrong' } })).status).toBe(401)
})

test('a function key does not open an admin route; the admin key opens both', async () => {
  const admin = host.lines.find((line) => line.startsWith('Admin key: '))?.slice(11) ?? ''
  expect((await call(`deep?code=${KEY}`)).status).toBe(401)
  expect((await call(`deep?code=${admin}`)).status).toBe(200)
  expect((await call(`secret?code=${admin}`)).status).toBe(200)
})

test('a key that was given is never printed', () => {
  expect(host.lines.join('\n')).not.toContain(KEY)
})

test('a throw is a 500 with an empty body, also when a text was thrown, and is one line in the log', async () => {
  const response = await call('throws')
  expect(response.status).toBe(500)
  expect(await response.text()).toBe('')
  expect(host.lines.filter((line) => line.endsWith('error throws: failed: only a text'))).toHaveLength(1)
})

test('a function that gives nothing answers 204', async () => {
  expect((await call('silent')).status).toBe(204)
})

test('hooks can change what goes in and what comes out, and logging in them is no warning', async () => {
  expect(await (await call('hooked')).text()).toBe('replaced after')
  expect(host.lines.some((line) => line.endsWith('information hooked: state is right: replaced before'))).toBe(true)
  expect(host.lines.join()).not.toContain('Unexpected call')
})

test('a function registered after the start is refused', async () => {
  expect((await call('late')).status).toBe(500)
  expect(host.lines.join()).toContain('A function can only be registered during app startup.')
})

test('the start of the log names every function', () => {
  expect(host.lines).toContain('Function echo: GET, POST /api/echo/{Feed}/{window?} (anonymous)')
  expect(host.lines).toContain('Function ticker: timer 0 0 0 1 1 *')
  expect(host.lines).toContain('appStart ran')
})
