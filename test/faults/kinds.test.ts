import { afterEach, describe, expect, it } from 'vitest'
import type { FaultRule } from '../../local/simulator/faults.ts'
import { FAILURES, type FailureKind } from '../../src/core/failures.ts'
import { openLandingTable } from '../../src/services/landing-table.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import { DAY, FEED, HOUR, onlyEntry, quietWorld, turn } from './steer.ts'

let world: World | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

type Case = readonly [name: string, kind: FailureKind, fault: FaultRule, message: RegExp, feed?: object]

const always = { nth: 'all' } as const

/** What ends an attempt at once, each made by the service itself. */
const CASES: readonly Case[] = [
  [
    'a link to a host nobody allowed',
    'link-refused',
    { endpoint: 'listExecutions', effect: { link: 'https://evil.example/r.csv?sig=secret' } },
    /leads to https:\/\/evil\.example: add it to REPORT_DOWNLOAD_HOSTS/,
  ],
  [
    'a link to a plain address',
    'link-refused',
    { endpoint: 'listExecutions', effect: { link: 'http://127.0.0.1:9/r.csv?sig=secret' } },
    /leads to http:\/\/127\.0\.0\.1:9/,
  ],
  [
    'a redirect in place of the file',
    'link-refused',
    { endpoint: 'download', effect: { status: 302, body: '', headers: { location: 'https://evil.example/' } } },
    /unexpected answer 302; redirects are not followed/,
  ],
  [
    'a create call without the right',
    'forbidden',
    { endpoint: 'createReport', effect: { status: 403 } },
    /answered 403/,
  ],
  [
    'a create call refused for its query',
    'query-refused',
    { endpoint: 'createReport', effect: { status: 400, message: 'Incorrect column name' } },
    /answered 400 "Incorrect column name"/,
  ],
  [
    'a refusal under HTTP 200',
    'query-refused',
    { endpoint: 'createReport', effect: { envelope: 400 } },
    /the service answered 400/,
  ],
  [
    'a token that is refused twice',
    'unauthorized',
    { endpoint: 'createReport', effect: { status: 401 }, ...always },
    /answered 401/,
  ],
  ['data hidden from the role', 'redacted', { endpoint: 'listExecutions', effect: 'redacted' }, /hides data/],
  [
    'a column that is not there',
    'column-missing',
    { endpoint: 'report', effect: { missingColumn: 'ACR_USD' } },
    /not in the report: "ACR_USD"/,
  ],
  [
    'a column that is new',
    'column-new',
    { endpoint: 'report', effect: { newColumn: 'Surprise' } },
    /nobody named: "Surprise"/,
    { newColumns: 'fail' },
  ],
  [
    'a row of another time',
    'outside-window',
    { endpoint: 'report', effect: 'outsideWindow' },
    /line \d+ holds a row of another time/,
  ],
  [
    'a service that ignores the query times',
    'outside-window',
    { endpoint: 'report', effect: 'timesIgnored' },
    /holds a row of another time/,
  ],
  ['gzip cut short', 'malformed', { endpoint: 'report', effect: 'truncatedGzip' }, /gzip data is broken or cut short/],
  [
    'a bad row at the end',
    'too-many-rejects',
    { endpoint: 'report', effect: 'badLastRow' },
    /1 of \d+ rows can't land/,
  ],
  ['the header twice', 'too-many-rejects', { endpoint: 'report', effect: 'headerTwice' }, /1 of \d+ rows can't land/],
  [
    'a column twice',
    'malformed',
    { endpoint: 'report', effect: { columnTwice: 'CustomerName' } },
    /"CustomerName" stands/,
  ],
  ['nothing at all', 'no-header', { endpoint: 'report', effect: 'nothing' }, /no header line/],
]

describe('a window that fails', () => {
  it.each(CASES.map(([name, kind, ...rest]) => ({ name, kind, rest })))(
    '$name: $kind, told with its remedy, and its feed blocked only where a change has to come first',
    async ({ kind, rest: [fault, message, feed] }) => {
      world = await quietWorld({ feeds: [{ ...FEED, ...feed }] })
      world.simulator.fault(fault)
      await turn(world)
      expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind, message: expect.stringMatching(message) })
      const { heals, remedy } = FAILURES[kind]
      const told = (name: string) => world?.events.filter(({ event }) => event === name)
      expect(told('window.failed')).toMatchObject([{ kind, remedy, attempt: 1, feed: 'costs' }])
      expect(told('feed.blocked')).toMatchObject(heals === 'change' ? [{ kind, remedy, feed: 'costs' }] : [])
      const [feedStatus] = (await status(world.services)).feeds
      expect(feedStatus?.failures).toMatchObject([{ kind, remedy, landedBefore: false }])
      expect(feedStatus?.blocked?.kind).toBe(heals === 'change' ? kind : undefined)
      expect(JSON.stringify([await world.entries(), world.events])).not.toContain('secret')
    },
  )
})

describe('a service that is away', () => {
  it('leaves the attempt as it is until it is back', async () => {
    world = await quietWorld()
    world.simulator.fault({ endpoint: 'listExecutions', effect: { status: 503 } })
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', attempt: 1 })
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1, figures: { attempt: 1 } })
  })

  it('ends as deadline once every try has had its day', async () => {
    world = await quietWorld()
    world.simulator.fault({ endpoint: 'listExecutions', effect: { page: 502 }, ...always })
    // A day for the report, and half of one until somebody asks anew.
    for (let half = 0; half < 9; half++) await turn(world, DAY / 2 + 1)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'deadline', attempt: 3, tries: 3 })
  })

  it('a file that cannot be fetched is fetched later, from the same report', async () => {
    world = await quietWorld()
    // As many as the download tries in a row.
    for (let nth = 1; nth <= 5; nth++) world.simulator.fault({ endpoint: 'download', effect: 'drop', nth })
    await turn(world)
    const entry = await onlyEntry(world)
    expect(entry).toMatchObject({ state: 'requested', lastError: { kind: 'unavailable' } })
    expect(entry).toMatchObject({ pollAfter: new Date(world.clock.now().getTime() + 5 * 60_000) })
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 1 })
  })
})

describe('a sign-in that is refused', () => {
  it('is told once, keeps the feed waiting, and is over as soon as it works again', async () => {
    world = await quietWorld()
    // The daily look for strays signs in, too.
    for (const nth of [1, 2, 3]) world.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' }, nth })
    await turn(world)
    await turn(world, HOUR)
    expect(await world.entries()).toEqual([])
    await turn(world, HOUR)
    await turn(world, HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed' })
    const told = world.events.filter(({ event }) => event === 'feed.stale' || event === 'feed.fresh')
    expect(told).toMatchObject([{ event: 'feed.stale', kind: 'unauthorized' }, { event: 'feed.fresh' }])
  })

  it('a role that is missing blocks the feed', async () => {
    world = await quietWorld()
    world.simulator.fault({ endpoint: 'token', effect: 'noRole' })
    await turn(world)
    expect(world.events).toContainEqual(expect.objectContaining({ event: 'feed.blocked', kind: 'forbidden' }))
  })
})

describe('our own side', () => {
  it('an entry that was changed by somebody else is named, and its window is not asked for again', async () => {
    world = await quietWorld()
    await turn(world)
    for await (const row of world.ledgerTable.listEntities<{ v?: number }>()) {
      const { partitionKey = '', rowKey = '' } = row
      if (partitionKey === 'costs') await world.ledgerTable.updateEntity({ partitionKey, rowKey, v: 2 }, 'Merge')
    }
    await turn(world, 40 * DAY)
    const [feedStatus] = (await status(world.services)).feeds
    expect(feedStatus?.failures).toMatchObject([
      { kind: 'unreadable-entry', message: expect.stringMatching(/version 2/) },
    ])
    expect(world.events.filter(({ event }) => event === 'window.requested')).toHaveLength(1)
  })

  it('a message that fails again and again gives its window back for an hour, and the second time ends it', async () => {
    world = await quietWorld()
    await provision(world.services)
    await sweep(world.services)
    const ofWindow = { ingest: world.sent[0]?.message }
    await poison(ofWindow, world.services)
    const back = new Date(world.clock.now().getTime() + HOUR)
    expect(await onlyEntry(world)).toMatchObject({ state: 'requested', pollAfter: back, lastError: { kind: 'poison' } })
    await poison(ofWindow, world.services)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'poison' })
    await poison(ofWindow, world.services)
    for (const strange of [undefined, 'text', { ingest: { feed: '../x' } }]) await poison(strange, world.services)
    const told = world.events.map(({ event }) => event).filter((event) => event !== 'window.requested')
    expect(told).toEqual(['window.failed', 'message.ignored', 'message.ignored', 'message.ignored', 'message.ignored'])
  })

  it('storage that refuses the rows is told as storage, and heals by itself', async () => {
    world = await quietWorld()
    await provision(world.services)
    await sweep(world.services)
    const { landingTable } = world.services
    const limits = { call: 300, once: 200, wait: 10 }
    // A table that is taken away between its creation and the first row.
    const gone = (name: string) => ({ ...openLandingTable(landingTableOf(name), limits), create: async () => {} })
    const landingTableOf = world.landingTable
    await ingest({ ingest: world.sent[0]?.message }, { ...world.services, landingTable: gone })
    expect(await onlyEntry(world)).toMatchObject({
      ...{ state: 'failed', kind: 'storage' },
      message: expect.stringMatching(/refused with TableNotFound \(404\)/),
    })
    expect(world.services.landingTable).toBe(landingTable)
    await turn(world, 6 * HOUR)
    await turn(world)
    expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt: 2, heals: 0 })
  })
})
