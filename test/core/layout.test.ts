import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHeader } from '../../src/core/report/layout.ts'
import { knownColumns, whyNoReport } from '../../src/core/report/no-report.ts'
import { feedOf } from './feed-of.ts'

const FEED = feedOf({ columns: ['Month', 'CustomerName', 'UsageQuantity'] })
const ASKED = ['Month', 'CustomerName', 'UsageQuantity']

const header = (names: readonly string[], feed = FEED) => readHeader(feed, ASKED, names, 'usage May')

describe('the columns of which a report has one', () => {
  const query = 'SELECT Month,CustomerName FROM AzureUsage'

  it('are those that were asked for', () => {
    expect(knownColumns(FEED, ['Month'], false)).toEqual(['Month'])
  })

  it('are those that the query of the user selects', () => {
    expect(knownColumns(feedOf({ query }), undefined, false)).toEqual(['Month', 'CustomerName'])
  })

  it.each([
    ['a query that the app cannot read', { queryId: 'q' }, false, []],
    ['a file that a person lands', { query }, true, ['Month', 'CustomerName']],
    ['a file of a feed that names columns', { columns: ['Month'] }, true, ['Month']],
    ['a file of a feed that names none', {}, true, []],
  ] as const)('are all that the feed names and knows, for %s', (_, fields, isOfPerson, selected) => {
    const feed = feedOf(fields)
    const known = knownColumns(feed, undefined, isOfPerson)
    expect(known).toEqual([...selected, ...Object.keys(feed.types), 'Month'])
    expect(known).toContain('UsageQuantity')
  })

  it('are also the time column and those of the last landing, for a query of a dataset that the catalogue lacks', () => {
    const feed = feedOf({
      dataset: 'BrandNew',
      timeColumn: 'Day',
      window: 'P1D',
      queryId: 'q',
      types: { Seats: 'int64' },
    })
    expect(knownColumns(feed, undefined, false, ['Name'])).toEqual(['Seats', 'Day', 'Name'])
    expect(knownColumns(feed, ['Month'], false, ['Name'])).toEqual(['Month'])
  })

  it('are unknown for a query that cannot be read', () => {
    const feed = { ...FEED, source: { kind: 'query', query: 'SELECT' } as const }
    expect(knownColumns(feed, undefined, false)).toEqual([...Object.keys(feed.types), 'Month'])
  })
})

describe('a file that is no report', () => {
  const why = (
    header: readonly string[],
    known: readonly string[] = ASKED,
    { mustHave = [] as string[], isUnended = false, selected = known } = {},
  ) => whyNoReport({ header, isUnended }, { dataset: 'AzureUsage', known, selected, mustHave }, 'usage May')

  it.each([
    ['has other columns', ['A', 'B'], ASKED, /no column that was asked for/],
    ['has one column of many words', ['No data for the period'], ASKED, /no column that was asked for/],
    [
      'has a sentence for a header, where no column is known',
      ['No data available.'],
      [],
      /no column that was asked for/,
    ],
    ['has semicolons for commas', ['Month;CustomerName'], ASKED, /separated by ";"/],
    ['has pipes for commas', ['Seats|MONTH '], ASKED, /separated by "\|"/],
    ['has semicolons, where no column is known', ['Account;Seats;Start'], [], /separated by ";"/],
    ['has pipes, where no column is known', ['Account|Seats|Start'], [], /separated by "\|"/],
    ['has one semicolon, where no column is known', ['Month;Name'], [], /separated by ";"/],
  ])('%s', (_, header, known, message) => {
    expect(why(header, known)).toMatchObject({ kind: 'malformed', message: expect.stringMatching(message) })
  })

  it('lacks columns that the user gave types, and is told which', () => {
    const failure = why(['Month', 'cost '], ['Month'], { mustHave: ['Month', 'Cost', 'Seats', 'Start'] })
    expect(failure).toMatchObject({ kind: 'malformed', message: expect.stringMatching(/the feed: "Seats", "Start"$/) })
  })

  it('is not one that shares a column, in any case, or where no column is known', () => {
    expect(why(['A', ' month '])).toBeUndefined()
    expect(why(['A\r\nB'], [])).toBeUndefined()
    expect(why(['Total cost'], [])).toBeUndefined()
    expect(why(['Month', 'a;b;c'])).toBeUndefined()
  })

  it('ends in a name that nobody knows', () => {
    const failure = { kind: 'malformed', message: expect.stringMatching(/cut off in its header/) }
    expect(why(['Month', 'Custome'], ASKED, { isUnended: true })).toMatchObject(failure)
    expect(why(['Month', 'Custome'], ASKED)).toBeUndefined()
    expect(why(ASKED, ASKED, { isUnended: true })).toBeUndefined()
  })

  it('ends in a header that lacks a column of the query, or whose columns nobody knows', () => {
    const failure = { kind: 'malformed', message: expect.stringMatching(/cut off in its header/) }
    expect(why(['Month', 'CustomerName'], ASKED, { isUnended: true })).toMatchObject(failure)
    expect(why(['Month', 'CustomerName'], ASKED, { isUnended: true, selected: [] })).toMatchObject(failure)
    expect(why(['Mon'], [], { isUnended: true })).toMatchObject(failure)
    expect(why(['Mon'], [])).toBeUndefined()
  })
})

describe('a header line', () => {
  it('gives each column its type, in the order of the file and the spelling of the catalogue', () => {
    expect(header([' usagequantity', 'MONTH ', 'customerName'])).toEqual({
      columns: [
        { name: 'UsageQuantity', type: 'double' },
        { name: 'Month', type: 'month' },
        { name: 'CustomerName', type: 'string' },
      ],
      unnamed: [],
      timeIndex: 1,
    })
  })

  it('may have its columns in any order and any case', () => {
    const cased = fc.tuple(...ASKED.map((name) => fc.mixedCase(fc.constant(name))))
    fc.assert(
      fc.property(cased, fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), (names, order) => {
        const shuffled = names.map((name, index) => ({ name, at: order[index] ?? 0 })).toSorted((a, b) => a.at - b.at)
        const layout = header(shuffled.map(({ name }) => name))
        expect('columns' in layout && layout.columns.map(({ name }) => name).toSorted()).toEqual(ASKED.toSorted())
      }),
    )
  })

  it.each([
    ['lacks a column', ['Month', 'CustomerName'], 'column-missing', /"UsageQuantity"/],
    ['has a column twice, in another case', [...ASKED, 'month'], 'malformed', /"month".*twice/],
    ['has a column without a name', [...ASKED, ' '], 'malformed', /column 4 has no name/],
  ] as const)('that %s is refused, and the window is named', (_, names, kind, message) => {
    expect(header(names)).toMatchObject({ kind, message: expect.stringMatching(message) })
    expect(header(names)).toMatchObject({ message: expect.stringMatching(/^usage May: /) })
  })

  it('with a new column lands it as text and names it', () => {
    expect(header([...ASKED, 'Surprise'])).toMatchObject({
      columns: [{}, {}, {}, { name: 'Surprise', type: 'string' }],
      unnamed: ['Surprise'],
    })
  })

  it('with a new column is refused where the feed says so', () => {
    const strict = feedOf({ columns: ASKED, newColumns: 'fail' })
    expect(header([...ASKED, 'Surprise'], strict)).toMatchObject({ kind: 'column-new' })
  })

  it("of the user's own query decides the columns itself", () => {
    const own = feedOf({ queryId: 'q', newColumns: 'fail', types: { Cost: 'double' } })
    expect(readHeader(own, undefined, ['cost', 'Anything'], 'usage May')).toEqual({
      columns: [
        { name: 'Cost', type: 'double' },
        { name: 'Anything', type: 'string' },
      ],
      unnamed: [],
    })
  })

  it('has no blanks around its names, nor do the names that the feed gives types', () => {
    const own = feedOf({ queryId: 'q', types: { ' Cost ': 'double' } })
    const layout = readHeader(own, undefined, [' cost', 'Anything '], 'usage May')
    expect('columns' in layout && layout.columns.map(({ name }) => name)).toEqual(['Cost', 'Anything'])
  })

  it('has no time to check where the feed lands the time column as text', () => {
    const text = feedOf({ columns: ASKED, types: { Month: 'string' } })
    expect(header(ASKED, text)).not.toHaveProperty('timeIndex')
  })
})
