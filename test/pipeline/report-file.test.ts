import { expect, it } from 'vitest'
import { openWorld } from '../setup/world.ts'
import { type RawRow, rawRows } from './raw-rows.ts'

/** A system query of the service, for which the simulator serves the file. */
const QUERY_ID = 'd1a4d75e-5ca8-4847-845f-ee0a9be6f07b'

const COLUMNS = 44
const ROWS = 1_000

/** Cells that a reader might change by guessing their type. None may change. */
const CELLS: readonly string[] = [
  '{"project":"atlas","owner":"Müller, \\"Jo\\"","tags":["a","b"]}',
  'NULL',
  '0.00012345678',
  '-1234567.89012345678',
  '1701234567890',
  '',
  'line one\nline two',
  'He said "yes", twice',
  '2025-05-01T00:00:00Z',
  '007',
  'true',
  '1e10',
  ' blanks around ',
  '株式会社 🚀',
]

const header = Array.from({ length: COLUMNS }, (_, index) => (index === 0 ? 'x_CostCategory' : `Column${index}`))
const cells = Array.from({ length: ROWS }, (_, row) =>
  header.map((_, column) => (column === 1 ? `row ${row}` : (CELLS[(row + column * 3) % CELLS.length] ?? ''))),
)

/** Every cell is quoted, which few writers do, so that the file has another form than the simulator's. */
const text = [header, ...cells].map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\n')

it('a file of 44 columns and 1,000 awkward rows lands cell for cell in every window, all as text', async () => {
  const types = Object.fromEntries(header.map((column) => [column, 'string']))
  const feed = { name: 'costs', dataset: 'AzureUsage', queryId: QUERY_ID, types, from: '2025-05-01', to: '2025-07-01' }
  const world = await openWorld({ feeds: [feed] })
  world.simulator.serveFile(QUERY_ID, Buffer.from(text))
  await world.run()
  const rows = await rawRows(world.landingTable('Costs'))
  expect(rows).toHaveLength(2 * ROWS)
  for (const month of ['20250501', '20250601']) {
    const landed = rows.filter(({ PartitionKey }) => String(PartitionKey).startsWith(month))
    expect(landed.map(textCells)).toEqual(cells)
  }
})

/** Text is what the service stores without a stated type. */
function textCells(row: RawRow): readonly (string | number | boolean | undefined)[] {
  return header.map((column) => (`${column}@odata.type` in row ? `${column} is no text` : row[column]))
}
