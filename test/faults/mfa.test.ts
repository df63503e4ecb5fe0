import { describe, expect, it } from 'vitest'
import { API_ENDPOINTS } from '../../local/simulator/switches.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { status } from '../../src/steps/status.ts'
import { costsWorld, onlyEntry, turn } from './steer.ts'

const NO_MFA = { noMfa: 'always' } as const

describe('a service that misses multi-factor', () => {
  it('now and then, is asked again with a fresh token: the window lands at once', async () => {
    const world = await costsWorld()
    for (const endpoint of API_ENDPOINTS)
      world.simulator.fault({ endpoint, effect: { noMfa: 'sometimes' }, nth: 'all' })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
    expect(world.events.map(({ event }) => event)).not.toContain('window.failed')
  })

  it('in each call, is asked four times with four tokens, and the window waits', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: NO_MFA, nth: 'all' })
    await turn(world)
    const asked = world.simulator.requests.filter(
      ({ method, path }) => method === 'POST' && path.endsWith('/ScheduledReport'),
    )
    expect(new Set(asked.map(({ headers }) => headers.authorization)).size).toBe(4)
    expect(asked).toHaveLength(4)
    expect(await onlyEntry(world)).toMatchObject({ state: 'planned', tries: 0 })
    expect(await status(world.services)).toMatchObject({
      accounts: [{ name: 'default', refused: { kind: 'mfa-required', blocks: false } }],
      feeds: [{ problems: [] }],
    })
  })

  it('while a report is fetched, fails no window: the report is fetched later', async () => {
    const world = await costsWorld()
    for (const nth of [2, 3, 4, 5]) world.simulator.fault({ endpoint: 'listExecutions', effect: NO_MFA, nth })
    world.simulator.fault({ endpoint: 'download', effect: 'expired' })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', lastError: { kind: 'mfa-required' } })
    await turn(world, 10 * MINUTE_MS)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})
