import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ArchiveWriter, Erased } from '../../src/services/storage/archive.ts'
import { eraserOf, erasingWriter, valueHash } from '../../src/services/storage/erasing.ts'

const SALT = 'a salt'
const ERASER = eraserOf(
  { salt: SALT, columns: { customername: [valueHash(SALT, 'customername', 'Anna')] } },
  'AzureUsage',
  ['Month', 'CustomerName'],
)
const MIB = 1024 * 1024

/** A writer that keeps what it gets, or only counts it. */
function collector(keeps = true) {
  const parts: Buffer[] = []
  const seen: { bytes: number; erased?: Erased | undefined } = { bytes: 0 }
  const writer: ArchiveWriter = {
    async append(chunk) {
      seen.bytes += chunk.length
      if (keeps) parts.push(Buffer.from(chunk))
    },
    async commit(erased) {
      seen.erased = erased
      return { name: 'a', bytes: seen.bytes, sha256: '', etag: '' }
    },
  }
  return { writer, seen, bytes: () => Buffer.concat(parts) }
}

async function written(file: Buffer, size: number) {
  const into = collector()
  const writer = erasingWriter(into.writer, ERASER)
  for (let at = 0; at < file.length; at += size) await writer.append(file.subarray(at, at + size))
  await writer.commit()
  return { bytes: into.bytes(), erased: into.seen.erased }
}

const FILE = Buffer.from('Month,CustomerName\r\n2025-05-01,Anna\r\n2025-05-01,Ännchen\r\n')
const KEPT = 'Month,CustomerName\r\n2025-05-01,Ännchen\r\n'

describe('the writer of an archive from which something was erased', () => {
  it.each([1, 3, 1000])('leaves the rows out, plain and packed, in pieces of %i bytes', async (size) => {
    const plain = await written(FILE, size)
    expect([plain.bytes.toString('utf8'), plain.erased?.rows]).toEqual([KEPT, 1])
    const packed = await written(gzipSync(FILE), size)
    expect([gunzipSync(packed.bytes).toString('utf8'), packed.erased?.rows]).toEqual([KEPT, 1])
  })

  it('finds a column under its other name, and by no other', async () => {
    expect((await written(Buffer.from('Id,CUSTOMERNAME\n1,anna\n'), 5)).erased?.rows).toBe(1)
    expect((await written(Buffer.from('Month,Customer\n1,Anna\n'), 5)).erased?.rows).toBe(0)
  })

  it.each([
    ['gzip that is cut short', gzipSync(FILE).subarray(0, 40)],
    ['bytes that are no text', Buffer.concat([FILE, Buffer.from([0xc3, 0x28])])],
    ['a title above the header', Buffer.from(`Usage of May\r\n\r\n${FILE}`)],
    ['a title in a quote that never ends', Buffer.from(`"Usage of May\r\n${FILE}`)],
    ['semicolons', Buffer.from(FILE.toString().replaceAll(',', ';'))],
    ['line ends of CR alone', Buffer.from(FILE.toString().replaceAll('\n', ''))],
    ['JSON', Buffer.from('[{"Month":"2025-05-01","CustomerName":"Anna"}]')],
  ])('stores %s so that it cannot land', async (_, file) => {
    const { bytes } = await written(file, 7)
    const text = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes
    expect(text.includes(0xff)).toBe(true)
    expect(text.includes('Anna')).toBe(false)
  })

  it('stores of a long text that is no table the first MiB at most, so that it cannot land', async () => {
    const { bytes } = await written(Buffer.alloc(8 * MIB, 'Usage; of; May\n'), MIB)
    expect(bytes.length).toBeGreaterThan(MIB / 2)
    expect(bytes.length).toBeLessThanOrEqual(MIB + 1)
    expect(bytes.at(-1)).toBe(0xff)
  })

  it('holds a few MiB at most, also of a record that never ends', async () => {
    const into = collector(false)
    const writer = erasingWriter(into.writer, ERASER)
    await writer.append(Buffer.from('Month,CustomerName\n2025-05-01,"'))
    const piece = Buffer.alloc(MIB / 4, 'x')
    let [given, most] = [0, 0]
    for (let nth = 0; nth < 256; nth += 1) {
      await writer.append(piece)
      given += piece.length
      most = Math.max(most, given - into.seen.bytes)
    }
    await writer.commit()
    expect(into.seen.bytes).toBeGreaterThan(64 * MIB)
    expect(most).toBeLessThan(4 * MIB)
  })

  it('tells what the archive throws', async () => {
    const writer = erasingWriter(
      { append: () => Promise.reject(new Error('no room')), commit: async () => ({}) as never },
      ERASER,
    )
    const all = (async () => {
      for (let nth = 0; nth < 40; nth += 1) await writer.append(Buffer.alloc(MIB, 'Month,CustomerName\n1,b\n'))
      await writer.commit()
    })()
    await expect(all).rejects.toThrow('no room')
  })
})
