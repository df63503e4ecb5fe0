import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../src/core/time/durations.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { turn } from '../faults/steer.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import type { World } from '../setup/world.ts'
import {
  dropFormer,
  entryOf,
  fileOf,
  hint,
  landedWorld,
  MAY,
  names,
  rowsOf,
  serve,
  withTable,
  worldOf,
} from './one-window.ts'

// The cases of rows that were written over other rows. `generations.test.ts`, `storage-awaited.test.ts` and `test/engine`
// hold those of a landing that fails, of a busy table, and of a frozen writer.

describe('the case of an entry that was deleted by hand, and a next report with fewer rows', () => {
  it('asks for the window anew, and after an audit the table holds exactly the rows of that report', async () => {
    const world = await landedWorld(fileOf(names(300)))
    const { services, clock, ledgerTable } = world
    await ledgerTable.deleteEntity('usage', MAY)
    await serve(world, fileOf(names(100, 'later')))
    clock.advance(DAY_MS)
    await provision(services)
    await hint(world)
    expect(await entryOf(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: 100 } })
    // A reader who asks the ledger sees one landing; the table itself still holds the other.
    expect(await rowsOf(world)).toHaveLength(400)
    clock.advance(7 * DAY_MS)
    await sweep(services)
    await dropFormer(world)
    const customers = (await rowsOf(world)).map(({ CustomerName }) => CustomerName)
    expect(customers.toSorted()).toEqual(names(100, 'later').toSorted())
  })
})

const SNAPSHOT = { name: 'profile', dataset: 'Profile', snapshot: 'P7D', columns: ['MPNId', 'PartnerName'] }
const PARTNERS = Buffer.from('MPNId,PartnerName\r\n1,Contoso\r\n')

function windowOf(id: string): Window {
  return parseWindowId(id) ?? fail(id)
}

function fail(id: string): never {
  throw new Error(`no window ${id}`)
}

const importInto = ({ services }: World, id: string) => {
  async function* bytes() {
    yield PARTNERS
  }
  return importReport(services, SNAPSHOT.name, windowOf(id), { name: 'partners.csv', bytes })
}

describe('the case of half-day imports into a feed of snapshots', () => {
  it('refuses them: no two windows share a day, which their rows are found by', async () => {
    const world = await worldOf({ feeds: [SNAPSHOT] })
    await turn(world)
    const before = await world.entries()
    for (const half of ['20250601T000000Z_20250601T120000Z', '20250601T120000Z_20250602T000000Z']) {
      expect(await importInto(world, half)).toEqual({ problem: expect.stringContaining('is not cut at a day') })
    }
    expect(await importInto(world, '20250601T000000Z_20250602T000000Z')).toMatchObject({ attempt: 1 })
    expect(await importInto(world, '20250601T000000Z_20250603T000000Z')).toEqual({
      problem: expect.stringContaining('overlaps'),
    })
    expect(await world.entries()).toHaveLength(before.length + 1)
  })
})

describe('the case of a file that is imported byte by byte', () => {
  it('is gzip if its first two bytes are, whatever its name says', async () => {
    const world = await worldOf({ feeds: [SNAPSHOT] })
    await turn(world)
    const days = ['20250601T000000Z_20250602T000000Z', '20250602T000000Z_20250603T000000Z']
    const imports: string[] = []
    for (const [index, file] of [gzipSync(PARTNERS), Buffer.from('\x1fMPNId\r\n')].entries()) {
      async function* bytes() {
        yield Buffer.alloc(0)
        for (let at = 0; at < file.length; at += 1) yield file.subarray(at, at + 1)
      }
      const imported = await importReport(world.services, SNAPSHOT.name, windowOf(days[index] ?? ''), {
        name: 'partners',
        bytes,
      })
      imports.push('archive' in imported ? imported.archive : imported.problem)
    }
    expect(imports).toEqual([expect.stringMatching(/\.csv\.gz$/), expect.stringMatching(/[^.]{12}\.csv$/)])
  })
})

describe('the case of a snapshot that is replayed after its time, and fails while its rows are written', () => {
  it('leaves the rows as they were and says so, and a further replay lands', async () => {
    const world = await worldOf({ feeds: [SNAPSHOT] })
    await turn(world)
    const { services, clock } = world
    const [landed] = await world.entries()
    if (landed?.state !== 'landed') throw new Error('nothing landed')
    const { feed, window, figures } = landed
    const rows = () => rawRows(world.landingTable('Profile'))
    const before = await rows()
    clock.advance(8 * DAY_MS)
    expect(await replay(services, feed, window)).toMatchObject({ attempt: 2 })
    const id = windowId(window)
    const broken = withTable(services, (table) => ({
      async write(...rest) {
        await table.write(...rest)
        throw new Error('broken')
      },
    }))
    for (const state of ['landing', 'failed']) {
      await expect(hint(world, broken, { feed, window: id, attempt: 2 })).rejects.toThrow('broken')
      await poison({ ingest: { feed, window: id, attempt: 2 } }, services)
      expect((await world.entries())[0]).toMatchObject({ state, figures })
      clock.advance(HOUR_MS)
    }
    expect(await rows()).toHaveLength(2 * before.length)
    for (let look = 0; look < 2; look += 1) {
      await sweep(services)
      await world.drain()
      clock.advance(HOUR_MS)
    }
    expect(await rows()).toEqual(before)
    expect(await replay(services, feed, window)).toMatchObject({ attempt: 3 })
    await world.drain()
    expect((await world.entries())[0]).toMatchObject({ state: 'landed', attempt: 3 })
  })
})
