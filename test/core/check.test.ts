import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { toFailed, toRequesting } from '../../src/core/ledger/transitions.ts'
import { createCheck, refuse, TOTALS_LENGTH } from '../../src/core/report/check.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { createLander } from '../../src/core/report/lander.ts'
import { readHeader } from '../../src/core/report/layout.ts'
import type { ParsedRecord } from '../../src/core/report/parse.ts'
import { adviceOnEntry } from '../../src/core/status/failed-window.ts'
import { feedOf } from './feed-of.ts'

const WINDOW = { from: new Date('2025-05-01T00:00:00Z'), to: new Date('2025-06-01T00:00:00Z') }
const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']
const FEED = feedOf({ columns: COLUMNS })

function checkOf(feed = FEED) {
  const layout = readHeader(feed, COLUMNS, COLUMNS, 'usage May')
  if (isFailure(layout)) throw new Error(layout.message)
  const by = { attempt: 1, reportId: 'r', generation: newGeneration(() => '0123456789ab') }
  return createCheck(createLander(feed, WINDOW, layout, by), layout, 'usage May')
}

/** What was asked for does not matter here. */
const NO_FORM = { rowSet: 'rows', selection: 'columns' }

const record = (fields: readonly string[], line = 2): ParsedRecord => ({ line, fields, raw: fields.join(',') })

describe('the check of a file', () => {
  it('counts and sums exactly what can land', () => {
    const check = checkOf()
    for (const amount of ['0.1', '0.2', '-0.0000000001', '']) check.add(record(['2025-05-01', 'a', amount]))
    const found = { rowsRead: 4, rowsRejected: 0, totals: { UsageQuantity: '0.2999999999' } }
    expect(check.result()).toEqual({ ...found, filledColumns: COLUMNS, emptyColumns: [] })
    expect(check.failure()).toBeUndefined()
  })

  it('leaves a reject out of the sums and says what is wrong with it', () => {
    const check = checkOf()
    const reject = check.add(record(['2025-05-01', 'a', 'many'], 7))
    expect(reject).toMatchObject({ record: 0, line: 7, column: 'UsageQuantity', raw: '2025-05-01,a,many' })
    const found = { rowsRead: 1, rowsRejected: 1, totals: { UsageQuantity: '0' } }
    expect(check.result()).toEqual({ ...found, filledColumns: [], emptyColumns: [] })
  })

  it('counts a reject as many times as it has lines, and the records that follow by their own numbers', () => {
    const check = checkOf()
    check.add({ ...record([]), verdict: 'text-after-quote', lines: 31 })
    check.add({ ...record(['2025-05-01', 'a', '1'], 33), lines: 3, isDoubtful: true })
    const reject = check.add(record(['', 'a', '1'], 36))
    expect(reject).toMatchObject({ record: 2, line: 36 })
    expect(check.result()).toMatchObject({ rowsRead: 33, rowsRejected: 32, rowsDoubtful: 1 })
  })

  it.each([
    ['a value that does not fit its type', [['2025-05-01', 'a', 'many']], false],
    ['a row without its time', [['', 'a', '1']], false],
    ['a row with too many fields', ['ragged'], true],
    ['the header once more', [COLUMNS], true],
    ['as many broken rows as wrong values', ['ragged', ['2025-05-01', 'a', 'many']], false],
    ['more broken rows than wrong values', ['ragged', 'ragged', ['2025-05-01', 'a', 'many']], true],
  ] as const)(
    'with %s says whether the file is broken, and its remedy speaks of types only where it is not',
    (_, records, isBroken) => {
      const check = checkOf()
      for (const each of records) check.add(each === 'ragged' ? { ...record([]), verdict: each } : record(each))
      expect(check.isBroken()).toBe(isBroken)
      const failure = refuse(check.result(), FEED, { rowsLanded: 0, acceptEmpty: false }, 'usage May', check.isBroken())
      expect(failure).toMatchObject({ kind: 'too-many-rejects', message: expect.stringMatching(/rows? can't land/) })
      const entry = { feed: 'usage', window: WINDOW, lane: 'live', removedAttempt: 0 } as const
      const planned = toRequesting(entry, { reportName: 'r', queryId: 'q', asked: NO_FORM, requestedAt: WINDOW.to })
      const remedy = failure && adviceOnEntry(toFailed(planned, failure, WINDOW.to)).remedy
      expect(remedy).toMatch(
        isBroken
          ? /the file is broken.*"retry usage --month 2025-05"/
          : /types of the feed.*"feeds push": the next tick/,
      )
    },
  )

  it.each([
    ['2025-05-01', undefined],
    ['2025-05-31T23:59:59Z', undefined],
    ['MAY-2025', undefined],
    ['2025-06-01', 'outside-window'],
    ['2025-04-30T23:59:59Z', 'outside-window'],
  ])('a row of %s is judged by the month it is of', (month, failure) => {
    const check = checkOf()
    check.add(record([month, 'a', '1'], 9))
    expect(check.failure()?.kind).toBe(failure)
    if (failure) expect(check.failure()?.message).toContain('line 9')
  })

  it('judges every row by its own date, also after the same and after another one', () => {
    const [may, june, wrong] = ['2025-05-31', '2025-06-01', '2025-05-32'].map((date) => record([date, 'a', '1']))
    if (!may || !june || !wrong) throw new Error('three records')
    const inside = checkOf()
    expect([may, may, wrong, wrong, may].map((each) => inside.add(each)?.record)).toEqual([
      undefined,
      undefined,
      2,
      3,
      undefined,
    ])
    expect(inside.failure()).toBeUndefined()
    inside.add(june)
    expect(inside.failure()?.kind).toBe('outside-window')
  })

  it('a row without a time is a reject, not another window', () => {
    const check = checkOf()
    expect(check.add(record(['', 'a', '1']))).toMatchObject({ column: 'Month' })
    expect(check.failure()).toBeUndefined()
  })

  it('a quote that is never closed fails the file', () => {
    const check = checkOf()
    check.add({ ...record([]), verdict: 'unclosed-quote' })
    expect(check.failure()).toMatchObject({ kind: 'malformed' })
  })

  it('every record is either in the sum of units or a reject', () => {
    const rows = fc.array(fc.constantFrom('1', 'one', '1.0', '', '1e0'), { maxLength: 50 })
    fc.assert(
      fc.property(rows, (amounts) => {
        const check = checkOf()
        const rejects = amounts.filter((amount) => check.add(record(['2025-05-01', 'a', amount])))
        const { rowsRead, rowsRejected, totals } = check.result()
        expect([rowsRead, rowsRejected]).toEqual([amounts.length, rejects.length])
        expect(Number(totals.UsageQuantity)).toBe(amounts.filter((amount) => amount !== '' && amount !== 'one').length)
      }),
    )
  })
})

describe('a checked file', () => {
  const standing = (rowsLanded: number, acceptEmpty = false) => ({ rowsLanded, acceptEmpty })
  const checked = (rowsRead: number, rowsRejected = 0) => ({ rowsRead, rowsRejected, totals: {} })

  it.each([
    ['without rows lands where none stand', checked(0), standing(0), undefined],
    ['without rows does not land over rows', checked(0), standing(5), 'suspicious-empty'],
    ['without rows lands over rows where a person accepted it', checked(0), standing(5, true), undefined],
    ['with as many rejects as allowed lands', checked(1000, 1), standing(0), undefined],
    ['with one reject more does not', checked(1000, 2), standing(0), 'too-many-rejects'],
    ['of nothing but rejects does not', checked(1, 1), standing(0), 'too-many-rejects'],
  ])('%s', (_, result, before, failure) => {
    expect(refuse(result, FEED, before, 'usage May')?.kind).toBe(failure)
  })
})

describe('totals too long for the ledger', () => {
  const standing = { rowsLanded: 0, acceptEmpty: false }

  /** Totals of one column that take exactly that many characters as JSON. */
  const totalsOf = (length: number) => ({ ['x'.repeat(length - '{"":"1"}'.length)]: '1' })
  const refusal = (length: number, rowsRead = 1) =>
    refuse({ rowsRead, rowsRejected: 0, totals: totalsOf(length) }, FEED, standing, 'usage May')

  it('are refused beyond the limit and not at it, by the check that writes no row', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50_000, max: 50_000 }), (excess) => {
        const found = refusal(TOTALS_LENGTH + excess)
        expect(found === undefined).toBe(excess <= 0)
      }),
    )
    expect([refusal(TOTALS_LENGTH), refusal(TOTALS_LENGTH + 1)]).toMatchObject([undefined, { kind: 'malformed' }])
  })

  it('are told with what to do, whether there are rows or not', () => {
    const message = 'usage May: the names and sums of 1 numeric column take 100001 characters, more than 100000'
    for (const rows of [0, 1]) expect(refusal(TOTALS_LENGTH + 1, rows)?.message).toContain(message)
    expect(refusal(TOTALS_LENGTH + 1)?.message).toMatch(/select fewer columns, or land some as string$/)
  })
})
