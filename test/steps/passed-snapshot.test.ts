import { expect, it } from 'vitest'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { worldOf } from './one-window.ts'

const PROFILE = { name: 'profile', dataset: 'Profile', snapshot: 'P7D', columns: ['MPNId', 'PartnerName'] }

it('a snapshot that waits while its feed is blocked ends once its time has passed', async () => {
  const world = await worldOf({ feeds: [PROFILE], now: '2025-07-08T00:00:00Z' })
  const { services, simulator, clock } = world
  simulator.fault({ endpoint: 'createReport', effect: { status: 403, message: 'no' }, nth: 'all' })
  await provision(services)
  const first = async () => (await services.ledger.entries('profile'))[0]
  const week = { from: new Date('2025-07-07'), to: new Date('2025-07-14') }
  expect(await retry(services, 'profile', week, false)).toEqual({ state: 'planned' })
  clock.advance(8 * DAY_MS)
  await provision(services)
  expect(await first()).toMatchObject({ state: 'failed', kind: 'out-of-range', attempt: 1 })
})

it('a snapshot that failed for a reason that a change heals ends once its time has passed, without another request', async () => {
  const world = await worldOf({ feeds: [PROFILE], now: '2025-07-08T00:00:00Z' })
  const { services, simulator, clock } = world
  simulator.fault({ endpoint: 'createReport', effect: { status: 403, message: 'no' }, nth: 'all' })
  await provision(services)
  const first = async () => (await services.ledger.entries('profile'))[0]
  expect(await first()).toMatchObject({ state: 'failed', kind: 'forbidden', attempt: 1 })
  clock.advance(8 * DAY_MS)
  await provision(services)
  expect(await first()).toMatchObject({ state: 'failed', kind: 'out-of-range', attempt: 1 })
  const week = { from: new Date('2025-07-07'), to: new Date('2025-07-14') }
  expect(await retry(services, 'profile', week, false)).toEqual({
    problem: expect.stringMatching(
      /^profile 2025\S+ is a snapshot whose time has passed.*forget profile --window 20250707T000000Z_20250714T000000Z$/,
    ),
  })
  expect(await first()).toMatchObject({ state: 'failed', kind: 'out-of-range', attempt: 1 })
})
