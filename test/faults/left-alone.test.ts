import { describe, expect, it } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { pacingRowKey } from '../../src/core/ledger/app-rows.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { sharedFields } from '../../src/core/ledger/ledger-row.ts'
import { toFailed, toPlanned, withoutRemoteReports } from '../../src/core/ledger/transitions.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { type PacingRow, pacingOf, reduceAllowance, writePacing } from '../../src/steps/requesting/pacing-row.ts'
import { requestReport } from '../../src/steps/requesting/request-report.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { queryRequests, reportRequests } from '../setup/insights.ts'
import { findFeedRow } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { costsWorld, FEED, HOUR, onlyEntry, planAgain, storedOnly, turn } from './steer.ts'

let world: World

const posted = () => reportRequests(world.simulator).length

async function feedRow(): Promise<FeedRow> {
  const row = await findFeedRow(world.services.ledger, FEED.name)
  if (!row) throw new Error('the feed is not known')
  return row
}

async function readPacing(account: string): Promise<PacingRow> {
  const row = pacingOf(await world.services.ledger.appRows(), account)
  if (isFailure(row)) throw new Error(row.message)
  return row
}

/** Writes the only entry as `change` makes it. */
async function rewrite(change: (entry: LedgerEntry) => LedgerEntry): Promise<LedgerEntry> {
  const { value, etag } = await storedOnly(world)
  const next = change(value)
  if (!(await world.services.ledger.write(next, etag))) throw new Error('the entry changed')
  return next
}

describe('the sweep leaves alone', () => {
  it('a landed report when the settings keep reports', async () => {
    world = await costsWorld({ settings: { deleteReports: false } })
    await turn(world)
    await turn(world, HOUR)
    expect((await onlyEntry(world)).state).toBe('landed')
    expect(world.simulator.reports()).toHaveLength(1)
  })

  it('what another instance changed of a window since the sweep read the ledger', async () => {
    world = await costsWorld()
    await turn(world)
    const late = failed('deadline', 'late')
    await rewrite((entry) => toFailed({ ...entry, remoteReports: ['gone'] }, late, world.clock.now()))
    world.clock.advance(6 * HOUR)
    const { ledger } = world.services
    const due: Ledger['due'] = async (...about) => {
      const found = await ledger.due(...about)
      await rewrite((entry) => withoutRemoteReports(entry, ['gone']))
      return found
    }
    const swept = await sweep({ ...world.services, ledger: { ...ledger, due } })
    expect(swept).not.toHaveProperty('reopen')
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed' })
    expect(await sweep(world.services)).toMatchObject({ reopen: 1 })
    expect(await onlyEntry(world)).toMatchObject({ state: 'planned', reason: 'healed' })
  })

  it('a former query that the feed has come back to', async () => {
    const feed = { ...FEED, columns: ['Month', 'ACR_USD'] }
    world = await costsWorld({ feeds: [feed] })
    await turn(world)
    feed.columns = ['Month', 'CustomerName', 'ACR_USD']
    world.simulator.fault({ endpoint: 'deleteQuery', effect: { status: 500 } })
    await planAgain(world)
    await turn(world, HOUR)
    expect((await feedRow()).formerQueries).toHaveLength(1)
    feed.columns = ['Month', 'ACR_USD']
    for (const attempt of [3, 4]) {
      await planAgain(world)
      await turn(world, HOUR)
      await turn(world, HOUR)
      expect(await onlyEntry(world)).toMatchObject({ state: 'landed', attempt })
    }
    for (const day of [1, 2]) await turn(world, day * 24 * HOUR)
    expect(posted()).toBe(4)
    expect((await feedRow()).formerQueries).toBeUndefined()
  })

  it('the daily try after a block, when it reopens what time heals', async () => {
    world = await costsWorld({ settings: { maxTries: 1, reportDeadlineMs: HOUR } })
    world.simulator.fault({ endpoint: 'report', effect: 'stuck' })
    await turn(world)
    await turn(world, HOUR + 1)
    expect(await onlyEntry(world)).toMatchObject({ state: 'failed', kind: 'deadline' })
    await turn(world, 6 * HOUR + 1)
    expect(world.events.map(({ event }) => event)).toContain('window.reopened')
    expect((await feedRow()).nextTrial).toBeUndefined()
  })
})

it('a tick does not ask for a window that ended after the tick read the ledger', async () => {
  world = await costsWorld()
  await turn(world)
  const asked = posted()
  const now = world.clock.now()
  await rewrite((entry) => toPlanned(entry, 'retry', now, 0))
  const { value, etag } = await storedOnly(world)
  if (value.state !== 'planned') throw new Error('the entry is not planned')
  const previous = { value, etag }
  await rewrite((entry) => toFailed(entry, failed('out-of-range', 'its time has passed'), now))
  const row = await feedRow()
  const { account: name } = row.feed
  const etags = new Map([[previous.value, previous.etag]])
  const pacing = await readPacing(name)
  const known = { rows: new Map(), plans: new Map(), etags, open: new Map(), unanswered: new Set<string>() }
  const tick = { ...known, name, pacing, feeds: [row], datasets: undefined }
  const { window, lane } = previous.value
  const action = { row, window, lane, priority: lane, previous: previous.value }
  expect(await requestReport(world.services, tick, action)).toBe('feed')
  expect([posted(), (await onlyEntry(world)).state]).toEqual([asked, 'failed'])
})

it('a feed whose query is refused is tried once in a tick, however many of its windows are due', async () => {
  world = await costsWorld({ feeds: [{ ...FEED, from: '2025-01-01' }] })
  world.simulator.fault({ endpoint: 'createQuery', effect: { status: 400, message: 'Invalid query' }, nth: 'all' })
  await turn(world)
  expect(queryRequests(world.simulator)).toHaveLength(1)
})

it('rows of an earlier landing are said to stand where a later attempt failed, and only there', async () => {
  world = await costsWorld()
  await turn(world)
  const landedBefore = async () => (await status(world.services)).feeds[0]?.problems[0]?.landedBefore
  const now = world.clock.now()
  await rewrite((entry) => toFailed({ ...entry, attempt: 2 }, failed('storage', 'refused'), now))
  expect(await landedBefore()).toBe(true)
  await rewrite((entry) => {
    const { figures: _, ...never } = sharedFields(entry)
    const refusal = { kind: 'storage', message: 'refused', since: now } as const
    return { ...never, ...refusal, state: 'failed' }
  })
  expect(await landedBefore()).toBe(false)
})

it('a quota is noted although another instance changed the pacing row at that moment', async () => {
  world = await costsWorld()
  const { services } = world
  await turn(world)
  const mine = await readPacing('default')
  const others = await readPacing('default')
  await writePacing(services, 'default', others, { ...others.value, open: [] })
  await reduceAllowance(services, 'default', mine, world.clock.now(), HOUR)
  const { value } = await readPacing('default')
  expect(value).toMatchObject({ open: [], reduced: { allowance: 10 } })
  expect(Date.parse(value.notBefore ?? '') - world.clock.now().getTime()).toBe(HOUR)
})

it('a pacing row that somebody spoils at that moment is left as it is', async () => {
  world = await costsWorld()
  const { services } = world
  await turn(world)
  const mine = await readPacing('default')
  const key = pacingRowKey('default')
  await world.ledgerTable.updateEntity({ partitionKey: '_app', rowKey: key, json: '{"open":5}' }, 'Merge')
  await reduceAllowance(services, 'default', mine, world.clock.now(), HOUR)
  expect((await services.ledger.readApp(key))?.value).toEqual({ open: 5 })
})
