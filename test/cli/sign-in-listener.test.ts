import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenForSignIn, type SignInListener } from '../../cli/sign-in-listener.ts'

let listener: SignInListener
let state: string
let sockets: Socket[]

beforeEach(async () => {
  sockets = []
  listener = await listenForSignIn('https://login.example/tenant', 'app')
  state = new URL(listener.authorizeUrl).searchParams.get('state') ?? ''
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  listener.close()
})

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(listener.redirectUri)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** Sends these very bytes, and gives the first line of the answer once the connection is over. */
async function send(bytes: string): Promise<string> {
  const socket = await open()
  const chunks: string[] = []
  socket.on('data', (chunk) => void chunks.push(chunk.toString()))
  // `once` would fail with an error of the socket.
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(bytes)
  await closed
  return chunks.join('').split('\r\n')[0] ?? ''
}

const request = (line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`

/** What a browser does in the end. */
async function comeBack(): Promise<number> {
  return (await fetch(`${listener.redirectUri}/?code=the-code&state=${state}`)).status
}

describe('the listener for the end of a sign-in', () => {
  it.each([
    ['no path', request('GET //')],
    ['half an address', request('GET http://[')],
    ['a bad port', request('GET http://localhost:99999/')],
    ['another path with the right state', () => request(`GET /other?code=x&state=${state}`)],
    ['HEAD with the right state', () => request(`HEAD /?code=x&state=${state}`)],
    ['POST with the right state', () => request(`POST /?code=x&state=${state}`, 'Content-Length: 0\r\n')],
    ['OPTIONS *', request('OPTIONS *')],
    ['CONNECT', request('CONNECT evil.example:443')],
    ['another state', request('GET /?code=x&state=forged')],
    ['broken percents', request('GET /?code=%E0%A4%A&state=%')],
    ['a path of 8 KB', request(`GET /${'a'.repeat(8_000)}`)],
    ['headers of 100 KB', request('GET /', `X-Long: ${'a'.repeat(100_000)}\r\n`)],
    ['ten thousand parameters', request(`GET /?${'a&'.repeat(5_000)}`)],
    ['what is no HTTP', '\u0000\u0001\u0002 nonsense\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n'],
    ['an upgrade', request('GET /', 'Upgrade: websocket\r\nConnection: Upgrade\r\n')],
  ] as readonly (readonly [string, string | (() => string)])[])(
    'survives %s, takes nothing from it, and still completes',
    async (_, bytes) => {
      expect(await send(typeof bytes === 'string' ? bytes : bytes())).not.toMatch(/ 200 /)
      expect(await comeBack()).toBe(200)
      expect(await listener.answer()).toEqual({ code: 'the-code' })
    },
  )

  it('survives two hundred connections that say nothing or half a request, and some that end at once', async () => {
    for (let nth = 0; nth < 200; nth += 1) {
      const socket = await open()
      if (nth % 3 === 0) socket.write('GET /?code=')
      if (nth % 3 === 1) socket.resetAndDestroy()
    }
    expect(await comeBack()).toBe(200)
    expect(await listener.answer()).toEqual({ code: 'the-code' })
  })

  it('keeps the first answer, whatever comes after it', async () => {
    expect(await comeBack()).toBe(200)
    await fetch(`${listener.redirectUri}/?error=access_denied&state=${state}`)
    expect(await listener.answer()).toEqual({ code: 'the-code' })
  })
})
