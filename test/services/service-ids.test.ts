import { BlobServiceClient } from '@azure/storage-blob'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { parseWindowId } from '../../src/core/time/window.ts'
import { callbackToken } from '../../src/services/insights/callback-token.ts'
import { type InsightsClient, openInsightsClient } from '../../src/services/insights/client.ts'
import { archiveName, openArchive, rejectsName } from '../../src/services/storage/archive.ts'
import { readIngestMessage } from '../../src/services/storage/work-queue.ts'
import { callback } from '../../src/steps/callback.ts'
import { testSettings } from '../setup/settings.ts'
import { freshName } from '../setup/storage.ts'
import { ASKED } from '../setup/stored.ts'
import { type ScriptedServer, startScripted } from './scripted-server.ts'

const GOOD = '22222222-2222-4222-8222-222222222222'
const BAD = ['x/../../../../config/evil', '..', '.', 'a b', 'a.csv', 'a?b=1', 'a;b', 'é', 'a\nb', 'x'.repeat(65)]
const WINDOW = '20250501T000000Z_20250601T000000Z'

let server: ScriptedServer
let client: InsightsClient

beforeEach(async () => {
  server = await startScripted()
  const credentials = { token: async () => 't', renew: async () => 't', doubt: () => undefined }
  const baseUrl = `${server.origin}/insights/v1/mpn`
  client = openInsightsClient({ baseUrl, tokenHeader: 'Authorization', credentials, clock: () => new Date() })
})
afterEach(() => server.close())

const answer = (...value: readonly object[]) => server.script(() => ({ body: { value, statusCode: 200 } }))
const sent = () => server.requests.map(({ method, url }) => `${method} ${url}`)

describe.each(BAD)('an id of the service that is %j', (id) => {
  it('is not taken from a list of reports or queries', async () => {
    answer({ reportId: id, reportName: 'a' }, { reportId: GOOD, reportName: 'b', queryId: id })
    expect(await client.listReports({})).toEqual([{ reportId: GOOD, reportName: 'b', queryId: '' }])
    answer({ queryId: id, name: 'a' }, { queryId: GOOD, name: 'b' })
    expect(await client.listQueries({})).toEqual([{ queryId: GOOD, name: 'b', query: '' }])
  })

  it('is not taken from the answer to a request, which counts as lost', async () => {
    answer({ reportId: id })
    expect(await client.createReport({ reportName: 'r', queryId: GOOD })).toMatchObject({ outcome: 'unknown' })
    answer({ queryId: id, name: 'n' })
    expect(await client.createQuery({ name: 'n', query: 'q' })).toMatchObject({ kind: 'unavailable' })
  })

  it('as the name of a run is a failure that says so, and no run that can be fetched', async () => {
    answer({ executionId: id, reportId: GOOD, executionStatus: 'Completed', reportAccessSecureLink: 'https://a/b' })
    const execution = await client.execution(GOOD)
    expect(execution).toMatchObject({ kind: 'unavailable' })
    expect(isFailure(execution) && execution.message).toContain('this is no id')
  })

  it('never becomes part of an address, wherever it came from', async () => {
    answer()
    const schedule = { start: new Date(), intervalHours: 24 }
    const all = [
      await client.deleteReport(id),
      await client.deleteQuery(id),
      await client.pauseReport(id),
      await client.resumeReport(id),
      await client.updateReport(id, { reportName: 'r', schedule }),
      await client.execution(id),
    ]
    expect(all.map((each) => isFailure(each) && each.kind)).toEqual(all.map(() => 'query-refused'))
    expect(sent()).toEqual([])
  })

  it('is not passed on by a callback or a message', async () => {
    const secret = 's'.repeat(32)
    const messages: object[] = []
    const send = async (message: object) => void messages.push(message)
    const settings = { ...testSettings({}), callback: { baseUrl: 'http://127.0.0.1/', secrets: [secret] } }
    const subject = { feed: 'usage', window: WINDOW, attempt: 1 }
    const request = { ...subject, attempt: '1', token: callbackToken(secret, subject), reportId: id }
    expect(
      await callback(request, {
        settings,
        queue: {
          send,
          sendDrop: async () => undefined,
          look: async () => ({ messages: 0, poisoned: 0 }),
          oldest: async () => undefined,
        },
      }),
    ).toBe(202)
    expect(messages).toEqual([subject])
    expect(readIngestMessage({ ingest: { ...subject, reportId: id } })).toEqual(subject)
  })

  it('makes no name of a blob', () => {
    const subject = { feed: 'usage', window: WINDOW, attempt: 1 }
    expect(parseWindowId(WINDOW)).toBeDefined()
    expect(() => archiveName(subject, id, { tsv: false, gzip: false })).toThrow('is no name')
    expect(() => rejectsName(subject, id)).toThrow('is no name')
    expect(() => archiveName({ ...subject, feed: id }, GOOD, { tsv: false, gzip: false })).toThrow('is no name')
    expect(() => archiveName({ ...subject, window: id }, GOOD, { tsv: false, gzip: false })).toThrow('is no name')
  })
})

describe('the archive', () => {
  it('writes nothing under another name than those of its own form, and never into another container', async () => {
    const service = BlobServiceClient.fromConnectionString(inject('storage'))
    const [reports, other] = [service.getContainerClient(freshName('r')), service.getContainerClient(freshName('c'))]
    await Promise.all([reports.create(), other.create()])
    const archive = openArchive(async () => reports)
    const name = `usage/${WINDOW}/1-x/../../../../${other.containerName}/evil.csv`
    const origin = { asked: ASKED, reportId: GOOD, attempt: 1, requestedAt: new Date(), nonce: 'n' }
    await expect(archive.write(name, origin).commit()).rejects.toThrow('is no name')
    const reject = { record: 1, line: 2, reason: 'r', raw: 'r' }
    const list = archive.rejects(name)
    await list.add(reject).catch(() => undefined)
    await expect(list.close()).rejects.toThrow('is no name')
    for (const container of [reports, other]) {
      expect(await Array.fromAsync(container.listBlobsFlat(), (blob) => blob.name)).toEqual([])
    }
  })

  it('asks the client which blob a name leads to, and refuses one that is not the one it asked for', async () => {
    const container = BlobServiceClient.fromConnectionString(inject('storage')).getContainerClient(freshName('r'))
    const elsewhere = BlobServiceClient.fromConnectionString(inject('storage')).getContainerClient('config')
    const getBlockBlobClient = elsewhere.getBlockBlobClient.bind(elsewhere)
    const turned = Object.assign(Object.create(container), { getBlockBlobClient })
    const archive = openArchive(async () => turned)
    await expect(archive.find(`usage/${WINDOW}/1-e.csv`)).rejects.toThrow('of container "config"')
  })
})
