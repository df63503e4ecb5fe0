import { expect, it } from 'vitest'
import { playBackfill } from './play-backfill.ts'

const DATASETS = ['AzureUsage', 'SeatsSubscriptionsAndRevenue', 'TrainingCompletions']

it('a backfill asks for exactly what its dry run said, in that order, and takes as long', async () => {
  const feeds = DATASETS.map((dataset, at) => ({ name: `feed-${at}`, dataset, from: 'P5M' }))
  const { rehearsed, posted, halfway, forecastMs, tookMs } = await playBackfill(feeds, {
    maxInFlight: 4,
    maxReportsPerHour: 6,
  })
  expect(rehearsed.length).toBeGreaterThan(15)
  expect(posted.slice(0, rehearsed.length)).toEqual(rehearsed)
  expect(halfway.rehearsed.length).toBeGreaterThan(5)
  expect(halfway.posted.slice(0, halfway.rehearsed.length)).toEqual(halfway.rehearsed)
  expect(forecastMs / tookMs).toBeGreaterThan(0.8)
  expect(forecastMs / tookMs).toBeLessThan(1.2)
})
