import { describe, expect, it } from 'vitest'
import type { AppEvent } from '../../src/core/events.ts'
import { SWEEP_KEY } from '../../src/core/ledger/app-rows.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { rejectsOf, type World } from '../setup/world.ts'
import { COLUMNS, costsWorld, DAY, deliver, FEED, onlyEntry, planAgain, turn } from './steer.ts'

const HEADER = COLUMNS.join(',')
const MONTHS = { ...FEED, from: '2025-04-01', to: '2025-07-01' }
const SNAPSHOT = { name: 'profile', dataset: 'Profile', snapshot: 'P7D' }

let world: World

const told = (...names: readonly AppEvent['event'][]) => world.events.filter(({ event }) => names.includes(event))

const posted = () => world.events.filter(({ event }) => event === 'window.requested').length

describe('a snapshot', () => {
  it('is taken once in its time, and the next one in the next', async () => {
    world = await costsWorld({ feeds: [SNAPSHOT] })
    await turn(world)
    await turn(world, DAY)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', window: { to: new Date('2025-07-14') } })
    await turn(world, 7 * DAY)
    expect((await world.entries()).map(({ state }) => state)).toEqual(['landed', 'landed'])
  })

  it('that did not land in its time never lands under an old date', async () => {
    world = await costsWorld({ feeds: [SNAPSHOT] })
    world.simulator.fault({ endpoint: 'report', effect: 'stuck', nth: 'all' })
    await turn(world)
    await turn(world, 4 * DAY)
    const [first] = await world.entries()
    expect(first).toMatchObject({
      state: 'failed',
      kind: 'out-of-range',
      message: expect.stringMatching(/time has passed/),
    })
    expect(told('window.failed')).toMatchObject([{ kind: 'out-of-range' }])
    await turn(world, 20 * DAY)
    const kept = { ...first, remoteReports: [] }
    expect((await world.entries())[0]).toEqual(kept)
  })
})

describe('no rows', () => {
  it('before the data has settled land as empty, and are asked for once more, twice the delay after the window', async () => {
    // Due on the 5th, four days after the month; settled on the 9th.
    world = await costsWorld({
      feeds: [{ ...FEED, from: '2025-06-01', to: '2025-07-01' }],
      now: '2025-07-05T01:00:00Z',
    })
    world.simulator.fault({ endpoint: 'report', effect: 'headerOnly' })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', figures: { verdict: 'empty', rowsLanded: 0 } })
    await turn(world, 3 * DAY)
    expect(posted()).toBe(1)
    await turn(world, DAY)
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2, figures: { verdict: 'rows' } })
  })

  it('after the data has settled are the truth: the window is not asked for again', async () => {
    world = await costsWorld({ feeds: [{ ...FEED, refresh: { every: 'P1D', for: 'PT1H' } }] })
    world.simulator.fault({ endpoint: 'report', effect: 'headerOnly', nth: 'all' })
    for (let day = 0; day < 4; day++) await turn(world, 5 * DAY)
    expect(posted()).toBe(1)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', figures: { verdict: 'empty' } })
  })

  it('between two full windows are told once', async () => {
    world = await costsWorld({ feeds: [MONTHS] })
    world.simulator.fault({ endpoint: 'report', effect: 'headerOnly', nth: 2 })
    await turn(world)
    await turn(world, DAY)
    await turn(world, DAY)
    expect(told('feed.empty-between-full')).toEqual([{ event: 'feed.empty-between-full', feed: 'costs', count: 1 }])
  })
})

describe('what is told', () => {
  it('a landing is told in order: requested, archived, landed; a changed total is told as restated', async () => {
    world = await costsWorld()
    const fileOf = (amount: number) => `${HEADER}\r\n2025-05-01,Contoso,2024-02-29,1,${amount}\r\n`
    await deliver(world, fileOf(1))
    const subject = { feed: 'costs', window: '20250501T000000Z_20250601T000000Z', attempt: 1 }
    expect(world.events).toMatchObject([
      { event: 'window.requested', ...subject },
      { event: 'download.new-host' },
      { event: 'window.archived', ...subject },
      { event: 'window.landed', ...subject, count: 1 },
    ])
    await planAgain(world)
    await deliver(world, fileOf(1))
    expect(told('window.restated')).toEqual([])
    await planAgain(world)
    await deliver(world, fileOf(2))
    expect(told('window.restated')).toMatchObject([{ ...subject, attempt: 3, count: 1 }])
  })

  it('rejects are counted, and listed beside the archive with line, column, reason and raw text', async () => {
    world = await costsWorld({ feeds: [{ ...FEED, maxRejects: 0.9 }] })
    const lines = [
      HEADER,
      '2025-05-01,"two\r\nlines",2024-02-29,1,1',
      '2025-05-01,x,2024-02-29,1,"1,5"',
      'a,b',
      ',x,,,',
      '',
    ]
    const { figures } = await deliver(world, lines.join('\r\n'))
    expect(told('window.rejects')).toMatchObject([{ feed: 'costs', count: 3 }])
    expect(await rejectsOf(world, figures?.rejects)).toEqual([
      { record: 1, line: 4, column: 'ACR_USD', reason: 'is not a number', raw: '2025-05-01,x,2024-02-29,1,"1,5"' },
      { record: 2, line: 5, reason: 'does not have as many fields as the header', raw: 'a,b' },
      { record: 3, line: 6, column: 'Month', reason: 'is empty, so the row belongs to no window', raw: ',x,,,' },
    ])
    expect(await rawRows(world.landingTable('Costs'))).toHaveLength(1)
  })

  it('a feeds.json that cannot be used is told, and nothing is asked for', async () => {
    world = await costsWorld({ feeds: [FEED, { ...FEED, dataset: 'AzureUsge' }] })
    expect(await provision(world.services)).toBeUndefined()
    expect(world.events).toMatchObject([{ event: 'app.settings', message: expect.stringMatching(/AzureUsage/) }])
    expect(world.simulator.requests).toEqual([])
  })

  it('a second look at a quiet deployment says and does nothing', async () => {
    world = await costsWorld({ feeds: [MONTHS, SNAPSHOT] })
    await turn(world)
    await turn(world)
    const rest = async () => (await rawRows(world.ledgerTable)).filter(({ RowKey }) => RowKey !== SWEEP_KEY)
    const [events, ledger] = [world.events.length, await rest()]
    const asked = world.simulator.requests.length
    expect(await sweep(world.services)).toEqual({})
    expect(await sweep(world.services)).toEqual({})
    expect([world.events.length, await rest()]).toEqual([events, ledger])
    expect(world.simulator.requests).toHaveLength(asked)
  })
})
