import { expect, it } from 'vitest'
import { HOUR_MS } from '../../src/core/time/durations.ts'
import { playBackfill } from '../steps/play-backfill.ts'

const DATASETS = [
  'AzureUsage',
  'SeatsSubscriptionsAndRevenue',
  'CustomersAndTenants',
  'CSPRevenueDetails',
  'TrainingCompletions',
]

it('two years of five feeds are asked for as their dry run said, window for window, and take as long', async () => {
  const feeds = DATASETS.map((dataset, at) => ({ name: `feed-${at}`, dataset, from: 'P24M' }))
  const { rehearsed, posted, halfway, forecastMs, tookMs, view } = await playBackfill(feeds, {
    maxInFlight: 10,
    maxReportsPerHour: 20,
  })
  console.log(`${posted.length} reports in ${tookMs / HOUR_MS} h, forecast ${forecastMs / HOUR_MS} h`)
  expect(view.reports).toBeGreaterThan(5 * 22)
  // The month in which the two years begin is out of range for four of the datasets.
  expect(view.outOfRange.map(({ feed }) => feed)).toEqual(['feed-0', 'feed-1', 'feed-2', 'feed-3'])
  expect(posted.slice(0, rehearsed.length)).toEqual(rehearsed)
  expect(halfway.rehearsed.length).toBeGreaterThan(5)
  expect(halfway.posted.slice(0, halfway.rehearsed.length)).toEqual(halfway.rehearsed)
  expect(forecastMs / tookMs).toBeGreaterThan(0.8)
  expect(forecastMs / tookMs).toBeLessThan(1.2)
})
