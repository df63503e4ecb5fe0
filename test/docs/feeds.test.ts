import { expect, test } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { checkFeeds } from '../../src/core/feeds/feeds.ts'
import { FEED_FIELDS } from '../../src/core/feeds/fields.ts'
import { historyForecast } from '../../src/core/plan/history-forecast.ts'
import { feedOf } from '../core/feed-of.ts'
import { codeOf, namesIn, rowsOf, textOf } from './page.ts'

const PAGE = textOf('docs/feeds.md')
const FIELDS = rowsOf(/<!-- feed-fields:start -->(.*)<!-- feed-fields:end -->/s.exec(PAGE)?.[1] ?? '', 'field')

/** What feeds.schema.json says of each field of a feed. */
const SCHEMA: Readonly<Record<string, { readonly default?: unknown }>> = JSON.parse(textOf('feeds.schema.json')).$defs
  .feed.properties

test('feeds.md lists exactly the fields of a feed, in the order of the code', () => {
  const names = namesIn(FIELDS, 'field').filter((name) => !name.includes('.'))
  expect(names).toEqual(Object.keys(FEED_FIELDS))
})

test.each(Object.entries(SCHEMA).filter(([, field]) => field.default !== undefined))(
  'feeds.md has the default of %s',
  (name, field) => {
    const row = FIELDS.find((each) => codeOf(each.field) === name)
    expect(codeOf(row?.default)).toBe(String(field.default))
  },
)

test('feeds.md lists exactly the datasets of the catalogue, with what the catalogue knows of them', () => {
  const rows = rowsOf(PAGE, 'dataset').map((row) => ({ ...row, dataset: codeOf(row.dataset) }))
  expect(rows).toEqual(
    CATALOG.map(({ name, title, timeColumn, grain = '', latency, refreshInterval, refreshDays = [] }) => ({
      dataset: name,
      title,
      'time column': timeColumn === undefined ? 'none: snapshots' : `\`${timeColumn}\``,
      grain,
      'settles after': `\`${latency}\``,
      'refreshed every': `\`${refreshInterval}\``,
      'month loaded on day': refreshDays.join(', '),
    })),
  )
  expect(PAGE).toContain(`these ${CATALOG.length} datasets`)
})

test('feeds.md says of ten years of history by day what validate says', () => {
  const now = new Date('2026-11-26T18:00:00Z')
  const of = (fields: object) => historyForecast([feedOf({ refresh: false, ...fields })], 20, new Map(), now).lines[0]
  const numbersOf = (line = '') => Array.from(line.matchAll(/\d+/g), ([digits]) => Number(digits))
  const about = (reports = 0) => (Math.round(reports / 10) * 10).toLocaleString('en')
  const ofMeetings = { dataset: 'TeamsUsageMeetingsAndCalls', from: 'P10Y' }
  const [all, days] = numbersOf(of(ofMeetings))
  const [byMonth] = numbersOf(of({ ...ofMeetings, backfillWindow: 'P1M' }))
  const [year, yearHours] = numbersOf(of({ dataset: 'MSLearn', from: 'P10Y' }))
  expect(PAGE.replace(/\s+/g, ' ')).toContain(
    `\`"from": "P10Y"\` of data by day is about ${about(all)} reports, ${days} days at 20 an hour, where Microsoft documents that the service has all of it (\`TeamsUsageMeetingsAndCalls\`), and a \`backfillWindow\` of \`P1M\` makes it about ${about(byMonth)}; where a year is documented (\`MSLearn\`), it is about ${about(year)} reports, ${yearHours} hours.`,
  )
})

test('every feeds.json that feeds.md shows is taken without a problem, or a warning but that of a dataset of its own', () => {
  const shown = Array.from(PAGE.matchAll(/^```json\n(.*?)^```/gms), ([, text = '']) => text)
  expect(shown).toHaveLength(3)
  const warnings = shown.map((text) => {
    const { problems, warnings } = checkFeeds(text, CATALOG)
    return [...problems, ...warnings]
  })
  expect(warnings).toEqual([[], [], [expect.stringContaining('the catalogue does not have dataset "SurfaceUsage"')]])
})
