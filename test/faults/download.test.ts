import { createHash, randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Effect } from '../../local/simulator/switches.ts'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { cellsOfValue, landedCells } from '../pipeline/typed-cells.ts'
import type { World } from '../setup/world.ts'
import { costsWorld, onlyEntry, turn } from './steer.ts'

const PLACES = 50

let world: World

const downloads = () => world.simulator.requests.filter(({ path }) => path.startsWith('/download/'))

/** Expects that the archive holds the bytes of the report as they were sent, and the table its rows as they were made. */
async function expectLanded(): Promise<Figures> {
  const { figures, ...entry } = await onlyEntry(world)
  expect(entry).toMatchObject({ state: 'landed', attempt: 1 })
  const served = world.simulator.served(figures?.reportId ?? '')
  if (!served || !figures) throw new Error('the service never made this report')
  const archived = await world.container.getBlobClient(figures.archive).downloadToBuffer()
  expect(archived.equals(served.bytes)).toBe(true)
  const sha256 = createHash('sha256').update(served.bytes).digest('hex')
  expect(figures).toMatchObject({ sha256, bytes: served.bytes.length, rowsLanded: served.rows.length })
  const rows = await rawRows(world.landingTable('Costs'))
  const made = served.rows.map((row) => served.columns.flatMap((column, n) => cellsOfValue(column, row[n] ?? null)))
  expect(rows.map((row) => landedCells(served.columns, row))).toEqual(made)
  return figures
}

describe('a connection that is cut', () => {
  it(`at each of ${PLACES} random places of one file, goes on from there each time`, async () => {
    world = await costsWorld({ simulator: { rows: 4000 } })
    for (let nth = 1; nth <= PLACES; nth++) {
      world.simulator.fault({ endpoint: 'download', effect: { cutAt: randomInt(1, 1500) }, nth })
    }
    await turn(world)
    await expectLanded()
    expect(downloads()).toHaveLength(PLACES + 1)
    const ranged = downloads().slice(1)
    for (const { headers } of ranged) expect(headers).toMatchObject({ range: /^bytes=\d+-$/, 'if-match': /^".+"$/ })
  })

  it(`once in each of ${PLACES} files, at a random place, the first and the last byte among them`, async () => {
    const days = { from: '2025-04-01', to: '2025-05-21', columns: ['CompletionDate', 'TrainingName'] }
    const limits = { maxInFlight: 120, maxReportsPerHour: 60 }
    world = await costsWorld({
      feeds: [{ name: 'learn', dataset: 'MSLearn', ...days }],
      simulator: { rows: 30 },
      settings: { limits },
    })
    for (let file = 0; file < PLACES; file++) {
      const cutAt = file < 2 ? file : 'random'
      // Every other download goes on from a cut; one that brought no byte at all is asked for as a whole again.
      world.simulator.fault({ endpoint: 'download', effect: { cutAt }, nth: 2 * file + 1 })
    }
    await turn(world)
    const entries = await world.entries()
    expect(entries.map(({ state }) => state)).toEqual(Array.from({ length: PLACES }, () => 'landed'))
    for (const { figures } of entries) {
      const served = world.simulator.served(figures?.reportId ?? '')
      expect(figures).toMatchObject({ rowsLanded: 30, bytes: served?.bytes.length })
      expect(figures?.sha256).toBe(
        createHash('sha256')
          .update(served?.bytes ?? '')
          .digest('hex'),
      )
    }
    expect(downloads()).toHaveLength(2 * PLACES)
  })
})

describe('a source that does not keep still', () => {
  it('a link that expires half-way is renewed, and the file goes on where it was', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'download', effect: { cutAt: 500, after: 'expired' } })
    await turn(world)
    await expectLanded()
    expect(downloads().map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=500-', 'bytes=500-'])
    const [first, , last] = downloads()
    expect(last?.query.sig).not.toBe(first?.query.sig)
  })

  it('a link that is refused from the start is renewed', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'download', effect: 'expired' })
    await turn(world)
    await expectLanded()
  })

  it('a link that is refused, of a report whose run is gone, costs nothing, and the report is named', async () => {
    world = await costsWorld()
    const message = 'There are no executions that have occurred for the given filter conditions.'
    world.simulator.fault({ endpoint: 'download', effect: 'expired' })
    world.simulator.fault({ endpoint: 'listExecutions', effect: { status: 404, message }, nth: 2 })
    await turn(world)
    const entry = await onlyEntry(world)
    expect(entry).toMatchObject({ state: 'requested', tries: 1 })
    expect(entry.lastError?.message).toContain(
      `the service no longer has the finished report ${entry.remoteReports[0]};`,
    )
  })

  it('a file that is replaced half-way is started over, so that two are never mixed', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'download', effect: { cutAt: 500, after: 'replaced' } })
    await turn(world)
    await expectLanded()
    expect(downloads().map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=500-', undefined])
  })

  it.each([1, 1000])(
    'a file that is %i byte shorter than its stated length is not taken for the whole file',
    async (lengthOff) => {
      world = await costsWorld()
      world.simulator.fault({ endpoint: 'download', effect: { lengthOff } })
      await turn(world)
      await expectLanded()
    },
  )
})

describe('other forms of the same file', () => {
  it.each<Effect>(['members', 'bom', 'lf', 'mixedEnds', 'headerCase'])('%s: the same rows', async (effect) => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'report', effect })
    await turn(world)
    await expectLanded()
  })

  it('tabs instead of the commas asked for: the same rows, from an archive with the ending .tsv.gz', async () => {
    world = await costsWorld()
    world.simulator.fault({ endpoint: 'report', effect: 'tsv' })
    await turn(world)
    expect(await expectLanded()).toMatchObject({ archive: expect.stringMatching(/\.tsv\.gz$/) })
  })
})
