import { gzipSync } from 'node:zlib'
import { describe, expect, inject, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { type Archive, openArchive } from '../../src/services/storage/archive.ts'
import { readRecords } from '../../src/services/storage/report-records.ts'
import { storageOf } from '../setup/storage.ts'

const MEBIBYTE = 1024 * 1024

const TEXT = '\uFEFFMonth,Name\r\n2025-05,"Müller, ""Jo"""\n2025-05,株式会社 🚀\r\n2025-05,"two\r\nlines"\n2025-05,'

const FIELDS = [
  ['Month', 'Name'],
  ['2025-05', 'Müller, "Jo"'],
  ['2025-05', '株式会社 🚀'],
  ['2025-05', 'two\r\nlines'],
  ['2025-05', ''],
]

/** An archive whose bytes come in these pieces. */
function archiveOf(...pieces: readonly Buffer[]): Archive {
  const container = storageOf(inject('storage')).container('none')
  return {
    ...openArchive(async () => container),
    async *read() {
      yield* pieces
    },
  }
}

async function fieldsOf(archive: Archive, name: string): Promise<readonly (readonly string[])[]> {
  const fields: (readonly string[])[] = []
  for await (const group of readRecords(archive, { name, bytes: 0, sha256: '', etag: '' }, { verify: false })) {
    if (isFailure(group)) throw new Error(group.message)
    fields.push(...group.map((record) => record.fields))
  }
  return fields
}

describe('the records of a report', () => {
  const plain = Buffer.from(TEXT)
  const members = Buffer.concat([gzipSync(plain.subarray(0, 30)), gzipSync(plain.subarray(30)), gzipSync('')])
  it.each([
    ['plain.csv', plain],
    ['packed.csv.gz', gzipSync(plain)],
    ['members.csv.gz', members],
    [
      'tabs.tsv',
      Buffer.from(TEXT.replace('Müller, ', 'Müller; ').replaceAll(',', '\t').replace('Müller; ', 'Müller, ')),
    ],
  ])('%s: are the same wherever the bytes are cut', async (name, bytes) => {
    for (let at = 0; at <= bytes.length; at++) {
      expect(await fieldsOf(archiveOf(bytes.subarray(0, at), bytes.subarray(at)), name)).toEqual(FIELDS)
    }
    const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
    expect(await fieldsOf(archiveOf(...single), name)).toEqual(FIELDS)
  })

  it('a gzip that is cut short anywhere is malformed, never fewer rows', async () => {
    const bytes = gzipSync(plain)
    for (let at = 1; at < bytes.length; at++) {
      await expect(fieldsOf(archiveOf(bytes.subarray(0, at)), 'cut.csv.gz')).rejects.toThrow(/broken or cut short/)
    }
  })
})

it('a bomb of 4 GiB costs neither its memory nor its time', async () => {
  const member = gzipSync(Buffer.alloc(64 * MEBIBYTE, 'x'))
  const bomb = archiveOf(...Array.from({ length: 64 }, () => member))
  const [before, started] = [process.memoryUsage().rss, performance.now()]
  let peak = 0
  const kinds: string[] = []
  for await (const group of readRecords(
    bomb,
    { name: 'bomb.csv.gz', bytes: 0, sha256: '', etag: '' },
    { verify: false },
  )) {
    peak = Math.max(peak, process.memoryUsage().rss)
    if (isFailure(group)) kinds.push(group.kind)
  }
  expect(kinds).toEqual(['malformed'])
  expect((peak - before) / MEBIBYTE).toBeLessThan(400)
  expect(performance.now() - started).toBeLessThan(20_000)
})
