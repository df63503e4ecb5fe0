import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { landedCell, type RawRow, rawRows } from '../pipeline/raw-rows.ts'
import type { World } from '../setup/world.ts'
import { COLUMNS, costsWorld, DAY, deliver, dropFormer, FEED, onlyEntry, planAgain } from './steer.ts'

type Row = readonly [customer: string, started: string, duplicate: string, amount: string]

const HEADER = COLUMNS.join(',')
const lineOf = ([customer, ...rest]: Row) => ['2025-05-01', `"${customer}"`, ...rest].join(',')
const fileOf = (rows: readonly Row[]) => [HEADER, ...rows.map(lineOf), ''].join('\r\n')
const rowOf = (index: number): Row => [`Customer ${index}`, '2024-02-29', String(index % 2), `${index}.25`]

/** Ways in which the service restates a window; `seed` makes each one different. */
const RESTATEMENTS = {
  fewer: (rows: readonly Row[]) => rows.slice(0, Math.max(Math.floor(rows.length * 0.6), 1)),
  more: (rows: readonly Row[], seed: number) => [...rows, ...Array.from({ length: 130 }, (_, n) => rowOf(seed + n))],
  changed: (rows: readonly Row[], seed: number) => rows.map((row, n) => (n % 3 === 0 ? rowOf(seed + n) : row)),
  without: (rows: readonly Row[]) => rows.filter((_, index) => index % 7 !== 0 || rows.length < 8),
  same: (rows: readonly Row[]) => rows,
}

/** Files that do not pass the check, and the kind of failure of each. */
const BROKEN = {
  'bad last row': { kind: 'too-many-rejects', file: (rows: readonly Row[]) => `${fileOf(rows)}2025-05-01,x,y,1,2` },
  'header only': { kind: 'suspicious-empty', file: () => `${HEADER}\r\n` },
  redacted: { kind: 'redacted', file: fileOf },
  'missing column': { kind: 'column-missing', file: () => 'Month,CustomerName\r\n2025-05-01,x\r\n' },
} as const

const SHARDS = [1, 2, 16, 512]

type Step =
  | { readonly restate: keyof typeof RESTATEMENTS; readonly shards: number }
  | { readonly broken: keyof typeof BROKEN }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ restate: keysOf(RESTATEMENTS), shards: fc.constantFrom(...SHARDS) }) },
  { weight: 1, arbitrary: fc.record({ broken: keysOf(BROKEN) }) },
)

function keysOf<T extends object>(of: T): fc.Arbitrary<keyof T> {
  return fc.constantFrom(...(Object.keys(of) as (keyof T)[]))
}

const landed = (from: World) => rawRows(from.landingTable('Costs'))

/** What must stand: every row once, in its place, with all it says. */
function standing(rows: readonly Row[], attempt: number, shards: number, generation: string | undefined) {
  return rows.map(([customer, started, duplicate, amount], record) => [
    `20250501_g${generation}_${String(Math.floor(record / 100) % shards).padStart(3, '0')}`,
    ...[String(record).padStart(9, '0'), attempt, `Edm.String ${customer}`, `Edm.DateTime ${started}T00:00:00Z`],
    ...[`Edm.Int64 ${duplicate}`, `Edm.Double ${Number(amount)}`],
  ])
}

const seen = (row: RawRow) => [
  ...[row.PartitionKey, row.RowKey, row._attempt],
  ...COLUMNS.slice(1).map((column) => landedCell(row, column).replace('.0000000Z', 'Z')),
]

describe('a restated window', () => {
  it('holds exactly the rows of its last good report, in whatever order reports came', async () => {
    const history = fc.array(step, { minLength: 4, maxLength: 7 })
    await fc.assert(fc.asyncProperty(history, live), { numRuns: 4 })
  })

  it.each(Object.keys(BROKEN) as (keyof typeof BROKEN)[])(
    'keeps every earlier row and its figures byte for byte when the new report fails: %s',
    async (broken) => {
      const world = await costsWorld()
      const rows = Array.from({ length: 250 }, (_, index) => rowOf(index))
      await deliver(world, fileOf(rows))
      await planAgain(world)
      await refused(world, broken, rows)
    },
  )
})

/** Delivers a broken report: nothing may change, not even the times of the rows. */
async function refused(world: World, broken: keyof typeof BROKEN, rows: readonly Row[]): Promise<void> {
  const before = { rows: await landed(world), figures: (await onlyEntry(world)).figures }
  const { kind, file } = BROKEN[broken]
  if (broken === 'redacted') world.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted' })
  expect(await deliver(world, file(rows))).toMatchObject({ state: 'failed', kind, figures: before.figures })
  await dropFormer(world)
  expect(await landed(world)).toEqual(before.rows)
  expect(before.rows[0]).toHaveProperty('odata.etag')
}

/** Lets one deployment meet these reports one after the other. */
async function live(steps: readonly Step[]): Promise<void> {
  const feed = { ...FEED, shards: 16 }
  const world = await costsWorld({ feeds: [feed] })
  let rows: readonly Row[] = Array.from({ length: 250 }, (_, index) => rowOf(index))
  await deliver(world, fileOf(rows))
  for (const [index, each] of steps.entries()) {
    await planAgain(world)
    // A refused file blocks its feed for a day.
    world.clock.advance(DAY + 1)
    if ('broken' in each) {
      await refused(world, each.broken, rows)
      continue
    }
    feed.shards = each.shards
    rows = RESTATEMENTS[each.restate](rows, 1000 * (index + 1))
    const entry = await deliver(world, fileOf(rows))
    expect(entry).toMatchObject({ state: 'landed', attempt: index + 2, figures: { rowsLanded: rows.length } })
    await dropFormer(world)
    const { figures } = entry
    expect((await landed(world)).map(seen)).toEqual(standing(rows, index + 2, each.shards, figures?.generation))
  }
}
