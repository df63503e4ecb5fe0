import { expect, it } from 'vitest'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { askAgain, dropFormer, entryOf, FEED, HINT, landFile, named, rowsOf, serve, worldOf } from './one-window.ts'

/** As many columns as fit in a row beside its keys and lineage, with the longest names allowed. */
const WIDE = Array.from({ length: 246 }, (_, index) => `Amount${String(index).padStart(3, '0')}`.padEnd(255, 'x'))
const { columns: _, ...PLAIN } = FEED
const feedOf = (names: readonly string[]) => ({
  ...PLAIN,
  query: 'SELECT Month FROM AzureUsage',
  types: Object.fromEntries(names.map((name) => [name, 'double'])),
})
const fileOf = (names: readonly string[], cell: string) =>
  Buffer.from([['Month', ...names], ['2025-05-01', ...names.map(() => cell)], ''].map(String).join('\r\n'))

it('hundreds of numeric columns with long names land, again and again, with the sum of each', async () => {
  const world = await worldOf({ feeds: [feedOf(WIDE)] })
  await provision(world.services)
  for (const cell of ['1.5', '2.5', '3.5']) await landFile(world, fileOf(WIDE, cell))
  const sums = (sum: string) => Object.fromEntries(WIDE.map((name) => [name, sum]))
  const figures = { rowsLanded: 1, totals: sums('3.5'), totalsBefore: sums('2.5') }
  expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 4, figures })
  await dropFormer(world)
  expect(await rowsOf(world)).toHaveLength(1)
})

it('sums that are too long for the ledger fail the window before any row is written, and say what to do', async () => {
  const world = await worldOf({ feeds: [feedOf(WIDE)] })
  await provision(world.services)
  await serve(world, fileOf(WIDE, `1${'0'.repeat(300)}`))
  await askAgain(world)
  await ingest({ ingest: { ...HINT, attempt: 2 } }, world.services)
  const told = { kind: 'malformed', message: expect.stringMatching(/246 numeric columns.*select fewer columns/) }
  expect(await entryOf(world)).toMatchObject({ state: 'failed', ...told })
  expect(named(world, 'window.failed')).toMatchObject([told])
  expect((await entryOf(world)).figures).toBeUndefined()
})
