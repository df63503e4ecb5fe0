import { describe, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import type { Effect } from '../../local/simulator/switches.ts'
import { windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { reportRequests } from '../setup/insights.ts'
import { openWorld, type World } from '../setup/world.ts'
import { costsWorld, dropFormer, FEED, HOUR, onlyEntry, planAgain, turn } from './steer.ts'

const MONTHS = { ...FEED, from: '2025-04-01', to: '2025-07-01' }
const SMALL = { rows: 120 }

let world: World

const landed = () => world.events.filter(({ event }) => event === 'window.landed')
const askedForState = () => world.simulator.requests.filter(({ path }) => path.includes('/execution/')).length

/** The callback addresses that the app gave to the service, in the order of the reports. */
const addresses = () => reportRequests(world.simulator).map(({ body }) => String(JSON.parse(body).CallbackUrl))

const post = async (address: string) => (await fetch(address, { method: 'POST' })).status

/** The ledger and the rows with their ETags and times: byte for byte what is stored. */
async function everything(): Promise<object> {
  return { ledger: await rawRows(world.ledgerTable), rows: await rawRows(world.landingTable('Costs')) }
}

describe('without one of its two ways to hear of a report, the app', () => {
  it('lands everything while no sweep ever runs', async () => {
    world = await openWorld({ feeds: [MONTHS], simulator: SMALL })
    await world.run()
    expect((await world.entries()).map(({ state }) => state)).toEqual(['landed', 'landed', 'landed'])
  })

  it('lands everything while every callback is lost', async () => {
    world = await openWorld({ feeds: [MONTHS], simulator: SMALL })
    world.simulator.fault({ endpoint: 'callback', effect: 'lost', nth: 'all' })
    await turn(world)
    expect((await world.entries()).map(({ state }) => state)).toEqual(['landed', 'landed', 'landed'])
    expect(world.sent.map(({ message }) => 'reportId' in message)).toEqual([false, false, false])
  })
})

describe('strange callbacks of the service', () => {
  it.each<Effect>(['twice', 'early', 'forged', 'stale'])(
    '%s: each attempt lands once, the same rows',
    async (effect) => {
      world = await openWorld({ feeds: [FEED], simulator: SMALL })
      await world.run()
      await planAgain(world)
      world.simulator.fault({ endpoint: 'callback', effect })
      world.clock.advance(HOUR)
      const before = world.sent.length
      await world.run()
      // The true call and the strange one come in any order.
      await waitUntil('both calls have come', () => world.sent.length >= before + 2)
      await world.drain()
      expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2 })
      expect(landed().map(({ attempt }) => attempt)).toEqual([1, 2])
      await dropFormer(world)
      const rows = await rawRows(world.landingTable('Costs'))
      const served = world.simulator.served(String(rows[0]?._reportId))
      expect(rows.map((row) => row.CustomerName)).toEqual(served?.rows.map((row) => row[1]))
    },
  )

  it('two messages handled at the same moment land the rows once', async () => {
    world = await costsWorld()
    await provision(world.services)
    const { feed, window, attempt } = await onlyEntry(world)
    const body = { ingest: { feed, window: windowId(window), attempt } }
    await Promise.all([ingest(body, world.services), ingest(body, world.services), ingest(body, world.services)])
    await world.drain()
    expect(landed()).toHaveLength(1)
    const rows = await rawRows(world.landingTable('Costs'))
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', figures: { rowsLanded: rows.length } })
  })
})

describe('a callback that anyone may send', () => {
  it('before the report is ready: the service is asked once a minute at most, and nothing lands', async () => {
    world = await openWorld({ feeds: [FEED], simulator: { ...SMALL, generationMilliseconds: HOUR } })
    await provision(world.services)
    const [address = ''] = addresses()
    for (let nth = 0; nth < 5; nth++) expect(await post(address)).toBe(202)
    await world.drain()
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1 })
    expect(askedForState()).toBe(1)
    // One of the other four waits until the end of that minute.
    expect(world.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([0, 0, 0, 0, 0, 60])
    world.clock.advance(60_000)
    await post(address)
    await world.drain()
    expect(askedForState()).toBe(2)
    expect(landed()).toEqual([])
  })

  it('of an attempt that is over, or for another report, changes no byte', async () => {
    world = await openWorld({ feeds: [FEED], simulator: SMALL })
    await world.run()
    await planAgain(world)
    world.clock.advance(HOUR)
    await world.run()
    const before = await everything()
    const asked = world.simulator.requests.length
    const [first = '', second = ''] = addresses()
    for (const address of [first, second, `${first}/not-an-id`, `${second}/00000000-0000-4000-8000-000000000000`]) {
      expect(await post(address)).toBe(202)
    }
    await world.drain()
    expect(await everything()).toEqual(before)
    expect(world.simulator.requests).toHaveLength(asked)
  })

  it('of an older attempt while a later one is open changes no byte', async () => {
    world = await openWorld({ feeds: [FEED], simulator: SMALL })
    await world.run()
    await planAgain(world)
    world.simulator.fault({ endpoint: 'report', effect: 'stuck' })
    await provision(world.services)
    const before = await everything()
    expect(await post(addresses()[0] ?? '')).toBe(202)
    await world.drain()
    expect(await everything()).toEqual(before)
  })

  it('before our own answer: the report is taken for ours only if it has the name we gave', async () => {
    world = await openWorld({ feeds: [MONTHS], simulator: SMALL, settings: { deleteReports: false } })
    world.simulator.fault({ endpoint: 'createReport', effect: 'lost', nth: 3 })
    world.simulator.fault({ endpoint: 'callback', effect: 'lost', nth: 3 })
    await provision(world.services)
    const [other, , own] = world.simulator.reports().map(({ reportId }) => reportId)
    const address = addresses()[2] ?? ''
    const stateOfOldest = async () => (await world.entries())[0]?.state
    expect(await post(`${address}/${other}`)).toBe(202)
    await world.drain()
    expect(await stateOfOldest()).toBe('requesting')
    // The service is asked about one such call a minute.
    world.clock.advance(60_000)
    expect(await post(`${address}/${own}`)).toBe(202)
    await world.drain()
    expect(await stateOfOldest()).toBe('landed')
    expect(addresses()).toHaveLength(3)
  })

  it('with one changed character in its address is refused', async () => {
    world = await costsWorld({ settings: { callback: { baseUrl: 'http://127.0.0.1:9', secrets: ['s'.repeat(32)] } } })
    await provision(world.services)
    const [, , , feed, window, attempt, token] = new URL(addresses()[0] ?? '').pathname
      .split('/')
      .toSpliced(1, 0, '', '')
    const changed = [
      [feed, window, '2', token],
      [feed, window, attempt, `${token?.slice(0, -1)}${token?.endsWith('A') ? 'B' : 'A'}`],
      [feed, '20250401T000000Z_20250501T000000Z', attempt, token],
      ['other', window, attempt, token],
      [feed, window, attempt, ''],
    ]
    for (const parts of changed) expect(await post(`${world.origin}/api/callback/${parts.join('/')}`)).toBe(404)
    expect(world.sent).toEqual([])
    expect(await post(`${world.origin}/api/callback/${[feed, window, attempt, token].join('/')}`)).toBe(202)
  })
})
