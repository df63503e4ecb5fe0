import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { publishFile } from '../../src/steps/landing/publish-file.ts'
import { erase } from '../../src/steps/operator/erase.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { publishFiles } from '../../src/steps/operator/publish-files.ts'
import { purge } from '../../src/steps/operator/purge.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { reportRequests } from '../setup/insights.ts'
import { planRetry, storedEntry } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  dropFormer,
  entryOf,
  FEED,
  fileOf,
  hint,
  landedWorld,
  landFile,
  landImport,
  MAY,
  named,
  names,
  rowsOf,
  serve,
  WINDOW,
  watched,
} from './one-window.ts'

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
  expect(notes).toMatchObject({ feed: 'usage', attempt: '2', source_sha256: entry.figures?.sha256 })
})

it('a restatement takes the place of the file, and nothing else is left', async () => {
  const world = await landedWorld(fileOf(names(250)), PUBLISHING)
  await landFile(world, fileOf(names(20, 'restated')))
  expect(await customersIn(world)).toEqual(names(20, 'restated'))
  await dropFormer(world)
  expect(await filesIn(world)).toEqual([MAY_FILE])
})

/** From now on the feed is as given. */
const reading = ({ services }: World, feed: object): Services => ({
  ...services,
  readFeeds: async () => ({ text: JSON.stringify({ feeds: [feed] }), source: 'package' }),
})

const put = ({ published }: World, name: string, text: string, metadata: Record<string, string> = {}) =>
  published.getBlockBlobClient(name).upload(text, text.length, { metadata })

async function oneWeek({ services, clock, drain }: World): Promise<void> {
  clock.advance(8 * DAY_MS)
  await sweep(services)
  await drain()
}

describe('the folder is right after', () => {
  it('a landing without rows: the file has the columns', async () => {
    const world = await landedWorld(fileOf([]), PUBLISHING)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 0 } })
    expect(await parquetReadObjects({ file: await bytesOf(world) })).toEqual([])
    const columns = parquetMetadata(await bytesOf(world)).schema.map(({ name }) => name)
    expect(columns).toEqual(expect.arrayContaining(['Month', 'Month_month', 'CustomerName', 'UsageQuantity', '_line']))
  })

  it('a landing that fails: readers see the file before, and nothing is staged', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await serve(world, Buffer.from('no report'))
    await askAgain(world)
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'failed' })
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([MAY_FILE])
    expect(await customersIn(world)).toEqual(names(20))
  })

  it('a file of a person: its columns have the order of the feed', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await landImport(world, Buffer.from('UsageQuantity,CustomerName,Month\r\n1,Anna,2025-05-01\r\n'))
    const columns = parquetMetadata(await bytesOf(world)).schema.map(({ name }) => name)
    expect(columns.slice(1, 5)).toEqual(['Month', 'Month_month', 'CustomerName', 'UsageQuantity'])
    expect(await customersIn(world)).toEqual(['Anna'])
  })

  it('forget', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    expect(await forget(world.services, 'usage', WINDOW)).toEqual({ forgotten: true })
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([])
  })

  it('keep', async () => {
    const world = await landedWorld(fileOf(names(20)), { ...PUBLISHING, keep: 'P2M', delay: 'P1D' })
    world.clock.advance(23 * DAY_MS)
    await sweep(world.services)
    world.clock.advance(DAY_MS)
    await sweep(world.services)
    await dropFormer(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { verdict: 'removed' } })
    expect(await filesIn(world)).toEqual([])
  })

  it('purge, also of what came late', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await provision({ ...world.services, readFeeds: async () => ({ text: '{"feeds":[]}', source: 'package' }) })
    expect(await purge(world.services, 'usage')).toMatchObject({ windows: 1 })
    await dropFormer(world)
    await put(world, 'Usage/2025-04-01_2025-05-01.parquet', 'late')
    for (let hour = 0; hour < 3; hour += 1) {
      world.clock.advance(HOUR_MS)
      await sweep(world.services)
      await world.drain()
    }
    expect(await filesIn(world)).toEqual([])
    expect(named(world, 'feed.purged')).toHaveLength(1)
  })

  it('erase', async () => {
    const world = await landedWorld(fileOf(['Anna', ...names(20), 'Anna']), { ...PUBLISHING, maxRejects: 0.9 })
    await erase(world.services, 'usage', { column: 'CustomerName', value: 'Anna' })
    await world.drain()
    await dropFormer(world)
    expect(await customersIn(world)).toEqual(names(20))
    expect(await filesIn(world)).toEqual([MAY_FILE])
  })

  it('the feed publishes no files any more: the file of a restated window goes, and no other says what is not so', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await provision(reading(world, FEED))
    await landFile({ ...world, services: reading(world, FEED) }, fileOf(names(30, 'restated')))
    expect((await entryOf(world)).figures).not.toHaveProperty('file')
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([])
  })

  it('the feed publishes no files any more while its file is written: none is published, and none is left', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await provision(reading(world, PUBLISHING))
    await serve(world, fileOf(names(30)))
    await askAgain({ ...world, services: reading(world, PUBLISHING) })
    const ledger = watched(world.services.ledger, async (entry) => {
      if (entry.state === 'landed') throw new Error('the process is broken')
    })
    await expect(hint(world, { ...world.services, ledger }, { attempt: 3 })).rejects.toThrow('broken')
    expect(await entryOf(world)).toMatchObject({ state: 'landing', phase: 'file' })
    expect(await filesIn(world)).toEqual([expect.stringMatching(/^_staging/)])
    await provision(reading(world, FEED))
    world.clock.advance(HOUR_MS)
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 30 } })
    expect(await filesIn(world)).toEqual([])
  })

  it('a column that was renamed in the query: the new file has the new name', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    const renamed = { ...PUBLISHING, columns: ['Month', 'CustomerTenantId', 'UsageQuantity'] }
    await provision(reading(world, renamed))
    await askAgain({ ...world, services: reading(world, renamed) })
    await hint(world, world.services, { attempt: 3 })
    const rows = await parquetReadObjects({ file: await bytesOf(world) })
    expect(rows).toHaveLength(40)
    expect(rows[0]).toHaveProperty('CustomerTenantId')
    expect(rows[0]).not.toHaveProperty('CustomerName')
  })
})

describe('a file that cannot be put in its place', () => {
  /** The window landed a second time, and its file is held by a lease. */
  async function heldWorld(): Promise<{ readonly world: World; release(): Promise<unknown> }> {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    const lease = world.published.getBlobClient(MAY_FILE).getBlobLeaseClient()
    await lease.acquireLease(-1)
    await landFile(world, fileOf(names(30, 'restated')))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', owed: 'parquet' })
    expect(await customersIn(world)).toEqual(names(20))
    return { world, release: () => lease.releaseLease() }
  }

  it('is told once a day, is tried by each sweep, and then takes the place of the one before', async () => {
    const { world, release } = await heldWorld()
    for (let time = 0; time < 3; time += 1) {
      await sweep(world.services)
      await world.drain()
    }
    expect((await status(world.services)).feeds).toMatchObject([{ lateFiles: 1 }])
    expect(named(world, 'file.late')).toMatchObject([
      { feed: 'usage', remedy: expect.stringContaining('lease'), message: expect.stringContaining('412') },
    ])
    await release()
    await sweep(world.services)
    await world.drain()
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
    expect((await entryOf(world)).owed).toBeUndefined()
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([MAY_FILE])
  })

  it('is not forgotten where a person asks for the window again, which then waits', async () => {
    const { world, release } = await heldWorld()
    await planRetry(world.services.ledger, await storedEntry(world.services.ledger, 'usage', MAY), world.clock.now())
    await release()
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'planned' })
    expect((await entryOf(world)).owed).toBeUndefined()
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
  })

  it('keeps its window from no refresh', async () => {
    const { world } = await heldWorld()
    world.clock.advance(40 * DAY_MS)
    const asked = reportRequests(world.simulator).length
    await sweep(world.services)
    await provision(world.services)
    expect(reportRequests(world.simulator).length).toBeGreaterThan(asked)
  })

  it('is left alone while an attempt is under way, and comes after it where that fails', async () => {
    const { world, release } = await heldWorld()
    await serve(world, Buffer.from('no report'))
    await askAgain(world)
    const asked = await storedEntry(world.services.ledger, 'usage', MAY)
    await release()
    await publishFile(world.services, asked)
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
    expect((await storedEntry(world.services.ledger, 'usage', MAY)).etag).toBe(asked.etag)
    await hint(world, world.services, { attempt: asked.value.attempt })
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'failed' })
    expect((await entryOf(world)).owed).toBeUndefined()
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([MAY_FILE])
  })

  it('of which the staged copy was lost: no older file stays in the folder, and it is said how to write it again', async () => {
    const { world, release } = await heldWorld()
    await release()
    for (const name of await filesIn(world)) if (name.startsWith('_staging')) await world.published.deleteBlob(name)
    await sweep(world.services)
    await world.drain()
    expect(await filesIn(world)).toEqual([])
    expect(named(world, 'file.late')).toMatchObject([{}, { remedy: expect.stringContaining('backfill --publish') }])
    expect((await status(world.services)).feeds).toMatchObject([{ withoutFile: 1, lateFiles: 0 }])
  })

  it('tells nothing where somebody else was faster', async () => {
    const { world, release } = await heldWorld()
    await release()
    const owed = await storedEntry(world.services.ledger, 'usage', MAY)
    await Promise.all([1, 2, 3].map(() => publishFile(world.services, owed)))
    expect((await entryOf(world)).owed).toBeUndefined()
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
    expect(named(world, 'file.late')).toHaveLength(1)
    expect(await filesIn(world)).toEqual([MAY_FILE])
  })

  it('stays with what another landing has published meanwhile', async () => {
    const { world, release } = await heldWorld()
    const former = await entryOf(world)
    await release()
    await landFile(world, fileOf(names(10, 'newest')))
    await publishFile(world.services, { value: former, etag: 'of then' })
    expect(await customersIn(world)).toEqual(names(10, 'newest'))
  })
})

describe('a staged file', () => {
  /** A window whose landing broke down right before it was published. */
  async function brokenWorld(): Promise<World> {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await serve(world, fileOf(names(30, 'restated')))
    await askAgain(world)
    const ledger = watched(world.services.ledger, async (entry) => {
      if (entry.state === 'landed') throw new Error('the process is broken')
    })
    await expect(hint(world, { ...world.services, ledger }, { attempt: 3 })).rejects.toThrow('broken')
    world.clock.advance(HOUR_MS)
    return world
  }

  const stagedIn = async (world: World) => (await filesIn(world)).find((name) => name.startsWith('_staging')) ?? ''

  it.each(['no Parquet', 'PAR1 cut'])('that somebody changed to "%s" is written anew', async (text) => {
    const world = await brokenWorld()
    await put(world, await stagedIn(world), text)
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
  })

  it('whose values somebody changed is not published: it is written anew when the landing goes on', async () => {
    const world = await brokenWorld()
    const name = await stagedIn(world)
    const bytes = Buffer.from(await bytesOf(world, name))
    const blob = world.published.getBlockBlobClient(name)
    const { metadata = {} } = await blob.getProperties()
    // Plain text in the data pages, whose length stays.
    const at = bytes.indexOf('restated 0')
    expect(at).toBeGreaterThan(0)
    bytes.write('REstated 0', at)
    await blob.upload(bytes, bytes.length, { metadata })
    await hint(world, world.services, { attempt: 3 })
    expect(await entryOf(world)).toMatchObject({ state: 'landing', lastError: { kind: 'storage' } })
    expect((await entryOf(world)).lastError?.message).toContain('other values in CustomerName')
    expect(await customersIn(world)).toEqual(names(20))
    world.clock.advance(HOUR_MS)
    await hint(world, world.services, { attempt: 3 })
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
  })

  it.each([403, 500, undefined])(
    'waits where the storage answers with %s, and no new report is asked for',
    async (status) => {
      const world = await brokenWorld()
      const silent = Object.assign(new Error('no answer'), status ? { statusCode: status } : { code: 'ECONNRESET' })
      const publishedFiles = { ...world.services.publishedFiles, find: () => Promise.reject(silent) }
      const asked = reportRequests(world.simulator).length
      await hint(world, { ...world.services, publishedFiles }, { attempt: 3 })
      expect(await entryOf(world)).toMatchObject({ state: 'landing', phase: 'file', lastError: { kind: 'storage' } })
      expect(named(world, 'window.rests')).toHaveLength(1)
      world.clock.advance(HOUR_MS)
      await hint(world, world.services, { attempt: 3 })
      expect(await customersIn(world)).toEqual(names(30, 'restated'))
      expect(reportRequests(world.simulator)).toHaveLength(asked)
    },
  )

  it('is written and read back in as many runs as it takes, a row group in each', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await serve(world, fileOf(names(300, 'restated')))
    await askAgain(world)
    const { publishedFiles, settings } = world.services
    const services = {
      ...world.services,
      publishedFiles: { ...publishedFiles, groupValues: 70 * 7 },
      settings: { ...settings, ingestTimeLimitMs: 0 },
    }
    const seen: unknown[] = []
    for (let run = 0; run < 40 && (await entryOf(world)).state !== 'landed'; run += 1) {
      await hint(world, services, { attempt: 3 })
      const entry = await entryOf(world)
      if (entry.state === 'landing' && entry.phase === 'file')
        seen.push(entry.progress?.readBack?.groups ?? entry.checkpoint)
    }
    expect(seen).toEqual([70, 140, 210, 280, 300, 1, 2, 3, 4])
    expect(await customersIn(world)).toEqual(names(300, 'restated'))
    expect(parquetMetadata(await bytesOf(world)).row_groups).toHaveLength(5)
  })

  it('is written by a commit that met a conflict with itself, because its answer was lost', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await serve(world, fileOf(names(30, 'restated')))
    await askAgain(world)
    const { publishedFiles } = world.services
    const lost: string[] = []
    const commit: typeof publishedFiles.commit = async (name, blocks, etag) => {
      const done = await publishedFiles.commit(name, blocks, etag)
      lost.push(name)
      return done && (await publishedFiles.commit(name, blocks, etag))
    }
    await hint(world, { ...world.services, publishedFiles: { ...publishedFiles, commit } }, { attempt: 3 })
    expect(lost).toEqual([expect.stringMatching(/^_staging/), MAY_FILE])
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
    expect((await entryOf(world)).owed).toBeUndefined()
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
    expect(await filesIn(world)).toEqual([MAY_FILE])
  })

  it('is written although somebody has deleted the container', async () => {
    const world = await brokenWorld()
    await world.published.delete()
    await hint(world, world.services, { attempt: 3 })
    expect(await customersIn(world)).toEqual(names(30, 'restated'))
  })
})

it('cells that begin with a byte order mark land', async () => {
  const world = await landedWorld(fileOf(['\ufeffAnna', 'b']), PUBLISHING)
  expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 2 } })
})

it('files stay in one folder where only the case of the table changes', async () => {
  const world = await landedWorld(fileOf(names(20)), PUBLISHING)
  const services = reading(world, { ...PUBLISHING, table: 'USAGE' })
  await provision(services)
  await landFile({ ...world, services }, fileOf(names(5)))
  expect(await filesIn(world)).toEqual([MAY_FILE])
})

describe('an app without a role on the container', () => {
  const refused = Object.assign(new Error('no role'), { statusCode: 403 })
  const refuse = () => Promise.reject(refused)
  const refuseList = () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) })
  const without = (services: Services): Services => ({
    ...services,
    publishedFiles: { ...services.publishedFiles, create: refuse, find: refuse, remove: refuse, list: refuseList },
  })

  it('audits and purges feeds that publish no files', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const services = without(world.services)
    world.clock.advance(8 * DAY_MS)
    await sweep(services)
    await provision({ ...services, readFeeds: async () => ({ text: '{"feeds":[]}', source: 'package' }) })
    await world.drain()
    expect(await purge(services, 'usage')).toMatchObject({ windows: 1 })
    for (let hour = 0; hour < 3; hour += 1) {
      world.clock.advance(HOUR_MS)
      await sweep(services)
      await world.drain()
    }
    expect(named(world, 'feed.purged')).toHaveLength(1)
    expect(named(world, 'cleanup.failing').length).toBeLessThanOrEqual(1)
  })

  it('lands a window whose feed has ceased to publish files in the middle of it', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await serve(world, fileOf(names(30)))
    await askAgain(world)
    const ledger = watched(world.services.ledger, async (entry) => {
      if (entry.state === 'landed') throw new Error('the process is broken')
    })
    await expect(hint(world, { ...world.services, ledger }, { attempt: 3 })).rejects.toThrow('broken')
    await provision(reading(world, FEED))
    world.clock.advance(HOUR_MS)
    await hint(world, without(world.services), { attempt: 3 })
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'landed', figures: { rowsLanded: 30 } })
    expect(entry.figures).not.toHaveProperty('file')
  })
})

describe('a file that the storage does not let go', () => {
  it('is told, and goes once it may', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    const lease = world.published.getBlobClient(MAY_FILE).getBlobLeaseClient()
    await lease.acquireLease(-1)
    await forget(world.services, 'usage', WINDOW)
    await sweep(world.services)
    await world.drain()
    expect(named(world, 'cleanup.failing')).toMatchObject([{ message: expect.stringContaining(MAY_FILE) }])
    await lease.releaseLease()
    world.clock.advance(HOUR_MS)
    await dropFormer(world)
    expect(await filesIn(world)).toEqual([])
  })
})

it('a file waits for no archive that the storage holds', async () => {
  const world = await landedWorld(fileOf(names(20)), { ...PUBLISHING, keep: 'P2M', delay: 'P1D' })
  const archive = world.container.getBlobClient((await entryOf(world)).figures?.archive ?? '')
  await archive.getBlobLeaseClient().acquireLease(-1)
  world.clock.advance(23 * DAY_MS)
  await sweep(world.services)
  world.clock.advance(DAY_MS)
  await sweep(world.services)
  await sweep(world.services)
  await world.drain()
  expect(await filesIn(world)).toEqual([])
})

it('a purge ends where the container was deleted', async () => {
  const world = await landedWorld(fileOf(names(20)), PUBLISHING)
  await provision({ ...world.services, readFeeds: async () => ({ text: '{"feeds":[]}', source: 'package' }) })
  await world.published.delete()
  expect(await purge(world.services, 'usage')).toMatchObject({ windows: 1 })
  for (let hour = 0; hour < 4; hour += 1) {
    world.clock.advance(HOUR_MS)
    await sweep(world.services)
    await world.drain()
  }
  expect(named(world, 'feed.purged')).toHaveLength(1)
})

describe('the weekly audit', () => {
  it('removes files that no entry names, of this feed alone, and keeps the others', async () => {
    const world = await landedWorld(fileOf(names(20)), PUBLISHING)
    await put(world, 'Usage/2025-04-01_2025-05-01.parquet', 'of an owner that was frozen')
    await put(world, 'Other/2025-04-01_2025-05-01.parquet', 'of another feed')
    await oneWeek(world)
    expect(await filesIn(world)).toEqual(['Other/2025-04-01_2025-05-01.parquet', MAY_FILE])
    expect(named(world, 'file.late')).toEqual([])
  })

  it('tells of a file that somebody removed, and backfill --publish writes it again', async () => {
    const world = await landedWorld(fileOf(names(20)), { ...PUBLISHING, refresh: false })
    await world.published.getBlobClient(MAY_FILE).delete()
    await oneWeek(world)
    expect(named(world, 'file.late')).toMatchObject([
      { feed: 'usage', count: 1, remedy: expect.stringContaining('backfill --publish --feed usage') },
    ])
    expect(await publishFiles(world.services, 'usage', () => true, false)).toMatchObject({
      landing: [windowId(WINDOW)],
    })
    await world.drain()
    expect(await customersIn(world)).toEqual(names(20))
  })
})

describe('backfill --publish', () => {
  it('writes the files of windows that landed before, from their archives, without asking the service', async () => {
    const world = await landedWorld(fileOf(names(20)))
    expect(await filesIn(world).catch(() => [])).toEqual([])
    expect(await publishFiles(world.services, 'usage', () => true, false)).toHaveProperty('problem')
    const services = reading(world, PUBLISHING)
    await provision(services)
    expect((await status(services)).feeds).toMatchObject([{ withoutFile: 1 }])
    const asked = reportRequests(world.simulator).length
    const { landedAt } = (await entryOf(world)).figures ?? {}
    expect(await publishFiles(services, 'usage', () => true, true)).toMatchObject({ landing: [windowId(WINDOW)] })
    expect((await entryOf(world)).figures?.landedAt).toEqual(landedAt)
    expect(await publishFiles(services, 'usage', () => true, false)).toMatchObject({
      landing: [windowId(WINDOW)],
      left: [],
    })
    await world.drain()
    expect(reportRequests(world.simulator)).toHaveLength(asked)
    expect(await customersIn(world)).toEqual(names(20))
    expect((await entryOf(world)).figures).toMatchObject({ origin: 'service', rowsLanded: 20 })
    expect((await status(services)).feeds).toMatchObject([{ withoutFile: 0 }])
    expect(await publishFiles(services, 'usage', () => true, false)).toEqual({ landing: [], left: [], unreadable: [] })
    expect(named(world, 'window.restated')).toEqual([])
  })

  it('leaves a window alone whose archive is gone, and says why', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const services = reading(world, PUBLISHING)
    await provision(services)
    await world.container.deleteBlob((await entryOf(world)).figures?.archive ?? '')
    expect(await publishFiles(services, 'usage', () => true, false)).toMatchObject({
      landing: [],
      left: [{ why: 'has no archive: ask for its report again with retry' }],
    })
  })

  it('leaves a window alone that is not landed, and says why', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const services = reading(world, PUBLISHING)
    await provision(services)
    await askAgain({ ...world, services })
    expect(await publishFiles(services, 'usage', () => true, false)).toMatchObject({
      landing: [],
      left: [{ why: 'is requested: its next landing writes the file' }],
    })
  })
})
