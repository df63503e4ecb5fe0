import { describe, expect, test } from 'vitest'
import { parseWindowId } from '../../src/core/time/window.ts'
import { type Cell, countEarlier, LOOKS, type Look, strip } from '../../src/page/cells.ts'
import { days, feedAnswer, gap, landed, marked } from './answers.ts'

const NOW = new Date('2026-11-26T14:32:10Z')

const looks = (cells: readonly Cell[]) => cells.map(({ look }) => look)
const daysOf = (cells: readonly Cell[]) => cells.map(({ window }) => window.from.toISOString().slice(0, 10))

describe('the look of a cell', () => {
  const WINDOWS = landed('2026-12-01T00:00:00Z', 3)

  test.each([
    'landed',
    'restated',
    'empty',
    'halved',
    'outdated',
    'running',
    'removed',
    'coming',
    'waiting',
    'failed',
  ] as const)('is %s where the status says so', (look) => {
    const { shown } = strip(feedAnswer('usage', { windows: marked(WINDOWS, { 2: look }) }), NOW)
    expect(looks(shown)).toEqual(['landed', look, 'landed'])
  })

  test('is an accepted gap where a person accepted a window that failed', () => {
    const windows = marked(WINDOWS, { 2: 'failed', 1: 'failed' })
    const { shown } = strip(feedAnswer('usage', { windows, acceptedGaps: [windows[1]?.id ?? ''] }), NOW)
    expect(looks(shown)).toEqual(['landed', 'gap', 'failed'])
  })

  test('stays that of its rows while they are asked for again', () => {
    const [first, ...others] = marked(WINDOWS, { 3: 'halved' })
    const asked = first && { ...first, state: 'requested' as const }
    const { shown } = strip(feedAnswer('usage', { windows: asked ? [asked, ...others] : [] }), NOW)
    expect(looks(shown)).toEqual(['halved', 'landed', 'landed'])
  })

  test('differs by its glyph alone, except that full rows, what is due and what is not have a pattern instead', () => {
    const glyphs = Object.entries(LOOKS).map(([look, { glyph }]) => [look as Look, glyph] as const)
    const bare = glyphs.filter(([, glyph]) => glyph === '').map(([look]) => look)
    expect(bare).toEqual(['landed', 'unasked', 'undue'])
    expect(new Set(glyphs.map(([, glyph]) => glyph)).size).toBe(glyphs.length - 2)
  })
})

describe('a strip', () => {
  test('shows the last 24 months, 90 days or 20 snapshots, and keeps the rest', () => {
    const months = strip(feedAnswer('usage', { windows: landed('2026-12-01T00:00:00Z', 40) }), NOW)
    expect([months.shown.length, months.earlier.length]).toEqual([24, 16])
    const ofDays = strip(feedAnswer('learn', { grain: 'day', windows: days('2026-11-27T00:00:00Z', 1_095) }), NOW)
    expect([ofDays.shown.length, ofDays.earlier.length]).toEqual([90, 1_005])
    const week = { months: 0, days: 7, seconds: 0 }
    const windows = landed('2026-11-30T00:00:00Z', 30, week)
    const snapshots = strip(feedAnswer('profile', { grain: 'snapshot', windows, waiting: 1 }), NOW)
    expect([snapshots.shown.length, snapshots.earlier.length]).toEqual([20, 10])
  })

  test('ends with the running day or month of every feed, so that the same time is below itself', () => {
    const { shown } = strip(feedAnswer('learn', { grain: 'day', windows: days('2026-11-24T00:00:00Z', 200) }), NOW)
    expect(daysOf(shown).at(-1)).toBe('2026-11-26')
    expect(looks(shown.slice(-4))).toEqual(['landed', 'undue', 'undue', 'undue'])
    expect(shown).toHaveLength(90)
  })

  test('has a hatched cell for each window between others that nobody asked for', () => {
    const windows = landed('2026-12-01T00:00:00Z', 6).filter((_, at) => at !== 2 && at !== 3)
    const gaps = [gap('2026-10-01T00:00:00Z', 2)]
    const { shown } = strip(feedAnswer('usage', { windows, waiting: 2, gaps }), NOW)
    expect(looks(shown)).toEqual(['landed', 'landed', 'unasked', 'unasked', 'landed', 'landed'])
    expect(shown.map(({ id }) => id)).toEqual(landed('2026-12-01T00:00:00Z', 6).map(({ id }) => id))
  })

  test('has hatched cells before its first window for the history that is due', () => {
    const gaps = [gap('2026-10-01T00:00:00Z', 3)]
    const { shown } = strip(feedAnswer('usage', { windows: landed('2026-12-01T00:00:00Z', 2), waiting: 3, gaps }), NOW)
    expect(looks(shown)).toEqual(['unasked', 'unasked', 'unasked', 'landed', 'landed'])
    expect(daysOf(shown)[0]).toBe('2026-07-01')
  })

  test('does not take what is overdue at its end for history', () => {
    const windows = days('2026-11-24T00:00:00Z', 4)
    const staleSince = '2026-11-25T00:00:00Z'
    const gaps = [gap('2026-11-26T00:00:00Z', 2, { months: 0, days: 1, seconds: 0 })]
    const { shown } = strip(feedAnswer('learn', { grain: 'day', windows, waiting: 2, gaps, staleSince }), NOW)
    expect(looks(shown)).toEqual([...Array(4).fill('landed'), 'unasked', 'unasked', 'undue'])
  })

  test('of a feed that has asked for nothing yet has what is due', () => {
    const { shown, earlier } = strip(
      feedAnswer('usage', { windows: [], waiting: 30, gaps: [gap('2026-11-01T00:00:00Z', 30)] }),
      NOW,
    )
    expect(looks(shown)).toEqual([...Array(23).fill('unasked'), 'undue'])
    expect(shown.length + earlier.length).toBe(30 + 1)
    expect(strip(feedAnswer('usage', { windows: [] }), NOW)).toEqual({ columns: 24, earlier: [], shown: [] })
  })

  test('of a feed that is switched off ends with its last window', () => {
    const windows = landed('2026-01-01T00:00:00Z', 3)
    expect(strip(feedAnswer('old', { enabled: false, windows }), NOW).shown).toHaveLength(3)
    expect(daysOf(strip(feedAnswer('old', { enabled: false, windows }), NOW).shown).at(-1)).toBe('2025-12-01')
  })

  test('cuts gaps as the windows beside them are cut', () => {
    const quarters = landed('2026-10-01T00:00:00Z', 4, { months: 3, days: 0, seconds: 0 }).filter((_, at) => at !== 1)
    const { shown } = strip(feedAnswer('usage', { windows: quarters }), NOW)
    expect(daysOf(shown)).toEqual(['2025-10-01', '2026-01-01', '2026-04-01', '2026-07-01', '2026-10-01'])
    expect(looks(shown)).toEqual(['landed', 'undue', 'landed', 'landed', 'undue'])
  })

  test('leaves out what is no window', () => {
    const [window] = landed('2026-12-01T00:00:00Z', 1)
    const windows = window ? [{ ...window, id: '<b>' }, window] : []
    expect(strip(feedAnswer('usage', { windows }), NOW).shown).toHaveLength(1)
  })
})

test('what is earlier is counted: complete, outdated, and holes, of which an accepted gap is none', () => {
  const windows = marked(landed('2026-12-01T00:00:00Z', 40), {
    26: 'empty',
    27: 'failed',
    28: 'failed',
    29: 'outdated',
    30: 'waiting',
    31: 'coming',
    32: 'restated',
  })
  const feed = feedAnswer('usage', { windows, acceptedGaps: [windows.at(-28)?.id ?? ''] })
  const refreshFailed = feed.windows.map((each, at) => (at === 2 ? { ...each, state: 'failed' as const } : each))
  const [at] = refreshFailed.slice(5)
  const gaps = [gap(parseWindowId(at?.id ?? '')?.from.toISOString() ?? '', 1)]
  const cells = strip({ ...feed, gaps, windows: refreshFailed.filter((_, at) => at !== 4) }, NOW)
  expect(countEarlier(cells)).toEqual({ complete: 10, outdated: 1, holes: 4 })
})
