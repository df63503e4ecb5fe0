import { describe, expect, it } from 'vitest'
import type { Feed } from '../../src/core/feeds/feed.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import { feedOf } from '../core/feed-of.ts'
import { type FileOptions, landFile } from '../memory/land-file.ts'

const ASKED = ['Month', 'CustomerName', 'UsageQuantity']
const HEADER = ASKED.join(',')
const asked = feedOf({ columns: ASKED })

/** A feed whose query only the service knows. */
const own = feedOf({ queryId: 'q', types: { Amount: 'double', Seats: 'int64', Start: 'datetime' } })

/** A feed of a dataset that nobody documented: no column of it is known. */
const unknown = feedOf({ dataset: 'BrandNew', snapshot: 'P7D', queryId: 'q' })

/** The same, where a person names its time column. */
const timed = feedOf({ dataset: 'BrandNew', timeColumn: 'Month', window: 'P1M', queryId: 'q' })
const typed: Feed = { ...timed, types: { A: 'string' } }

const lines = (...texts: readonly string[]) => texts.map((text) => `${text}\r\n`).join('')
const landText = (text: string, options: FileOptions) => landFile(Buffer.from(text), options)

describe('a stray quote', () => {
  /** 3,000 rows. The note of row 10 opens a quote, and that of row 40 closes it. */
  const swallowing = (closing: string) =>
    lines(
      'Account,Note,Amount',
      ...Array.from({ length: 3000 }, (_, index) => {
        const note = index === 10 ? '"Premium' : index === 40 ? closing : 'ok'
        return `Customer ${index},${note},1`
      }),
    )

  it('that swallowed 31 rows makes 31 rejects of one, and the file does not land', async () => {
    const { result, rejects } = await landText(swallowing('15" monitor'), {
      feed: { ...own, maxRejects: 0.01 },
      isOfPerson: true,
    })
    const message = expect.stringMatching(/31 of 3000 rows can't land/)
    expect(result).toMatchObject({ kind: 'too-many-rejects', message })
    expect(rejects).toMatchObject([{ record: 10, line: 12, lines: 31, reason: 'has text after a closing quote' }])
  })

  it('that swallowed 31 rows counts as 31 where the share allows it, and the figures add up', async () => {
    const { result, rows } = await landText(swallowing('15" monitor'), {
      feed: { ...own, maxRejects: 0.02 },
      isOfPerson: true,
    })
    expect(result).toMatchObject({ rowsRead: 3000, rowsLanded: 2969, rowsRejected: 31, totals: { Amount: '2969' } })
    const numbers = rows.map(({ RowKey }) => Number(RowKey)).toSorted((one, two) => one - two)
    expect(numbers).toEqual([...Array(2970).keys()].filter((number) => number !== 10))
  })

  it('that made one good row of 31 is a warning, in the figures', async () => {
    const { result, rows } = await landText(swallowing('15"'), { feed: own, isOfPerson: true })
    expect(result).toMatchObject({ rowsRead: 2970, rowsLanded: 2970, rowsRejected: 0, rowsDoubtful: 1 })
    expect(rows).toHaveLength(2970)
  })
})

describe('a file that is no report', () => {
  it.each([
    ['semicolons', lines('Account;Seats;Start', 'Contoso;5;2024-01-01'), own, /separated by ";"/],
    ['semicolons, where no column is known', lines('A;B;C', '1;2;3'), unknown, /separated by ";"/],
    ['pipes, where no column is known', lines('A|B|C', '1|2|3'), unknown, /separated by "\|"/],
    ['a sentence', 'No data available for the selected period.\r\n', own, /no column that was asked for/],
    ['a sentence, where no column is known', 'No data for this period.', unknown, /no column that was asked for/],
    [
      'a sentence with a comma, where none is known',
      'Sorry, please try again later.\r\n',
      unknown,
      /no column that was/,
    ],
    ['JSON, where no column is known', '{"error":"report generation failed"}', unknown, /JSON or HTML/],
    [
      'CR for line ends',
      'Account,Amount\r"Contoso GmbH",12.5\rFabrikam,30\r',
      unknown,
      /neither with LF nor with CRLF/,
    ],
    ['CR for line ends, and quotes', '"A","B"\r"1","2"\r', unknown, /neither with LF nor with CRLF/],
    ['one semicolon, where no column is known', lines('Month;Name', '2025-05;x'), unknown, /separated by ";"/],
    ['one semicolon, where the time is known', lines('Month;Name', '2025-05;x'), timed, /separated by ";"/],
    ['a sentence with a comma', 'Sorry, please try again later.\r\n', timed, /no column that was asked for/],
    ['other columns than a typed time', lines('A,B', '1,2'), typed, /timeColumn .* "Month"/],
    ['a name in types that it lacks', lines('Amount,Seats', '1,2'), own, /types of the feed: "Start"/],
  ])('of %s is malformed, with the reason, and leaves no row', async (_, text, feed, message) => {
    const { result, rows } = await landText(text, { feed })
    expect(result).toMatchObject({ kind: 'malformed', message: expect.stringMatching(message) })
    expect(rows).toEqual([])
  })

  it('is one that shares no column with the last landing, where no other column is known', async () => {
    const text = lines('Error,Text', 'ServerBusy,retry')
    const from = '2025-04-01T00:00:00.000Z'
    const landed = async (row: Partial<FeedRow>) => (await landText(text, { feed: unknown, row })).result
    const malformed = { kind: 'malformed', message: expect.stringMatching(/no column that was asked for/) }
    expect(await landed({ filled: { from, columns: ['Name'] } })).toMatchObject(malformed)
    expect(await landed({ emptiedIn: { Name: { from, to: from } } })).toMatchObject(malformed)
    expect(await landed({ filled: { from, columns: ['Text'] } })).toMatchObject({ rowsLanded: 1 })
    expect(await landed({})).toMatchObject({ rowsLanded: 1 })
  })

  it('is none of a person whose names are of several words, where no column is known', async () => {
    const text = lines('Number of active users,Name', '1,Contoso')
    expect((await landText(text, { feed: unknown, isOfPerson: true })).result).toMatchObject({ rowsLanded: 1 })
  })

  it('is none that has a CR in a quoted name, or in a cell', async () => {
    const { result } = await landText('"A\rB",C\r\n"1\r2",3\r\n', { feed: unknown })
    expect(result).toMatchObject({ rowsLanded: 1, rowsRejected: 0 })
  })

  it('is none that a person lands, although it lacks a name in types: it may be of another time', async () => {
    const { result } = await landText(lines('Account,Amount', 'Contoso,1.5'), { feed: own, isOfPerson: true })
    expect(result).toMatchObject({ rowsLanded: 1, totals: { Amount: '1.5' } })
  })
})

describe('a file that ends in the middle of a row', () => {
  const rows = Array.from({ length: 3000 }, (_, index) => `2025-05-01,Customer ${index},1`)

  it('is malformed wherever it is cut but behind the last cell', async () => {
    const whole = lines(HEADER, ...rows.slice(0, 20))
    for (let at = HEADER.length + 2; at <= whole.length; at++) {
      const { result } = await landText(whole.slice(0, at), { feed: asked, columns: ASKED })
      const row = whole.slice(whole.lastIndexOf('\n', at - 1) + 1, at)
      const isWhole = row === '' || /^[^,\r]+,[^,\r]+,[^\r]*$/.test(row)
      expect([row, 'kind' in result ? result.kind : 'landed']).toEqual([row, isWhole ? 'landed' : 'malformed'])
    }
  })

  it('is malformed where half of its rows are missing, and not complete', async () => {
    const half = lines(HEADER, ...rows).slice(0, lines(HEADER, ...rows.slice(0, 1500)).length + 15)
    const { result } = await landText(half, { feed: asked, columns: ASKED })
    expect(result).toMatchObject({
      kind: 'malformed',
      message: expect.stringMatching(/line 1502: the file is cut off/),
    })
  })

  it('is malformed where it ends in the header, unless that has all columns', async () => {
    for (let at = 1; at <= HEADER.length; at++) {
      const { result } = await landText(HEADER.slice(0, at), { feed: asked, columns: ASKED })
      expect('kind' in result ? result.kind : result.verdict).toBe(at === HEADER.length ? 'empty' : 'malformed')
    }
  })

  it('is malformed where it ends in the header of a query of a person, unless that has all columns', async () => {
    const feed = feedOf({ query: `SELECT ${HEADER} FROM AzureUsage` })
    for (let at = 1; at <= HEADER.length; at++) {
      const { result } = await landText(HEADER.slice(0, at), { feed })
      expect('kind' in result ? result.kind : result.verdict).toBe(at === HEADER.length ? 'empty' : 'malformed')
    }
  })

  it('is malformed where it ends in the header of a query that only the service knows', async () => {
    const feed = feedOf({ queryId: 'q' })
    for (let at = 1; at <= HEADER.length; at++) {
      const { result } = await landText(HEADER.slice(0, at), { feed })
      expect(result).toMatchObject({ kind: 'malformed' })
    }
    expect((await landText(lines(HEADER), { feed })).result).toMatchObject({ verdict: 'empty' })
  })
})
