import { describe, expect, it } from 'vitest'
import { FAILURES, type FailureKind } from '../../src/core/failures.ts'
import { status } from '../../src/steps/status.ts'
import { landedCell, rawRows } from '../pipeline/raw-rows.ts'
import { findFeedRow } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { COLUMNS, costsWorld, deliver, FEED } from './steer.ts'

const HEADER = COLUMNS.join(',')
const GOOD = '2025-05-01,Contoso,2024-02-29,1,10.5'
const fileOf = (...lines: readonly string[]) => lines.map((line) => `${line}\r\n`).join('')
const wide = (count: number) => Array.from({ length: count }, (_, index) => `Wide${index}`)

/** Unpacks to more than a hundred times what a report of that size holds. */
const BOMB = Buffer.concat([Buffer.from(fileOf(HEADER)), Buffer.alloc(120 * 1024 * 1024, ' ')])

/** The same feed with a query that the user wrote: the header of its reports decides what lands. */
const OWN_QUERY = { columns: undefined, query: `SELECT ${COLUMNS.join(',')} FROM AzureUsage` }

type Case = readonly [name: string, file: string | Buffer, kind: FailureKind, message: RegExp, feed?: object]

const REFUSED: readonly Case[] = [
  [
    'a missing column',
    fileOf('Month,CustomerName', '2025-05-01,x'),
    'column-missing',
    /not in the report: "SubscriptionStartDate", "IsD/,
  ],
  [
    'a new column in a feed where new columns fail',
    fileOf(`${HEADER},Extra`, `${GOOD},x`),
    'column-new',
    /new columns in the report: "Extra"/,
    { newColumns: 'fail' },
  ],
  [
    'a column twice',
    fileOf(`${HEADER},Month`, `${GOOD},2025-05-01`),
    'malformed',
    /column "Month" is in the header twice/,
  ],
  [
    'a column twice in another case',
    fileOf(`${HEADER},MONTH`, `${GOOD},2025-05-01`),
    'malformed',
    /column "MONTH" is in the header twice|column "Month" is/,
  ],
  ['a column without a name', fileOf(`${HEADER},`, `${GOOD},x`), 'malformed', /column 6 has no name/],
  ['the header line twice', fileOf(HEADER, HEADER, GOOD), 'too-many-rejects', /1 of 2 rows can't land/],
  [
    'a row too short',
    fileOf(HEADER, GOOD, '2025-05-01,Contoso'),
    'too-many-rejects',
    /1 of 2 rows can't land, more than the share of 0 /,
  ],
  ['a row too long', fileOf(HEADER, `${GOOD},more`, GOOD), 'too-many-rejects', /1 of 2 rows/],
  [
    'a quote never closed',
    fileOf(HEADER, GOOD, '2025-05-01,"Contoso', GOOD),
    'malformed',
    /line 3: a quote is opened and never closed/,
  ],
  ['a quote never closed in the header', fileOf('"Month,x', GOOD), 'malformed', /the header line is unclosed-quote/],
  [
    'text after a closing quote',
    fileOf(HEADER, '2025-05-01,"Con"toso,2024-02-29,1,1'),
    'too-many-rejects',
    /1 of 1 row can/,
  ],
  [
    'a text in place of a number',
    fileOf(HEADER, '2025-05-01,x,2024-02-29,1,ten'),
    'too-many-rejects',
    /1 of 1 row can/,
  ],
  [
    'an integer beyond 64 bits',
    fileOf(HEADER, '2025-05-01,x,2024-02-29,9223372036854775808,1'),
    'too-many-rejects',
    /1 of 1 row can/,
  ],
  ['a day that no calendar has', fileOf(HEADER, '2025-05-01,x,2025-02-29,1,1'), 'too-many-rejects', /1 of 1 row can/],
  ['a row without its time', fileOf(HEADER, ',x,2024-02-29,1,1'), 'too-many-rejects', /1 of 1 row can/],
  [
    'a row of the month before',
    fileOf(HEADER, GOOD, GOOD.replace('-05-', '-04-')),
    'outside-window',
    /line 3 has a row outside the window/,
  ],
  [
    'a row of the month after',
    fileOf(HEADER, GOOD.replace('-05-', '-06-'), GOOD),
    'outside-window',
    /line 2 has a row outside the window/,
  ],
  [
    '500 columns',
    fileOf([...COLUMNS, ...wide(495)].join(','), GOOD),
    'malformed',
    /504 properties are more than the 252 of a table row/,
  ],
  ['10,000 fields in a row', fileOf(HEADER, GOOD, `x${','.repeat(9_999)}`), 'too-many-rejects', /1 of 2 rows/],
  ['10,000 columns', fileOf([...COLUMNS, ...wide(9_995)].join(','), GOOD), 'malformed', /more than the 252/],
  [
    'a cell of 2 MiB',
    fileOf(HEADER, `2025-05-01,${'x'.repeat(2 * 1024 * 1024)},2024-02-29,1,1`, GOOD),
    'too-many-rejects',
    /1 of 2 rows/,
  ],
  [
    'a cell of 33,000 characters',
    fileOf(HEADER, `2025-05-01,${'x'.repeat(33_000)},2024-02-29,1,1`),
    'too-many-rejects',
    /1 of 1 row can/,
  ],
  ['a header of 2 MiB', `${'x'.repeat(2 * 1024 * 1024)}\r\n`, 'malformed', /the header line is too-long/],
  ['nothing but NUL bytes', Buffer.alloc(5_000), 'malformed', /the header has no column that was asked for/],
  ['a header of other columns', fileOf('A,B', '1,2'), 'malformed', /the header has no column that was asked for/],
  ['JSON', '{"error":{"code":"Busy","message":"later"}}', 'malformed', /is JSON or HTML/],
  [
    'a list in JSON, for a query of the user',
    ' [\r\n {"Month":"2025-05-01"}\r\n]',
    'malformed',
    /JSON or HTML/,
    OWN_QUERY,
  ],
  ['HTML, for a query of the user', fileOf('<!DOCTYPE html>', '<p>Sorry</p>'), 'malformed', /JSON or HTML/, OWN_QUERY],
  ['other columns than the user selected', fileOf('Quantity,MpnId', '1,2'), 'malformed', /no column/, OWN_QUERY],
  [
    'lines that end with CR',
    fileOf(HEADER, GOOD).replaceAll('\r\n', '\r'),
    'malformed',
    /the lines of the file end neither with LF nor with CRLF/,
  ],
  [
    'rows that end with CR below a header that does not',
    `${fileOf(HEADER, GOOD)}${GOOD}\r${GOOD}\r${GOOD}\r\n`,
    'malformed',
    /line 3 holds lines that end neither with LF nor with CRLF/,
    { maxRejects: 0.5 },
  ],
  ['semicolons for commas', fileOf(HEADER, GOOD).replaceAll(',', ';'), 'malformed', /separated by ";"/],
  [
    'pipes for commas, for a query of the user',
    fileOf(HEADER, GOOD).replaceAll(',', '|'),
    'malformed',
    /separated by "\|"/,
    OWN_QUERY,
  ],
  [
    'quoted names with semicolons between them',
    fileOf('"Month";"CustomerName"', '"2025-05-01";"x"'),
    'malformed',
    /separated by ";"/,
  ],
  ['a sentence', 'No data available for the selected period.\r\n', 'malformed', /no column that was asked for/],
  ['a sentence, for a query of the user', '"report generation failed"', 'malformed', /no column/, OWN_QUERY],
  [
    'no column that the user gave a type',
    fileOf(HEADER, GOOD),
    'malformed',
    /in the types of the feed: "Seats"/,
    { ...OWN_QUERY, types: { ACR_USD: 'double', Seats: 'int64' } },
  ],
  ['a header cut off in a name', HEADER.slice(0, -3), 'malformed', /the file is cut off in its header/],
  ['a header cut off between names', 'Month,CustomerName', 'malformed', /the file is cut off in its header/],
  [
    'a last row cut off behind text that follows a quote',
    `${fileOf(HEADER, GOOD)}2025-05-01,"Con" toso,2024-02`,
    'malformed',
    /line 3: the file is cut off/,
    { maxRejects: 0.5 },
  ],
  ['a last row cut off', fileOf(HEADER, GOOD).slice(0, -8), 'malformed', /line 2: the file is cut off in this line/],
  ['a last line end cut off', fileOf(HEADER, GOOD).slice(0, -1), 'malformed', /line 2: the file is cut off/],
  ['a last row cut off in quotes', `${fileOf(HEADER)}2025-05-01,"Con`, 'malformed', /line 2: a quote is opened/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from(`${HEADER}\r\n2025-05-01,M`), Buffer.from([0xfc, 0x0d, 0x0a])]),
    'malformed',
    /bytes are not UTF-8/,
  ],
  ['a gzip bomb', BOMB, 'malformed', /unpacks to over 200 times its size/],
  ['no bytes', '', 'no-header', /the file has no header line/],
  ['empty lines only', '\r\n\r\n\n', 'no-header', /the file has no header line/],
]

/** Files that are odd but good: they land cell for cell. */
const LANDED: readonly (readonly [name: string, file: string, customers: readonly string[], feed?: object])[] = [
  ['a header in another case', fileOf(HEADER.toLowerCase(), GOOD), ['Contoso']],
  [
    'a header in another order',
    fileOf(
      'ACR_USD,IsDuplicateAtMpnLevel,SubscriptionStartDate,CustomerName,Month',
      '1,1,2024-02-29,Fabrikam,2025-05-01',
    ),
    ['Fabrikam'],
  ],
  ['blanks around the names of the header', fileOf(COLUMNS.join(' , '), GOOD), ['Contoso']],
  ['NUL bytes in a cell', fileOf(HEADER, GOOD.replace('Contoso', 'Con\0toso')), ['Con\0toso']],
  ['no line end after the last row', `${HEADER}\r\n${GOOD}`, ['Contoso']],
  ['Ctrl-Z at the end', `${fileOf(HEADER, GOOD)}\x1a`, ['Contoso']],
  ['a byte order mark', `\uFEFF${fileOf(HEADER, GOOD)}`, ['Contoso']],
  ['LF and CRLF mixed', `${HEADER}\n${GOOD}\r\n${GOOD}\n`, ['Contoso', 'Contoso']],
  ['line breaks inside a cell', fileOf(HEADER, GOOD.replace('Contoso', '"Con\r\ntoso\n"')), ['Con\r\ntoso\n']],
  ['tabs instead of commas', fileOf(HEADER, GOOD.replace('Contoso', 'Con;toso')).replaceAll(',', '\t'), ['Con;toso']],
  ['commas in a file of tabs', fileOf(HEADER, GOOD).replaceAll(',', '\t').replace('Contoso', 'Con,toso'), ['Con,toso']],
  [
    'a bad row within the share allowed',
    fileOf(HEADER, GOOD, 'x,y', GOOD),
    ['Contoso', 'Contoso'],
    { maxRejects: 0.5 },
  ],
]

/** The cases in a form in which Vitest keeps the type of the optional last element. */
function named<R extends readonly unknown[]>(cases: readonly (readonly [string, ...R])[]) {
  return cases.map(([name, ...rest]) => ({ name, rest }))
}

describe('a report that cannot land', () => {
  it.each(named(REFUSED))(
    '$name fails with its kind, blocks the feed only if something has to change, and leaves no row',
    async ({ rest: [file, kind, message, feed] }) => {
      const world = await costsWorld({ feeds: [{ ...FEED, ...feed }] })
      const entry = await deliver(world, file)
      expect(entry).toMatchObject({ state: 'failed', kind, message: expect.stringMatching(message) })
      expect(entry).toHaveProperty('message', expect.stringMatching(/^[^\r\n]{1,300}$/))
      expect(entry.figures).toBeUndefined()
      const { blocked } = (await findFeedRow(world.services.ledger, FEED.name)) ?? {}
      expect(blocked?.kind).toBe(FAILURES[kind].heals === 'change' ? kind : undefined)
      expect(await tableNames(world)).toEqual([])
    },
  )
})

describe('an odd report that can land', () => {
  it.each(named(LANDED))('$name', async ({ rest: [file, customers, feed] }) => {
    const world = await costsWorld({ feeds: [{ ...FEED, ...feed }] })
    expect(await deliver(world, file)).toMatchObject({ state: 'landed', figures: { rowsLanded: customers.length } })
    const rows = await rawRows(world.landingTable('Costs'))
    expect(rows.map((row) => row.CustomerName)).toEqual(customers)
    for (const row of rows) expect(landedCell(row, 'ACR_USD')).toMatch(/^Edm\.Double (1|10\.5)$/)
  })

  it('records of empty cells only are no rows: not read, not rejected, and without a number', async () => {
    const world = await costsWorld()
    const empty = ',,,,'
    const entry = await deliver(world, fileOf(HEADER, empty, GOOD, '"","","","",""', ',', GOOD, empty))
    expect(entry).toMatchObject({ state: 'landed', figures: { rowsRead: 2, rowsLanded: 2, rowsRejected: 0 } })
    const rows = await rawRows(world.landingTable('Costs'))
    expect(rows.map(({ RowKey, _line }) => [Number(RowKey), Number(_line)])).toEqual([
      [0, 3],
      [1, 6],
    ])
  })

  it('a row that a stray quote may have made of two lands, and an event, the figures and status say so', async () => {
    const world = await costsWorld()
    const swallowed = [GOOD.replace('Contoso', '"Contoso'), GOOD.replace('Contoso', 'Fabrikam"')]
    expect(await deliver(world, fileOf(HEADER, ...swallowed, GOOD))).toMatchObject({
      state: 'landed',
      figures: { rowsRead: 2, rowsLanded: 2, rowsRejected: 0, rowsDoubtful: 1 },
    })
    expect(world.events.filter(({ event }) => event === 'window.doubtful')).toMatchObject([{ feed: 'costs', count: 1 }])
    const [feed] = (await status(world.services)).feeds
    expect(feed?.doubtful).toEqual([{ window: '20250501T000000Z_20250601T000000Z', rows: 1 }])
  })

  it('a new column is told without what a terminal would do, and not at length', async () => {
    const world = await costsWorld()
    await deliver(world, fileOf(`${HEADER},Odd\u202e Name ${'y'.repeat(100)}`, `${GOOD},007`))
    const [drift] = world.events.filter(({ event }) => event === 'feed.drift')
    expect(drift?.message).toMatch(/: Odd {2}Name y{49}…$/)
  })

  it('a new column lands as text, and is told once', async () => {
    const world = await costsWorld()
    await deliver(world, fileOf(`${HEADER},Odd Name`, `${GOOD},007`))
    const [row = {}] = await rawRows(world.landingTable('Costs'))
    expect(landedCell(row, 'Odd_x0020_Name')).toBe('Edm.String 007')
    const drift = world.events.filter(({ event }) => event === 'feed.drift')
    expect(drift).toEqual([expect.objectContaining({ feed: 'costs', message: expect.stringContaining('Odd Name') })])
  })
})

/** The tables of this world: a refused report makes none. */
async function tableNames(here: World): Promise<readonly string[]> {
  const rows = await rawRows(here.landingTable('Costs')).catch((error: Error) => error.message)
  return typeof rows === 'string' && rows.includes('TableNotFound') ? [] : ['Costs']
}
