import { get } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { type Client, completeReport, linkOf, openSimulator, rawBody } from '../setup/simulator.ts'

const QUERY = 'SELECT Month, CustomerName FROM AzureUsage'

let simulator: Simulator
let client: Client

beforeEach(async () => {
  ;({ simulator, client } = await openSimulator())
  return () => simulator.close()
})

/** What arrives before the connection is destroyed, or all of it. */
async function partOf(link: string, headers: Record<string, string>, length?: string): Promise<Buffer> {
  const received: Buffer[] = []
  await new Promise<void>((resolve) => {
    get(link, { headers }, (answer) => {
      if (length !== undefined) expect(answer.headers['content-length']).toBe(length)
      answer
        .on('data', (chunk) => received.push(chunk))
        .on('close', resolve)
        .on('error', () => resolve())
    }).on('error', () => resolve())
  })
  return Buffer.concat(received)
}

const completed = (fields?: object) => completeReport({ simulator, client }, QUERY, fields)

describe('the way of a file', () => {
  it('is cut at some other byte each time, and the rest comes in the end', async () => {
    const { link, bytes } = await completed()
    simulator.fault({ endpoint: 'download', nth: 'all', effect: { cutAt: 'random' } })
    const places: number[] = []
    let received = Buffer.alloc(0)
    while (received.length < bytes.length) {
      const rest = await partOf(link, { range: `bytes=${received.length}-` })
      received = Buffer.concat([received, rest])
      places.push(received.length)
    }
    expect(received).toEqual(bytes)
    expect(places.length).toBeGreaterThan(2)
  })

  it('ends with a link that expires at once or half-way, and a fresh one opens', async () => {
    const { reportId, link, bytes } = await completed()
    simulator.fault({ endpoint: 'download', nth: 2, effect: { cutAt: 100, after: 'expired' } })
    expect((await rawBody(link)).status).toBe(200)
    expect(await partOf(link, {})).toEqual(bytes.subarray(0, 100))
    expect((await rawBody(link, { range: 'bytes=100-' })).status).toBe(403)
    const fresh = await linkOf(client, reportId)
    expect((await rawBody(fresh, { range: 'bytes=100-' })).body).toEqual(bytes.subarray(100))
    simulator.fault({ endpoint: 'download', effect: 'expired' })
    expect((await rawBody(fresh)).status).toBe(403)
    expect((await rawBody(fresh)).status).toBe(403)
  })

  it('leads to another file half-way: other rows, and the old ETag no longer holds', async () => {
    const { reportId, link, bytes } = await completed()
    const before = simulator.served(reportId)?.rows ?? []
    const etag = String((await rawBody(link)).headers.etag)
    simulator.fault({ endpoint: 'download', effect: { cutAt: 100, after: 'replaced' } })
    expect(await partOf(link, {})).toEqual(bytes.subarray(0, 100))
    expect((await rawBody(link, { range: 'bytes=100-', 'if-match': etag })).status).toBe(412)
    const after = simulator.served(reportId)
    expect((await rawBody(link)).body).toEqual(after?.bytes)
    expect(after?.bytes.equals(bytes)).toBe(false)
    expect(after?.rows).toHaveLength(before.length)
    expect(after?.rows).not.toEqual(before)
  })

  it('leads from a file that was handed over to other bytes of the same text', async () => {
    const QueryId = 'd1a4d75e-5ca8-4847-845f-ee0a9be6f07b'
    simulator.serveFile(QueryId, Buffer.from('a,b\r\n1,2\r\n'))
    const { link, bytes } = await completed({ QueryId })
    simulator.fault({ endpoint: 'download', effect: { cutAt: 5, after: 'replaced' } })
    await partOf(link, {})
    const { body } = await rawBody(link)
    expect(body.equals(bytes)).toBe(false)
    expect(gunzipSync(body).toString()).toBe('a,b\r\n1,2\r\n')
  })

  it.each([0, 1, 500])('is cut after %i bytes, and is whole the next time', async (cutAt) => {
    const { link, bytes } = await completed()
    simulator.fault({ endpoint: 'download', effect: { cutAt } })
    expect(await partOf(link, {}, String(bytes.length))).toEqual(bytes.subarray(0, cutAt))
    expect((await rawBody(link)).body).toEqual(bytes)
  })

  it.each([7, -7])('announces %i bytes too many', async (lengthOff) => {
    const { link, bytes } = await completed()
    simulator.fault({ endpoint: 'download', effect: { lengthOff } })
    const received = await partOf(link, {}, String(bytes.length + lengthOff))
    expect(received).toEqual(bytes.subarray(0, Math.min(bytes.length, bytes.length + lengthOff)))
  })
})
