import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import type { Archive } from '../../src/services/storage/archive.ts'
import { openReport, readRecords } from '../../src/services/storage/report-records.ts'

/** An archive of one report, read in pieces of a given size. */
function archiveOf(bytes: Buffer, size = bytes.length): Pick<Archive, 'read'> {
  return {
    async *read() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    },
  }
}

const blobOf = (name: string, sha256 = '') => ({ name, bytes: 0, sha256, etag: '' })

async function fieldsOf(archive: Pick<Archive, 'read'>, name: string): Promise<(readonly string[] | string)[]> {
  const found: (readonly string[] | string)[] = []
  for await (const group of readRecords(archive as Archive, blobOf(name), { verify: false })) {
    if (isFailure(group)) found.push(group.kind)
    else found.push(...group.map(({ fields }) => fields))
  }
  return found
}

const TEXT = 'Name,Note\r\n"Müller, 株式会社","two\r\nlines"\r\n🚀,"a ""b"""\r\n'
const ROWS = [
  ['Name', 'Note'],
  ['Müller, 株式会社', 'two\r\nlines'],
  ['🚀', 'a "b"'],
]

describe('the records of a report', () => {
  it('are the same wherever its bytes are cut, packed or not', async () => {
    const plain = Buffer.from(TEXT)
    for (let size = 1; size <= plain.length; size++)
      expect(await fieldsOf(archiveOf(plain, size), 'r.csv')).toEqual(ROWS)
    const packed = gzipSync(plain)
    for (const size of [1, 2, 7, packed.length])
      expect(await fieldsOf(archiveOf(packed, size), 'r.csv.gz')).toEqual(ROWS)
  })

  it('are those of a TSV whose header holds a line end before its first tab, wherever its bytes are cut', async () => {
    const plain = Buffer.from('"Na\r\nme"\tNote\r\na,b\tc\r\n')
    for (let size = 1; size <= plain.length; size++) {
      expect(await fieldsOf(archiveOf(plain, size), 'r.tsv')).toEqual([
        ['Na\r\nme', 'Note'],
        ['a,b', 'c'],
      ])
    }
  })

  it('are read from several gzip members as from one', async () => {
    const middle = Buffer.from(TEXT).length / 2
    const parts = [Buffer.from(TEXT).subarray(0, middle), Buffer.from(TEXT).subarray(middle)].map((part) =>
      gzipSync(part),
    )
    expect(await fieldsOf(archiveOf(Buffer.concat(parts), 5), 'r.csv.gz')).toEqual(ROWS)
  })

  it('are those of the bytes, whatever the name says of them', async () => {
    for (const size of [1, 2, 100]) {
      expect(await fieldsOf(archiveOf(Buffer.from(TEXT), size), 'r.csv.gz')).toEqual(ROWS)
      expect(await fieldsOf(archiveOf(gzipSync(TEXT), size), 'r.csv')).toEqual(ROWS)
    }
    expect(await fieldsOf(archiveOf(Buffer.from('A')), 'r.csv.gz')).toEqual([['A']])
  })

  it.each([
    ['gzip that is cut short', gzipSync(TEXT).subarray(0, -6), 'r.csv.gz'],
    ['gzip with a wrong sum', gzipSync(TEXT).fill(0, gzipSync(TEXT).length - 8, gzipSync(TEXT).length - 4), 'r.csv.gz'],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from(TEXT), Buffer.from([0xc3, 0x28])]), 'r.csv'],
    ['a character that is cut off at the end', Buffer.from('Name\r\nZoë').subarray(0, -1), 'r.csv'],
  ])('of %s end in a failure that a person has to look at', async (_, bytes, name) => {
    expect((await fieldsOf(archiveOf(bytes, 9), name)).at(-1)).toBe('malformed')
  })

  it('of an archive that fails are no verdict on the report: it is thrown', async () => {
    const broken = (bytes: Buffer): Pick<Archive, 'read'> => ({
      async *read() {
        yield bytes.subarray(0, 10)
        throw new Error('the storage is away')
      },
    })
    await expect(fieldsOf(broken(gzipSync(TEXT)), 'r.csv.gz')).rejects.toThrow('the storage is away')
    await expect(fieldsOf(broken(Buffer.from(TEXT)), 'r.csv')).rejects.toThrow('the storage is away')
  })
})

describe('the bytes of a report', () => {
  const sha256 = createHash('sha256').update(TEXT).digest('hex')
  const lastOf = async (bytes: Buffer, verify: boolean) => {
    let last: unknown
    for await (const group of readRecords(archiveOf(bytes, 9) as Archive, blobOf('r.csv', sha256), { verify }))
      last = group
    return last
  }

  it('are compared with what was received where that is asked for, to the last one', async () => {
    const other = Buffer.from(TEXT.replace('lines', 'linex'))
    expect(await lastOf(Buffer.from(TEXT), true)).not.toHaveProperty('kind')
    expect(await lastOf(other, true)).toMatchObject({ kind: 'malformed', message: expect.stringContaining('SHA-256') })
    expect(await lastOf(other, false)).not.toHaveProperty('kind')
  })
})

describe('a report', () => {
  const open = (bytes: Buffer, size?: number) =>
    openReport(archiveOf(bytes, size) as Archive, blobOf('r.csv'), 'usage May', { verify: false })

  it('has a header, and the records that follow it', async () => {
    const lines = fc.array(fc.tuple(fc.stringMatching(/^\w{1,9}$/), fc.stringMatching(/^\w{1,9}$/)), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 50 }), async (rows, size) => {
        const report = await open(Buffer.from([['A', 'B'], ...rows].map((row) => `${row.join(',')}\n`).join('')), size)
        if (isFailure(report)) throw new Error(report.message)
        const found: (readonly string[])[] = []
        for await (const group of report.records)
          if (!isFailure(group)) found.push(...group.map(({ fields }) => fields))
        expect([report.header, found]).toEqual([['A', 'B'], rows])
      }),
    )
  })

  it.each(['', '\r\n', '\uFEFF', '\n\n\n'])('of %j has no header, which is not the same as no rows', async (text) => {
    expect(await open(Buffer.from(text))).toMatchObject({
      kind: 'no-header',
      message: expect.stringContaining('usage May'),
    })
  })

  it('of a header alone has no rows', async () => {
    const report = await open(Buffer.from('A,B\r\n'))
    expect(report).toMatchObject({ header: ['A', 'B'] })
  })

  it.each(['{"error":{"code":"Busy","message":"later"}}', ' [\n  {"Month":1}\n]\n', '<!DOCTYPE html>\r\n<p>Sorry</p>'])(
    'of %j is JSON or HTML, and malformed',
    async (text) => {
      const message = expect.stringMatching(/usage May.* is JSON or HTML/)
      expect(await open(Buffer.from(text))).toMatchObject({ kind: 'malformed', message })
    },
  )

  it('whose header is broken is malformed', async () => {
    expect(await open(Buffer.from('"A"x,B\r\n1,2\r\n'))).toMatchObject({ kind: 'malformed' })
  })
})
