import { describe, expect, it } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { isFailure } from '../../src/core/failures.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { createLander } from '../../src/core/report/lander.ts'
import { readHeader } from '../../src/core/report/layout.ts'
import { feedOf, problemsOf } from './feed-of.ts'

const SURFACE = { name: 'surface', dataset: 'SurfaceUsage', timeColumn: 'UsageDay', window: 'P1W' }

const NEEDED = 'if the service lists it, add timeColumn and window, or snapshot where it has no time'

describe('a dataset that the catalogue lacks', () => {
  it.each([
    ['P1D', 'day'],
    ['P1W', 'day'],
    ['P1M', 'month'],
    ['P1Y', 'month'],
  ])('is taken with its time column and a window of %s: its data is by %s', (window, grain) => {
    const feed = feedOf({ ...SURFACE, window })
    expect(feed).toMatchObject({ dataset: 'SurfaceUsage', timeColumn: 'UsageDay', grain, types: {} })
    expect(feed.cadence).toMatchObject({ kind: 'windows' })
  })

  it('is taken with snapshots where it has no time', () => {
    const feed = feedOf({ name: 'partners', dataset: 'Partners', snapshot: 'P7D' })
    expect(feed).toMatchObject({ dataset: 'Partners', cadence: { kind: 'snapshot' }, types: {} })
    expect(feed).not.toHaveProperty('timeColumn')
    expect(feed).not.toHaveProperty('grain')
  })

  it('has the columns and types that the feed says', () => {
    const feed = feedOf({ ...SURFACE, columns: ['UsageDay', 'Prompts'], types: { Prompts: 'int64' } })
    expect(feed).toMatchObject({ source: { columns: ['UsageDay', 'Prompts'] }, types: { Prompts: 'int64' } })
  })

  it.each([[{}], [{ timeColumn: 'UsageDay' }], [{ window: 'P1D' }], [{ timeColumn: 'UsageDay', snapshot: 'P7D' }]])(
    'is refused with %j: the message says what to add',
    (fields) => {
      const [problem] = problemsOf({ name: 'surface', dataset: 'AzureUsag', ...fields })
      expect(problem).toBe(
        `feed "surface": dataset is "AzureUsag", which the catalogue does not have; the nearest is "AzureUsage"; ${NEEDED}`,
      )
    },
  )

  it.each([
    [{ window: 'P1M2W' }, 'window is "P1M2W"; it must be whole months'],
    [{ window: 'PT6H' }, 'window is "PT6H"; it must be whole days'],
    [{ snapshot: 'P7D' }, 'snapshot is "P7D"; it must be left out: the time column of SurfaceUsage is UsageDay'],
    [{ timeColumn: 'Usage Day' }, 'timeColumn is "Usage Day"; it must be the name of a column'],
    [{ dataset: 'Surface Usage' }, `dataset is "Surface Usage", which the catalogue does not have`],
  ])('is read as strictly as any: %j', (fields, problem) => {
    expect(problemsOf({ ...SURFACE, ...fields })).toEqual(
      expect.arrayContaining([expect.stringContaining(`feed "surface": ${problem}`)]),
    )
  })

  it('is a warning: only the service knows whether it has it', () => {
    expect(parseFeeds(JSON.stringify({ feeds: [SURFACE] }), CATALOG)).toMatchObject({
      warnings: [
        'feed "surface": the catalogue does not have dataset "SurfaceUsage"; the service decides whether it has it, and all columns land as text',
      ],
    })
  })
})

describe('the time column of a dataset of the catalogue', () => {
  it('is the one of the catalogue, under any spelling', () => {
    expect(feedOf({ timeColumn: 'month' }).timeColumn).toBe('Month')
  })

  it.each([
    [{}, 'timeColumn is "FirstUseDate"; it must be left out: Month is its time column'],
    [{ dataset: 'Profile' }, 'timeColumn is "FirstUseDate"; it must be left out: Profile has no time column'],
  ])('can be no other one: %j', (fields, problem) => {
    expect(problemsOf({ ...fields, timeColumn: 'FirstUseDate' })).toEqual([`feed "azure-usage": ${problem}`])
  })
})

describe('the time of a row of a dataset that the catalogue lacks', () => {
  const window = { from: new Date('2025-05-05T00:00:00Z'), to: new Date('2025-05-12T00:00:00Z') }
  const by = { attempt: 1, reportId: 'r', generation: newGeneration(() => '0123456789ab') }

  function isOutside(time: string, fields: object = {}, header = ['usageday', 'Prompts']): boolean {
    const feed = feedOf({ ...SURFACE, ...fields })
    const layout = readHeader(feed, undefined, header, 'surface')
    if (isFailure(layout)) throw new Error(layout.message)
    return createLander(feed, window, layout, by).isOutside({ line: 2, raw: '', fields: [time, '1'] })
  }

  it.each([
    ['2025-05-05', false],
    ['2025-05-11T23:59:59Z', false],
    ['2025-05-12', true],
    ['2025-05-04', true],
    ['5/4/2025', true],
    ['week 19', false],
  ])('is text and is checked against the window where it can be read: %s', (time, expected) => {
    expect(isOutside(time)).toBe(expected)
  })

  it('is checked at the grain of the window', () => {
    expect(isOutside('2025-05-01', { window: 'P1M' })).toBe(false)
    expect(isOutside('2025-06-01', { window: 'P1M' })).toBe(true)
  })

  it('is not checked where a person says that it is plain text, or where the file lacks it', () => {
    expect(isOutside('2025-06-01', { types: { UsageDay: 'string' } })).toBe(false)
    expect(isOutside('2025-06-01', {}, ['Day', 'Prompts'])).toBe(false)
  })
})
