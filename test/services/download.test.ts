import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Failure, failed, isFailure } from '../../src/core/failures.ts'
import { type DownloadOptions, download } from '../../src/services/insights/download.ts'
import type { ArchivedBlob, ArchiveWriter } from '../../src/services/storage/archive.ts'

const FILE = gzipSync(randomBytes(200_000))
const OTHER = gzipSync(randomBytes(150_000))

type Answer = (request: IncomingMessage, response: ServerResponse, call: number) => void

/** A server of reports whose every answer the test writes; and an archive in memory. */
async function source(answer: Answer) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response, requests.length)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const opened: boolean[] = []
  let renewals = 0
  const fetchIt = (
    renewed: URL | Failure = new URL(`${origin}/fresh.csv?sig=fresh`),
    hosts = [origin],
    more: Partial<DownloadOptions> = {},
  ) =>
    download(new URL(`${origin}/report.csv?sig=SECRET`), {
      hosts,
      maxBytes: 1024 ** 3,
      clock: () => new Date(),
      open(gzip) {
        opened.push(gzip)
        return memory()
      },
      async renewLink() {
        renewals += 1
        return renewed
      },
      ...more,
    })
  return { requests, fetchIt, opened, renewals: () => renewals }
}

/** The timers of the code under test stand still until the test moves them; those of Node's sockets go on. */
function holdTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** What was archived stands in the name. */
function memory(): ArchiveWriter {
  const chunks: Buffer[] = []
  return {
    async append(chunk) {
      chunks.push(chunk)
    },
    async commit(): Promise<ArchivedBlob> {
      const all = Buffer.concat(chunks)
      return { name: all.toString('base64'), bytes: all.length, sha256: '', etag: '' }
    },
  }
}

const bytesOf = (result: ArchivedBlob | Failure) => (isFailure(result) ? result : Buffer.from(result.name, 'base64'))

/** Sends a file, or the range that is asked for, as Blob Storage does. */
function send(file: Buffer, { headers }: IncomingMessage, response: ServerResponse, etag = '"one"') {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  const common = { etag, 'content-encoding': 'gzip', 'content-length': file.length - from }
  const range = from > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }
  response.writeHead(from > 0 ? 206 : 200, { ...common, ...range })
  return { from, rest: file.subarray(from) }
}

describe('a report', () => {
  it('arrives byte for byte, not unpacked, and its link goes without a token', async () => {
    const { fetchIt, requests, opened } = await source((request, response) => {
      response.end(send(FILE, request, response).rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
    expect(opened).toEqual([true])
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
    expect(requests[0]?.url).toBe('/report.csv?sig=SECRET')
  })

  it('is gzip if its first bytes are, whatever its headers say', async () => {
    const plain = Buffer.from('A,B\r\n1,2\r\n')
    const { fetchIt, opened } = await source((request, response) => {
      response.end(send(plain, request, response).rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(plain)
    expect(opened).toEqual([false])
  })

  it('is no gzip if only its first byte is that of gzip, also where that byte comes alone', async () => {
    const plain = Buffer.from('\x1fA,B\r\n1,2\r\n')
    const { fetchIt, opened } = await source((request, response, call) => {
      const { rest } = send(plain, request, response)
      if (call > 1) return response.end(rest)
      response.write(rest.subarray(0, 1), () => response.destroy())
    })
    expect(bytesOf(await fetchIt())).toEqual(plain)
    expect(opened).toEqual([false])
  })

  it('of one byte, and of none, arrives', async () => {
    for (const bytes of [Buffer.from([0x1f]), Buffer.from('A'), Buffer.alloc(0)]) {
      const { fetchIt } = await source((request, response) => response.end(send(bytes, request, response).rest))
      expect(bytesOf(await fetchIt())).toEqual(bytes)
    }
  })

  it('whose header comes byte by byte is asked for again after a minute', async () => {
    holdTimers()
    const { fetchIt, requests } = await source((request, response, call) => {
      if (call > 1) return response.end(send(FILE, request, response).rest)
      request.socket.write('HTTP/1.1 200 OK\r\nX-Drip: a', () => {
        vi.advanceTimersByTime(59_999)
        expect(request.socket.destroyed).toBe(false)
        request.socket.write('a', () => vi.advanceTimersByTime(1))
      })
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
    expect(requests).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('whose header has come may take longer than that', async () => {
    holdTimers()
    const { fetchIt, requests } = await source((request, response) => {
      const { rest } = send(FILE, request, response)
      response.write(rest.subarray(0, 40_000))
      ends.push(() => response.end(rest.subarray(40_000)))
    })
    const ends: (() => void)[] = []
    const result = fetchIt(undefined, undefined, {
      open(gzip) {
        expect(gzip).toBe(true)
        vi.advanceTimersByTime(120_000)
        for (const end of ends) end()
        return memory()
      },
    })
    expect(bytesOf(await result)).toEqual(FILE)
    expect(requests).toHaveLength(1)
  })

  it('that was cut again and again goes on where it was cut', async () => {
    const { fetchIt, requests, opened } = await source((request, response, call) => {
      const { rest } = send(FILE, request, response)
      if (call > 4) return response.end(rest)
      response.write(rest.subarray(0, 40_000), () => response.destroy())
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
    expect(opened).toHaveLength(1)
    const resumed = requests
      .slice(1)
      .map(({ headers }) => [headers['if-match'], Number(headers.range?.slice(6, -1)) > 0])
    expect(resumed).toEqual([1, 2, 3, 4].map(() => ['"one"', true]))
  })

  it('that was replaced half-way is fetched anew, with nothing of the old one', async () => {
    const { fetchIt, opened } = await source((request, response, call) => {
      if (call === 1)
        return response.write(send(FILE, request, response).rest.subarray(0, 40_000), () => response.destroy())
      if (request.headers['if-match'] === '"one"') return response.writeHead(412).end()
      return response.end(send(OTHER, request, response, '"two"').rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(OTHER)
    expect(opened).toHaveLength(2)
  })

  it('whose server ignores ranges is fetched anew', async () => {
    const { fetchIt } = await source((request, response, call) => {
      if (call === 1)
        return response.write(send(FILE, request, response).rest.subarray(0, 40_000), () => response.destroy())
      const { range: _, ...headers } = request.headers
      return response.end(send(FILE, { ...request, headers } as IncomingMessage, response).rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
  })

  it('of no stated length that ends properly is whole; that is cut is not', async () => {
    const { fetchIt } = await source((_, response, call) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      if (call === 1) return response.write(OTHER.subarray(0, 1000), () => response.destroy())
      return response.end(FILE)
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
  })

  it('that is plain text is archived as such', async () => {
    const { fetchIt, opened } = await source((_, response) => response.end('Month\r\n2025-05-01\r\n'))
    expect(String(bytesOf(await fetchIt()))).toBe('Month\r\n2025-05-01\r\n')
    expect(opened).toEqual([false])
  })

  it('without a byte is a report too', async () => {
    const { fetchIt } = await source((_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    expect(bytesOf(await fetchIt())).toEqual(Buffer.alloc(0))
  })
})

describe('a link', () => {
  it.each([401, 403, 404, 410])('that is answered with %i is asked for anew', async (status) => {
    const { fetchIt, renewals } = await source((request, response) => {
      if (!request.url?.includes('fresh')) return response.writeHead(status).end('AuthenticationFailed')
      return response.end(send(FILE, request, response).rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
    expect(renewals()).toBe(1)
  })

  it('that expires half-way goes on under a fresh one from where it was', async () => {
    const { fetchIt, requests, opened } = await source((request, response, call) => {
      if (call === 2) return response.writeHead(403).end()
      const { rest } = send(FILE, request, response)
      return call === 1 ? response.write(rest.subarray(0, 40_000), () => response.destroy()) : response.end(rest)
    })
    expect(bytesOf(await fetchIt())).toEqual(FILE)
    expect(opened).toHaveLength(1)
    expect(requests.at(-1)?.url).toContain('fresh')
    expect(requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/)
  })

  it('that stays refused is given up, and told without its signature', async () => {
    const { fetchIt } = await source((_, response) => response.writeHead(403).end())
    const result = await fetchIt()
    expect(result).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('/fresh.csv') })
    expect(JSON.stringify(result)).not.toMatch(/sig=|SECRET/)
  })

  it('that cannot be renewed ends with that reason', async () => {
    const { fetchIt } = await source((_, response) => response.writeHead(403).end())
    expect(await fetchIt(failed('forbidden', 'no'))).toEqual(failed('forbidden', 'no'))
  })

  it('to another host is not followed, neither the first nor a fresh one', async () => {
    const { fetchIt, requests } = await source((_, response) => response.writeHead(403).end())
    expect(await fetchIt(undefined, ['*.blob.core.windows.net'])).toMatchObject({ kind: 'link-refused' })
    expect(requests).toHaveLength(0)
    expect(await fetchIt(new URL('https://evil.example/r.csv'))).toMatchObject({ kind: 'link-refused' })
    expect(requests).toHaveLength(1)
  })

  it('that redirects is not followed', async () => {
    const { fetchIt, requests } = await source((_, response) => response.writeHead(302, { location: '/else' }).end())
    expect(await fetchIt()).toMatchObject({ kind: 'link-refused' })
    expect(requests).toHaveLength(1)
  })
})

describe('a download ends', () => {
  /** Sends the start of a file under an ETag, and no more. */
  const cutAfter = (bytes: number, etag: (call: number) => string) =>
    source((request, response, call) => {
      const { rest } = send(FILE, request, response, etag(call))
      response.write(rest.subarray(0, bytes), () => response.destroy())
    })

  it('after five restarts, although each of them brings bytes', async () => {
    const { fetchIt, requests } = await source((request, response, call) => {
      if (request.headers.range) return response.writeHead(412).end()
      const { rest } = send(FILE, request, response, `"${call}"`)
      return response.write(rest.subarray(0, 1_000 * call), () => response.destroy())
    })
    expect(await fetchIt()).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('begun anew 5 times'),
    })
    expect(requests.filter(({ headers }) => !headers.range)).toHaveLength(6)
  })

  it('after tries that bring only bytes that had come before', async () => {
    const { fetchIt, requests } = await source((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length })
      response.write(FILE.subarray(0, 1_000), () => response.destroy())
    })
    expect(await fetchIt()).toMatchObject({ kind: 'unavailable' })
    expect(requests.length).toBeLessThanOrEqual(6)
  })

  it('after 200 requests, although each of them brings two bytes', async () => {
    const { fetchIt, requests } = await cutAfter(2, () => '"one"')
    expect(await fetchIt()).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('200 requests') })
    expect(requests).toHaveLength(200)
  })

  it('where it brings less than 1 MiB in 5 minutes, and not where it brings more', async () => {
    const ticking = (milliseconds: number) => {
      let now = 0
      return { clock: () => new Date(now++ * milliseconds) }
    }
    const big = Buffer.alloc(4 * 1024 * 1024, 'a,b\n')
    const { fetchIt } = await source((request, response) => response.end(send(FILE, request, response).rest))
    const told = { kind: 'unavailable', message: expect.stringContaining('less than 1 MiB in 5 minutes') }
    expect(await fetchIt(undefined, undefined, ticking(6 * 60_000))).toMatchObject(told)
    const { fetchIt: fetchBig } = await source((request, response) => response.end(send(big, request, response).rest))
    expect(bytesOf(await fetchBig(undefined, undefined, ticking(1_000)))).toEqual(big)
  })

  it.each([
    ['that says how large it is', true],
    ['that does not say it', false],
  ])('where a report %s is larger than MAX_REPORT_BYTES', async (_, says) => {
    const { fetchIt, requests } = await source((request, response) => {
      if (says) response.end(send(FILE, request, response).rest)
      else response.writeHead(200).end(FILE)
    })
    const told = { kind: 'unavailable', message: expect.stringContaining('MAX_REPORT_BYTES') }
    expect(await fetchIt(undefined, undefined, { maxBytes: FILE.length - 1 })).toMatchObject(told)
    expect(requests).toHaveLength(1)
    expect(bytesOf(await fetchIt(undefined, undefined, { maxBytes: FILE.length }))).toEqual(FILE)
  })
})
