import { describe, expect, it } from 'vitest'
import { costsWorld, DAY, FEED, HOUR, turn } from './steer.ts'

const ID = 'b7a1c2d4-0000-4000-8000-5e6f7a8b9c0d'
const headers = { 'ms-correlationid': ID }
const NAMED = expect.stringContaining(`(MS-CorrelationId ${ID})`)

describe('the event about a call that failed names the call', () => {
  it('whose report was refused, in the ledger too', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: { status: 403, headers } })
    await turn(world)
    const told = world.events.filter(({ event }) => event === 'window.failed' || event === 'feed.blocked')
    expect(told.map(({ message }) => message)).toEqual([NAMED, NAMED])
    expect(await world.entries()).toMatchObject([{ state: 'failed', message: NAMED }])
  })

  it('whose query could not be registered', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createQuery', effect: { status: 503, headers } })
    await turn(world)
    expect(world.events).toMatchObject([{ event: 'feed.stale', message: NAMED }])
  })

  it('which the service refused for its quota', async () => {
    const world = await costsWorld()
    world.simulator.fault({ endpoint: 'createReport', effect: { status: 429, headers } })
    await turn(world)
    expect(world.events).toMatchObject([{ event: 'quota.reduced', message: NAMED }])
  })

  it('which was to delete a report, once a day, although each call has an id of its own', async () => {
    const world = await costsWorld()
    for (let nth = 1; nth <= 40; nth += 1) {
      const effect = { status: 403, headers: { 'ms-correlationid': `call-${nth}` } }
      world.simulator.fault({ endpoint: 'deleteReport', nth, effect })
    }
    for (let hour = 0; hour < 20; hour += 1) await turn(world, hour === 0 ? 0 : HOUR)
    const told = () => world.events.filter(({ event }) => event === 'cleanup.failing')
    expect(told()).toMatchObject([{ message: expect.stringContaining('(MS-CorrelationId call-') }])
    await turn(world, DAY)
    expect(told()).toHaveLength(2)
  })

  it('of the simulator, which names each call as the service does', async () => {
    const world = await costsWorld({ feeds: [FEED] })
    world.simulator.fault({ endpoint: 'createReport', effect: { status: 403 } })
    await turn(world)
    const [told] = world.events.filter(({ event }) => event === 'window.failed')
    expect(told?.message).toMatch(/\(MS-CorrelationId [0-9a-f-]{36}\)/)
  })
})
