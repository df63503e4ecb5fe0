import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { windowDetail } from '../../src/core/status/window.ts'
import { HOUR_MS } from '../../src/core/time/durations.ts'
import { parseWindowId } from '../../src/core/time/window.ts'
import { valueHash } from '../../src/services/storage/erasing.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { diff } from '../../src/steps/operator/diff.ts'
import { allowAgain, erase, findRows } from '../../src/steps/operator/erase.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { deathsOf, dying, runUntilDeath } from '../setup/dying.ts'
import { rowsIfAny } from '../setup/site-storage.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  dropFormer,
  entryOf,
  FEED,
  feedRowOf,
  fileOf,
  HALF_A_YEAR,
  importFile,
  landedWorld,
  landFile,
  landImport,
  MAY,
  named,
  names,
  rowsOf,
  serve,
  WINDOW,
  worldOf,
} from './one-window.ts'

const ANNA = 'Anna Maria Vogelsang'
const WHERE = { column: 'CustomerName', value: ANNA }
const LENIENT = { ...FEED, maxRejects: 0.9 }

/** Rows of customers, three of Anna between them, one of these with another case and in quotes. */
const withAnna = (count: number) =>
  fileOf([ANNA, ...names(count), ANNA.toUpperCase(), ...names(count, 'other'), `"${ANNA} "`])

const eraseAnna = (services: Services) => erase(services, FEED.name, WHERE)

/** Erases, and lets the app do its part. */
async function erased(world: World): Promise<Awaited<ReturnType<typeof eraseAnna>>> {
  const result = await eraseAnna(world.services)
  await world.drain()
  await dropFormer(world)
  return result
}

/** Lets the app work for some hours. */
async function finished({ services, clock, drain }: World): Promise<void> {
  for (let hour = 0; hour < 4; hour += 1) {
    await drain()
    clock.advance(HOUR_MS)
    await sweep(services)
    await drain()
  }
  expect(await services.ledger.drops(FEED.name)).toEqual([])
}

async function blobsOf({ container }: World): Promise<ReadonlyMap<string, string>> {
  const blobs = new Map<string, string>()
  for await (const { name } of container.listBlobsFlat()) {
    const bytes = await container.getBlobClient(name).downloadToBuffer()
    blobs.set(name, (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'))
  }
  return blobs
}

/** Where anything of Anna is: in rows, files, the ledger, events or messages. */
async function placesOfAnna(world: World): Promise<readonly string[]> {
  const places: (readonly [string, unknown])[] = [
    ['rows', await rowsIfAny(world.landingTable('Usage'))],
    ['ledger', await rowsIfAny(world.ledgerTable)],
    ['events', world.events],
    ['messages', world.sent],
    ...(await blobsOf(world)),
  ]
  return places.flatMap(([place, value]) => (JSON.stringify(value).toLowerCase().includes('vogelsang') ? [place] : []))
}

/** The commands that a person is offered to see what the last landing changed. */
async function offersOf(world: World): Promise<readonly string[]> {
  const detail = windowDetail(world.clock.now(), '1', await entryOf(world), await feedRowOf(world))
  return detail.commands.filter((command) => command.includes(' diff '))
}

async function diffOf({ services }: World) {
  const folder = await mkdtemp(join(tmpdir(), 'diff-'))
  const { signal } = new AbortController()
  return diff(services, FEED.name, WINDOW, { attempts: [], rows: 0, folder, signal, progress: () => undefined })
}

/** A comparison of the last two landings is offered, and finds both. */
async function expectOffer(world: World, rows: { readonly before: number; readonly after: number }): Promise<void> {
  expect(await offersOf(world)).toHaveLength(1)
  expect(await diffOf(world)).toMatchObject({ before: { rows: rows.before }, after: { rows: rows.after } })
}

describe('erase', () => {
  it('says with a dry run what would go, and changes nothing', async () => {
    const world = await landedWorld(withAnna(20))
    const before = [await rowsOf(world), await rowsIfAny(world.ledgerTable), [...(await blobsOf(world)).keys()]]
    const found = { windows: [{ window: MAY, rows: 3, files: 1 }], unknown: [] }
    expect(await findRows(world.services, FEED.name, WHERE)).toEqual(found)
    expect(
      await findRows(world.services, FEED.name, { column: 'customername', value: ` ${ANNA.toLowerCase()}` }),
    ).toEqual(found)
    const after = [await rowsOf(world), await rowsIfAny(world.ledgerTable), [...(await blobsOf(world)).keys()]]
    expect(after).toEqual(before)
  })

  it('lands the window again without the rows, and its former archive goes; the figures say so', async () => {
    const world = await landedWorld(withAnna(20))
    const { figures: before, attempt } = await entryOf(world)
    const result = await erased(world)
    expect(result).toEqual({ windows: [{ window: MAY, rows: 3, files: 1, attempt: attempt + 1 }], unknown: [] })
    const { state, figures } = await entryOf(world)
    expect(state).toBe('landed')
    expect(figures).toMatchObject({ rowsRead: 40, rowsLanded: 40, rowsErased: 3, totals: { UsageQuantity: '40' } })
    expect(figures).toMatchObject({ origin: 'service', reportId: before?.reportId, requestedAt: before?.requestedAt })
    // The difference to the totals before would be what was Anna's.
    expect(figures).not.toHaveProperty('totalsBefore')
    expect(figures).not.toHaveProperty('rowsBefore')
    expect(named(world, 'window.restated')).toEqual([])
    expect([...(await blobsOf(world)).keys()]).toEqual([figures?.archive])
    expect(await rowsOf(world)).toHaveLength(40)
    expect(named(world, 'window.erased')).toMatchObject([{ window: MAY, count: 3 }])
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('compares no landing with one of which other values were left out', async () => {
    const withBob = [...names(18), 'Bob', 'Bob']
    const world = await landedWorld(fileOf([ANNA, ANNA, ANNA, ...withBob]))
    await erased(world)
    await serve(world, fileOf(withBob))
    await askAgain(world)
    const bob = { ...WHERE, value: 'Bob' }
    expect(await erase(world.services, FEED.name, bob)).toMatchObject({
      windows: [{ problem: expect.stringMatching(/is requested/) }],
    })
    await sweep(world.services)
    await world.drain()
    const { figures } = await entryOf(world)
    expect(figures).toMatchObject({ rowsLanded: 18, rowsErased: 2 })
    expect(figures).not.toHaveProperty('totalsBefore')
    await landFile(world, fileOf([...names(17), 'Bob']))
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 17, rowsBefore: 18 })
    expect(named(world, 'window.restated')).toMatchObject([{ count: 17 }])
  })

  it('leaves the archive that it made for the comparison with the next landing', async () => {
    const world = await landedWorld(withAnna(20))
    await eraseAnna(world.services)
    await world.drain()
    // A report lands before the files are looked for once more, an hour later.
    await landFile(world, withAnna(21))
    await dropFormer(world)
    await expectOffer(world, { before: 40, after: 42 })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('leaves the copy that a landing makes of a report stored before, although it has its number', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await serve(world, withAnna(20))
    await askAgain(world)
    const { archive } = world.services
    const { attempt } = await entryOf(world)
    // The value is erased after the report was stored, and before its landing looks at what is erased.
    let erased = false
    const write: Services['archive']['write'] = (name, origin) => {
      const writer = archive.write(name, origin)
      return {
        ...writer,
        async commit(left) {
          const blob = await writer.commit(left)
          if (!erased) {
            erased = true
            await eraseAnna(world.services)
          }
          return blob
        },
      }
    }
    await ingest(
      { ingest: { feed: FEED.name, window: MAY, attempt } },
      { ...world.services, archive: { ...archive, write } },
    )
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ attempt, figures: { rowsErased: 3 } })
    await landFile(world, withAnna(21))
    await dropFormer(world)
    await expectOffer(world, { before: 40, after: 42 })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('leaves a report without the value, which lands again, for the comparison with the next landing', async () => {
    const world = await landedWorld(withAnna(20))
    await serve(world, withAnna(20))
    await askAgain(world)
    await eraseAnna(world.services)
    await sweep(world.services)
    await world.drain()
    // The report that was on its way has landed without the rows; the one before it still holds them.
    expect(await eraseAnna(world.services)).toMatchObject({ windows: [{ rows: 0, files: 1 }] })
    await world.drain()
    await landFile(world, withAnna(21))
    await dropFormer(world)
    await expectOffer(world, { before: 40, after: 42 })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('offers no comparison with a landing whose archive goes, and keeps no total of it', async () => {
    const world = await landedWorld(withAnna(20))
    await landFile(world, fileOf(names(20)))
    expect((await entryOf(world)).figures).toMatchObject({ rowsBefore: 43 })
    await erased(world)
    const { figures } = await entryOf(world)
    expect(figures).toMatchObject({ rowsLanded: 20 })
    for (const field of ['totalsBefore', 'rowsBefore', 'grown']) expect(figures).not.toHaveProperty(field)
    expect(await offersOf(world)).toEqual([])
    expect(await diffOf(world)).toEqual({ problem: expect.stringMatching(/no archive stands of a landing before/) })
  })

  it('that is ended makes nothing restated, where the rows come back', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    await allowAgain(world.services, FEED.name, WHERE)
    await landFile(world, withAnna(20))
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 43 })
    expect(named(world, 'window.restated')).toEqual([])
  })

  it('keeps every other row of the archive exactly as the service wrote it', async () => {
    const rest = fileOf([...names(3), '"a ""quoted"", name"', 'Anna Maria Vogelsang-Stern'])
    const lines = rest.toString('utf8').split('\r\n')
    const file = Buffer.from([...lines.slice(0, 3), `2025-05-01,"${ANNA}",7`, ...lines.slice(3)].join('\r\n'))
    const world = await landedWorld(file)
    await erased(world)
    expect([...(await blobsOf(world)).values()]).toEqual([rest.toString('utf8')])
  })

  it('does not let a replay bring the rows back, and finds nothing the second time', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 40, rowsErased: 3 } })
    await dropFormer(world)
    expect(await eraseAnna(world.services)).toEqual({ windows: [], unknown: [] })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('does not let a replay of the old archive bring them back, in the minutes for which it stands', async () => {
    const world = await landedWorld(withAnna(20))
    const old = (await entryOf(world)).figures?.archive ?? ''
    await eraseAnna(world.services)
    await world.drain()
    expect((await blobsOf(world)).has(old)).toBe(true)
    expect(await replay(world.services, FEED.name, WINDOW, old)).toMatchObject({ archive: old })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 40, rowsErased: 3 } })
    await dropFormer(world)
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('reaches the archives and rejects of earlier attempts, and text that could not be read', async () => {
    const bad = [`2025-05-01,${ANNA},many`, `2025-05-01,${ANNA}`, `"2025"-05-01,"${ANNA}",4`].join('\r\n')
    const world = await landedWorld(Buffer.from(`${withAnna(20)}${bad}\r\n`), LENIENT)
    await landFile(world, withAnna(10))
    await landFile(world, Buffer.from(`${fileOf(names(30))}2025-05-01,x,many\r\n`))
    const [found] = [await findRows(world.services, FEED.name, WHERE)]
    // Its rows are published no more, but two archives and a list of rejects hold them.
    expect(found).toMatchObject({ windows: [{ rows: 0, files: 3 }] })
    await erased(world)
    expect(await placesOfAnna(world)).toEqual([])
    const entry = await entryOf(world)
    expect(entry.figures).toMatchObject({ rowsLanded: 30, rowsRejected: 1 })
    expect([...(await blobsOf(world)).keys()].toSorted()).toEqual(
      [entry.figures?.archive ?? '', entry.figures?.rejects ?? ''].toSorted(),
    )
  })

  it('leaves out what the service sends again, before it is stored', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    await landFile(world, withAnna(25))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 50, rowsErased: 3 } })
    expect(await placesOfAnna(world)).toEqual([])
    expect(named(world, 'window.erased')).toHaveLength(2)
  })

  it('leaves out what a person imports', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    await landImport(world, withAnna(5))
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 10, rowsErased: 3, origin: 'import' })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('of all rows of a window leaves it landed and complete without rows', async () => {
    const world = await landedWorld(fileOf([ANNA, ANNA]))
    await erased(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 0, rowsErased: 2 } })
    expect((await status(world.services)).feeds[0]).toMatchObject({ complete: 1, earlyBlanks: 0, problems: [] })
  })

  it('removes the files of a window that was forgotten, and of one that failed', async () => {
    const world = await landedWorld(withAnna(20))
    const old = (await entryOf(world)).figures?.archive ?? ''
    await forget(world.services, FEED.name, WINDOW)
    expect(await erased(world)).toMatchObject({ windows: [{ files: 1, removed: true }] })
    expect(await placesOfAnna(world)).toEqual([])
    expect(await replay(world.services, FEED.name, WINDOW, old)).toHaveProperty('problem')
    await provision(world.services)
    await landFile(
      world,
      Buffer.from(`Month,CustomerName,UsageQuantity\r\n2025-05-01,${ANNA},many\r\n2025-05-01,b,2\r\n`),
    )
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsErased: 1 } })
  })

  it('removes the file of an import that was killed before it had an entry', async () => {
    const world = await landedWorld(fileOf(names(20)))
    const { ledger } = world.services
    const killed = { ...world.services, ledger: { ...ledger, write: () => Promise.reject(new Error('killed')) } }
    await expect(importFile(killed, withAnna(3))).rejects.toThrow('killed')
    expect(await erased(world)).toMatchObject({ windows: [{ files: 1 }] })
    expect(await placesOfAnna(world)).toEqual([])
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 20 } })
  })

  it('lands what failed again, without the rows', async () => {
    const world = await worldOf({ feeds: [FEED] })
    await provision(world.services)
    await landFile(world, Buffer.from(`${withAnna(5)}2025-05-01,${ANNA},many\r\n2025-05-01,x,many\r\n`))
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'too-many-rejects' })
    await erased(world)
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'too-many-rejects' })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('names a column that no report has, and erases nothing', async () => {
    const world = await landedWorld(withAnna(20))
    const wrong = { column: 'Customer', value: ANNA }
    const told = { problem: expect.stringContaining('has a column "Customer"') }
    expect(await erase(world.services, FEED.name, wrong)).toEqual(told)
    expect(await findRows(world.services, FEED.name, wrong)).toEqual(told)
    expect(await world.services.ledger.readApp(`erased~${FEED.name}`)).toBeUndefined()
  })

  it('names a window with an attempt under way, and erases it once that has ended', async () => {
    const world = await landedWorld(withAnna(20))
    expect(await replay(world.services, FEED.name, WINDOW)).toHaveProperty('attempt')
    const told = (state: string) => ({
      windows: [
        { problem: expect.stringContaining(`is ${state}: wait until it is landed or failed, and erase again`) },
      ],
    })
    expect(await eraseAnna(world.services)).toMatchObject(told('landing'))
    await world.drain()
    await serve(world, withAnna(20))
    await askAgain(world)
    expect(await eraseAnna(world.services)).toMatchObject(told('requested'))
    await sweep(world.services)
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsErased: 3 } })
    await erased(world)
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('during a download names the window, and what was being downloaded lands without the rows', async () => {
    const world = await landedWorld(fileOf(names(20)))
    await serve(world, withAnna(20))
    await askAgain(world)
    const { archive } = world.services
    const told: unknown[] = []
    const write: Services['archive']['write'] = (name, origin) => {
      const writer = archive.write(name, origin)
      return {
        ...writer,
        async commit(left) {
          if (told.length === 0) {
            told.push(await findRows(world.services, FEED.name, WHERE), await eraseAnna(world.services))
          }
          return writer.commit(left)
        },
      }
    }
    const { attempt } = await entryOf(world)
    const hint = { ingest: { feed: FEED.name, window: MAY, attempt } }
    await ingest(hint, { ...world.services, archive: { ...archive, write } })
    const arriving = { windows: [], unknown: [{ problem: expect.stringMatching(/is landing: .*erase again$/) }] }
    expect(told).toEqual([arriving, arriving])
    await world.drain()
    await dropFormer(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 40, rowsErased: 3 } })
    expect(await placesOfAnna(world)).toEqual([])
    expect(await eraseAnna(world.services)).toEqual({ windows: [], unknown: [] })
  })

  it('does not make a file fail by the share of its rejects, which the erased rows had a part in', async () => {
    const world = await landedWorld(Buffer.from(`${fileOf([...names(998), ANNA, ANNA])}2025-05-01,x,many\r\n`))
    await erased(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 998, rowsErased: 2 } })
    expect(await placesOfAnna(world)).toEqual([])
  })

  it.each([
    [
      'a byte that is no UTF-8',
      Buffer.from(`Month,CustomerName,UsageQuantity\r\n2025-05-01,M\xfcller,1\r\n2025-05-01,${ANNA},1\r\n`, 'latin1'),
    ],
    [
      'UTF-16',
      Buffer.from(`\uFEFFMonth,CustomerName,UsageQuantity\r\n2025-05-01,${ANNA.toUpperCase()},1\r\n`, 'utf16le'),
    ],
    ['a title above its header', Buffer.from(`Usage of May\r\n\r\n${withAnna(3)}`)],
    ['semicolons', Buffer.from(withAnna(3).toString().replaceAll(',', ';'))],
    ['line ends of CR alone', Buffer.from(withAnna(3).toString().replaceAll('\n', ''))],
  ])('finds a value in a file that failed for %s, and the file goes', async (_, file) => {
    for (const landed of [true, false]) {
      const world = landed ? await landedWorld(fileOf(names(20))) : await worldOf({ feeds: [FEED] })
      await provision(world.services)
      await landFile(world, file)
      expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'malformed' })
      expect(await findRows(world.services, FEED.name, WHERE)).toMatchObject({ windows: [{ rows: 0, files: 1 }] })
      await erased(world)
      expect(await findRows(world.services, FEED.name, { ...WHERE, value: ANNA })).not.toHaveProperty('windows.0')
      for (const text of (await blobsOf(world)).values()) expect(text.replaceAll('\0', '')).not.toMatch(/vogelsang/i)
      await landFile(world, file)
      for (const text of (await blobsOf(world)).values()) expect(text.replaceAll('\0', '')).not.toMatch(/vogelsang/i)
    }
  })

  it('says of a file that it cut off that the service is asked again, and no replay', async () => {
    const world = await worldOf({ feeds: [FEED] })
    await provision(world.services)
    const { attempt } = await entryOf(world)
    await landFile(
      world,
      Buffer.from(`Month,CustomerName,UsageQuantity\r\n2025-05-01,M\xfcller,1\r\n2025-05-01,${ANNA},1\r\n`, 'latin1'),
    )
    await erased(world)
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'failed', kind: 'malformed', attempt: attempt + 2 })
    const { toDo } = await status(world.services)
    const told = {
      remedy: expect.stringMatching(/was cut off .* Ask the service/),
      command: expect.stringMatching(/ retry /),
    }
    expect(toDo.filter(({ kind }) => kind === 'window-failed')).toMatchObject([told])
    const detail = windowDetail(world.clock.now(), '1', entry, await feedRowOf(world))
    expect(detail.commands.join(' ')).not.toContain(' replay ')
    await landFile(world, fileOf(names(3)))
    expect(await entryOf(world)).toMatchObject({ state: 'landed' })
  })

  it('names a window whose archive is gone', async () => {
    const world = await landedWorld(withAnna(20))
    await landImport(world, fileOf(names(4)))
    await world.container.deleteBlob((await entryOf(world)).figures?.archive ?? '')
    const found = await erase(world.services, FEED.name, WHERE)
    expect(found).toMatchObject({ unknown: [{ problem: expect.stringMatching(/its archive is gone.*"retry"/) }] })
  })

  it('finds a value in every window that has it', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await provision(world.services)
    await sweep(world.services)
    await world.drain()
    const january = parseWindowId('20250101T000000Z_20250201T000000Z') ?? WINDOW
    for (const [window, rows] of [
      [WINDOW, 2],
      [january, 1],
    ] as const) {
      const day = window.from.toISOString().slice(0, 10)
      const lines = Array.from({ length: rows }, () => `${day},${ANNA},1`)
      const text = ['Month,CustomerName,UsageQuantity', ...lines, `${day},x,1`, ''].join('\r\n')
      await importFile(world.services, Buffer.from(text), window)
    }
    await world.drain()
    expect(await findRows(world.services, FEED.name, WHERE)).toMatchObject({
      windows: [
        { window: '20250101T000000Z_20250201T000000Z', rows: 1 },
        { window: MAY, rows: 2 },
      ],
    })
    await erased(world)
    expect(await placesOfAnna(world)).toEqual([])
  })

  it('of two values by two people at once leaves neither, at the latest when both are repeated', async () => {
    const world = await landedWorld(fileOf([ANNA, 'Bert Vogelsang', ...names(5)]))
    const bert = { column: 'CustomerName', value: 'Bert Vogelsang' }
    const both = (services: Services) => Promise.all([eraseAnna(services), erase(services, FEED.name, bert)])
    await both(world.services)
    await world.drain()
    await both(world.services)
    await world.drain()
    await dropFormer(world)
    await eraseAnna(world.services)
    await erase(world.services, FEED.name, bert)
    await world.drain()
    await dropFormer(world)
    expect(await placesOfAnna(world)).toEqual([])
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 5, rowsErased: 2 })
  })

  it('can be ended: then the value lands again', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    expect(await allowAgain(world.services, FEED.name, { ...WHERE, value: 'nobody' })).toHaveProperty('problem')
    expect(await allowAgain(world.services, FEED.name, WHERE)).toEqual({
      allowed: true,
      lacking: [WINDOW],
      imported: [],
    })
    await landFile(world, withAnna(20))
    expect((await entryOf(world)).figures).toMatchObject({ rowsLanded: 43 })
    expect((await entryOf(world)).figures).not.toHaveProperty('rowsErased')
  })

  it('can be ended when the feed is purged already', async () => {
    const world = await landedWorld(withAnna(20))
    await erased(world)
    await world.ledgerTable.deleteEntity('_app', 'feed~usage')
    const nobody = { ...WHERE, value: 'nobody' }
    expect(await allowAgain(world.services, FEED.name, nobody)).toEqual({
      problem: 'feed usage is not known to the app',
    })
    expect(await allowAgain(world.services, FEED.name, WHERE)).toMatchObject({ allowed: true })
    expect((await world.services.ledger.readApp(`erased~${FEED.name}`))?.value).toMatchObject({ columns: {} })
  })

  it('is refused where no more values can be remembered, before anything is changed', async () => {
    const world = await landedWorld(withAnna(20))
    const { ledger } = world.services
    const hashes = Array.from({ length: 7_500 }, (_, nth) =>
      valueHash('salt', 'customername', `customer of old ${nth}`),
    )
    const row = { salt: 'salt', columns: { customername: hashes } }
    await ledger.writeApp(`erased~${FEED.name}`, row, undefined)
    const before = await entryOf(world)
    expect(await eraseAnna(world.services)).toEqual({ problem: expect.stringMatching(/7500 values.*--allow-again/) })
    expect([await entryOf(world), (await ledger.readApp(`erased~${FEED.name}`))?.value]).toEqual([before, row])
    await allowAgain(world.services, FEED.name, { ...WHERE, value: 'customer of old 7' })
    expect(await eraseAnna(world.services)).toMatchObject({ windows: [{ rows: 3 }] })
  })

  it.each([
    ['the command', () => eraseAnna, async () => undefined],
    [
      'the landing',
      (world: World) => (services: Services) => drainWith(world, services),
      (world: World) => eraseAnna(world.services),
    ],
  ])(
    'comes to the same end when repeated, whichever call kills %s',
    async (_, stepOf, prepare) => {
      const open = async () => {
        const world = await landedWorld(withAnna(4), LENIENT)
        await prepare(world)
        return world
      }
      const whole = await open()
      const alive = dying(whole.services)
      await stepOf(whole)(alive.services)
      const points = deathsOf(alive.calls)
      expect(points.length).toBeGreaterThan(3)
      for (const death of points) {
        const world = await open()
        const where = `${death.side} call ${death.at}, ${alive.calls[death.at - 1]}`
        await runUntilDeath(dying(world.services, death), stepOf(world))
        await finished(world)
        await eraseAnna(world.services)
        await finished(world)
        expect(await placesOfAnna(world), where).toEqual([])
        expect(await entryOf(world), where).toMatchObject({
          state: 'landed',
          figures: { rowsLanded: 8, rowsErased: 3 },
        })
        await world.close()
      }
    },
    120_000,
  )
})

/** Takes the message of the landing on an instance that may die. */
async function drainWith(world: World, services: Services): Promise<void> {
  const { attempt } = await entryOf(world)
  await ingest({ ingest: { feed: FEED.name, window: MAY, attempt } }, services)
}
