import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { expect, it } from 'vitest'
import type { World } from '../setup/world.ts'
import { dropFormer, entryOf, FEED, fileOf, landedWorld, landFile, names, rowsOf } from './one-window.ts'

const PUBLISHING = { ...FEED, publish: ['table', 'parquet'] }
const MAY_FILE = 'Usage/2025-05-01_2025-06-01.parquet'

/** The names of all files that are there. */
const filesIn = ({ published }: World) => Array.fromAsync(published.listBlobsFlat(), ({ name }) => name)

async function bytesOf({ published }: World, name = MAY_FILE): Promise<ArrayBuffer> {
  const bytes = await published.getBlobClient(name).downloadToBuffer()
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
}

/** The customers that a reader of the folder sees. */
async function customersIn(world: World): Promise<readonly unknown[]> {
  const rows = await parquetReadObjects({ file: await bytesOf(world) })
  return rows.map((row) => row.CustomerName)
}

it('a window of a feed that publishes files is one file with the rows of the table', async () => {
  const world = await landedWorld(fileOf(names(250)), PUBLISHING)
  const entry = await entryOf(world)
  expect(entry).toMatchObject({ state: 'landed', figures: { rowsLanded: 250, file: { bytes: expect.any(Number) } } })
  expect(entry.owed).toBeUndefined()
  expect(await filesIn(world)).toEqual([MAY_FILE])
  const bytes = await bytesOf(world)
  const rows = await parquetReadObjects({ file: bytes })
  expect(rows[0]).toEqual({
    Month: '2025-05-01',
    Month_month: new Date('2025-05-01T00:00:00Z'),
    CustomerName: 'customer 0',
    UsageQuantity: 1,
    _attempt: 2,
    _reportId: entry.figures?.reportId,
    _line: 2,
  })
  expect(rows.map(({ CustomerName }) => CustomerName).toSorted()).toEqual(
    (await rowsOf(world)).map(({ CustomerName }) => CustomerName).toSorted(),
  )
  const notes = Object.fromEntries(
    (parquetMetadata(bytes).key_value_metadata ?? []).map(({ key, value }) => [key, value]),
  )
  expect(notes).toMatchObject({ feed: 'usage', attempt: '2', sha256: entry.figures?.sha256 })
})

it('a restatement takes the place of the file, and nothing else is left', async () => {
  const world = await landedWorld(fileOf(names(250)), PUBLISHING)
  await landFile(world, fileOf(names(20, 'restated')))
  expect(await customersIn(world)).toEqual(names(20, 'restated'))
  await dropFormer(world)
  expect(await filesIn(world)).toEqual([MAY_FILE])
})
