import { createHash, randomBytes } from 'node:crypto'
import { BlobServiceClient } from '@azure/storage-blob'
import { describe, expect, inject, it } from 'vitest'
import { type Archive, archiveName, openArchive, rejectsName } from '../../src/services/storage/archive.ts'
import { freshName } from '../setup/storage.ts'
import { ASKED } from '../setup/stored.ts'

const MEBIBYTE = 1024 * 1024
const ORIGIN = {
  asked: ASKED,
  reportId: 'r-1',
  attempt: 3,
  requestedAt: new Date('2025-07-10T12:00:00Z'),
  nonce: 'aaaa-bbbb-cccc-dddd',
}

async function freshArchive() {
  const container = BlobServiceClient.fromConnectionString(inject('storage')).getContainerClient(freshName('reports'))
  const archive = openArchive(async () => container)
  await archive.create()
  return { container, archive }
}

async function store(archive: Archive, name: string, chunks: readonly Buffer[], nonce = ORIGIN.nonce) {
  const writer = archive.write(name, { ...ORIGIN, nonce })
  for (const chunk of chunks) await writer.append(chunk)
  return writer.commit()
}

async function read(archive: Archive, name: string, etag?: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of archive.read(name, etag)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('an archived report', () => {
  it('is what was appended, over the borders of blocks, and says its size and hash', async () => {
    const { archive, container } = await freshArchive()
    const chunks = [1, 3 * MEBIBYTE, 2 * MEBIBYTE, 5 * MEBIBYTE, 7].map((size) => randomBytes(size))
    const all = Buffer.concat(chunks)
    const sha256 = createHash('sha256').update(all).digest('hex')
    const stored = await store(archive, 'usage/w/3-e.csv.gz', chunks)
    expect(stored).toEqual({ name: 'usage/w/3-e.csv.gz', bytes: all.length, sha256, etag: expect.any(String) })
    expect(await archive.find('usage/w/3-e.csv.gz')).toEqual(stored)
    expect((await read(archive, 'usage/w/3-e.csv.gz')).equals(all)).toBe(true)
    const { metadata, contentEncoding } = await container.getBlobClient('usage/w/3-e.csv.gz').getProperties()
    expect(metadata).toMatchObject({ sha256, reportid: 'r-1', attempt: '3', rowset: ASKED.rowSet })
    expect(contentEncoding).toBeUndefined()
  })

  it('without a byte is an archive too', async () => {
    const { archive } = await freshArchive()
    expect(await store(archive, 'usage/w/1-e.csv', [])).toMatchObject({ bytes: 0 })
    expect(await read(archive, 'usage/w/1-e.csv')).toEqual(Buffer.alloc(0))
  })

  it('is not there before it is committed', async () => {
    const { archive } = await freshArchive()
    await archive.write('usage/w/1-e.csv', ORIGIN).append(randomBytes(5 * MEBIBYTE))
    expect(await archive.find('usage/w/1-e.csv')).toBeUndefined()
  })

  it('of two writers at once is that of one of them, whole, and both are told which', async () => {
    const { archive } = await freshArchive()
    const contents = ['one', 'other'].map((text) => Buffer.from(text.repeat(MEBIBYTE)))
    const stored = await Promise.all(
      contents.map((content, index) => store(archive, 'usage/w/1-e.csv', [content], `nonce-of-writer-${index}`)),
    )
    expect(stored[0]).toEqual(stored[1])
    const kept = await read(archive, 'usage/w/1-e.csv')
    expect(contents.some((content) => content.equals(kept))).toBe(true)
    expect(createHash('sha256').update(kept).digest('hex')).toBe(stored[0]?.sha256)
  })

  it('is read under the ETag it was found with, or not at all once it was changed', async () => {
    const { archive, container } = await freshArchive()
    const { name, etag } = await store(archive, 'usage/w/1-e.csv', [Buffer.from('first')])
    expect(String(await read(archive, name, etag))).toBe('first')
    await container.getBlockBlobClient(name).upload('other', 5)
    await expect(read(archive, name, etag)).rejects.toMatchObject({ statusCode: 412 })
  })

  it('is never written over', async () => {
    const { archive } = await freshArchive()
    const first = await store(archive, 'usage/w/1-e.csv', [Buffer.from('first')])
    expect(await store(archive, 'usage/w/1-e.csv', [Buffer.from('second')], 'another nonce here')).toEqual(first)
    expect(String(await read(archive, 'usage/w/1-e.csv'))).toBe('first')
  })
})

describe('the rejects of a report', () => {
  const reject = (record: number) => ({
    record,
    line: record + 2,
    reason: 'is not a number',
    raw: 'a "quoted"\nraw text',
  })
  const name = rejectsName({ feed: 'usage', window: 'w', attempt: 3 }, 'owner')
  const lines = async (archive: Archive) =>
    String(await read(archive, name))
      .trim()
      .split('\n')

  it('are listed one to a line, however many they are', async () => {
    const { archive } = await freshArchive()
    const list = archive.rejects(name)
    for (let record = 0; record < 3_000; record++) await list.add(reject(record))
    await list.close()
    const found = await lines(archive)
    expect(found).toHaveLength(3_000)
    expect(found.map((line) => JSON.parse(line).record)).toEqual(Array.from({ length: 3_000 }, (_, record) => record))
    expect(JSON.parse(found[0] ?? '')).toEqual(reject(0))
  })

  it('of a second pass of the same owner replace those of the first, and none makes no list', async () => {
    const { archive } = await freshArchive()
    for (const records of [[1, 2], [7]]) {
      const list = archive.rejects(name)
      for (const record of records) await list.add(reject(record))
      await list.close()
    }
    expect((await lines(archive)).map((line) => JSON.parse(line).record)).toEqual([7])
    const none = name.replace('owner', 'another')
    await archive.rejects(none).close()
    expect(await archive.find(none)).toBeUndefined()
  })
})

describe('rejects that cannot be stored', () => {
  it('are an error for whoever adds them, and nobody waits for room that never comes', async () => {
    const missing = BlobServiceClient.fromConnectionString(inject('storage')).getContainerClient(freshName('missing'))
    const list = openArchive(async () => missing).rejects('usage/w/1-o.rejects.jsonl')
    const long = { record: 1, line: 2, reason: 'is not a number', raw: 'x'.repeat(MEBIBYTE) }
    const adding = async () => {
      for (;;) await list.add(long)
    }
    await expect(adding()).rejects.toThrow('container does not exist')
    await expect(list.add(long)).rejects.toThrow('container does not exist')
    await expect(list.close()).rejects.toThrow('container does not exist')
  })
})

describe('the name of an archive', () => {
  it.each([
    [{ tsv: false, gzip: false }, 'usage/w/2-e.csv'],
    [{ tsv: false, gzip: true }, 'usage/w/2-e.csv.gz'],
    [{ tsv: true, gzip: true }, 'usage/w/2-e.tsv.gz'],
  ])('of %j is %s, with the rejects of each owner beside it', (format, name) => {
    const subject = { feed: 'usage', window: 'w', attempt: 2 }
    expect(archiveName(subject, 'e', format)).toBe(name)
    expect(rejectsName(subject, 'o')).toBe('usage/w/2-o.rejects.jsonl')
  })
})
