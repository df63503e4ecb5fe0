import { expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { FEED, feedRowOf, worldOf } from './one-window.ts'

it('refreshes that would take more than their part of each hour are stretched, and status says so until they are not', async () => {
  const often = { ...FEED, openWindow: false, refresh: { every: 'PT1H', for: 'P900D' } }
  const world = await worldOf({ feeds: [often] })
  await provision(world.services)
  // 30 young months, each 24 times a day, where a quarter of 20 reports an hour is 120 a day: six times, and a little more.
  expect(await feedRowOf(world)).toMatchObject({ stretch: 7 })
  expect((await status(world.services)).feeds).toMatchObject([{ stretch: 7 }])
  const text = JSON.stringify({ feeds: [{ ...often, refresh: { every: 'P1D', for: 'P900D' } }] })
  await provision({ ...world.services, readFeeds: async () => ({ text, source: 'package' }) })
  expect(await feedRowOf(world)).not.toHaveProperty('stretch')
})
