import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHeader } from '../../src/core/report/layout.ts'
import { feedOf } from './feed-of.ts'

const FEED = feedOf({ columns: ['Month', 'CustomerName', 'UsageQuantity'] })
const ASKED = ['Month', 'CustomerName', 'UsageQuantity']

const header = (names: readonly string[], feed = FEED) => readHeader(feed, ASKED, names, 'usage May')

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
