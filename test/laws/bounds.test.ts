import { afterAll, beforeAll, expect, it } from 'vitest'
import { brokenBounds, heldUp, mostInAnHour, OF_ONE_FEED, TROUBLES } from './bounds.ts'
import { LIMITS } from './deployment.ts'
import { isLong, LIMIT } from './runs.ts'
import { type Downloads, startDownloads } from './service.ts'

/** For a long run, a month: what grows does so with time. */
const DAYS = isLong ? 30 : 2

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

it.each(Object.entries(TROUBLES))(
  'while %s, no endpoint is called more often than its bound',
  async (_, health) => {
    expect(await brokenBounds(health, DAYS, downloads)).toEqual([])
  },
  LIMIT,
)

it.each(Object.entries(TROUBLES))(
  'while %s, no hour has more reports than its limit',
  async (_, health) => {
    expect(await mostInAnHour(health, downloads)).toBeLessThanOrEqual(LIMITS.maxReportsPerHour)
  },
  LIMIT,
)

it.each(OF_ONE_FEED)(
  'while %s for one feed, another one lands within a day',
  async (_, health) => {
    expect(await heldUp(health, downloads)).toEqual([])
  },
  LIMIT,
)
