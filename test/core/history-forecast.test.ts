import { expect, test } from 'vitest'
import { historyForecast } from '../../src/core/plan/history-forecast.ts'
import { feedOf } from './feed-of.ts'

const NOW = new Date('2026-11-26T18:00:00Z')
const DAILY = { dataset: 'TeamsUsageMeetingsAndCalls', refresh: false }

const forecast = (feeds: readonly object[], since: ReadonlyMap<string, Date> = new Map()) =>
  historyForecast(
    feeds.map((feed) => feedOf({ ...feed })),
    20,
    since,
    NOW,
  )

test('says of each feed and of the account how many reports history takes, and how long', () => {
  const { lines, warnings } = forecast([
    { ...DAILY, name: 'short', from: 'P40D' },
    { ...DAILY, name: 'young', from: 'P10D' },
    { ...DAILY, name: 'long', from: 'P10Y' },
    { name: 'still', dataset: 'Profile' },
    { ...DAILY, name: 'off', enabled: false },
  ])
  expect(lines).toEqual([
    'feed short: history takes 9 reports, about 1 hour',
    'feed short: 31 reports of history are due later, when data has settled: the last on 2026-12-26',
    'feed young: 10 reports of history are due later, when data has settled: the last on 2026-12-26',
    'feed long: history takes 3621 reports, about 8 days',
    'feed long: 31 reports of history are due later, when data has settled: the last on 2026-12-26',
    'account default: the history of its feeds takes 3630 reports, about 8 days',
  ])
  expect(warnings).toEqual([
    'feed "long": history takes 3621 reports, about 8 days: "backfillWindow": "P1M" makes it 123, a later from fewer too',
  ])
})

test('tells of a later "from" alone where windows are long already, and of nothing where the app knows the feed', () => {
  const feed = { ...DAILY, name: 'long', from: 'P80Y', backfillWindow: 'P1M' }
  expect(forecast([feed]).warnings).toEqual([expect.stringMatching(/: set a later from$/)])
  expect(forecast([feed], new Map([['long', NOW]]))).toEqual({ lines: [], warnings: [] })
})

test('counts no more than Microsoft documents of the dataset', () => {
  const learn = { name: 'learn', dataset: 'MSLearn', from: 'P10Y' }
  expect(forecast([learn]).lines).toEqual([
    'feed learn: history takes 361 reports, about 19 hours',
    'feed learn: 3 reports of history are due later, when data has settled: the last on 2026-11-29',
  ])
})

test('advises a year where the data is of months', () => {
  const feed = feedOf({ name: 'training', dataset: 'TrainingCompletions', from: 'P10Y' })
  const { warnings } = historyForecast([feed], 1, new Map(), NOW)
  expect(warnings).toEqual([expect.stringContaining('"backfillWindow": "P1Y" makes it')])
})

test('adds up the feeds of each account alone', () => {
  const feeds = ['a-one', 'a-two', 'b-one', 'b-two'].map((name) => ({
    ...feedOf({ ...DAILY, name, from: 'P40D' }),
    account: name.charAt(0),
  }))
  expect(historyForecast(feeds, 20, new Map(), NOW).lines.slice(8)).toEqual([
    'account a: the history of its feeds takes 18 reports, about 1 hour',
    'account b: the history of its feeds takes 18 reports, about 1 hour',
  ])
})
