import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openApp } from '../../src/app/app.ts'
import { failed, isFailure } from '../../src/core/failures.ts'
import { feedRowKey, tableRowKey } from '../../src/core/ledger/app-rows.ts'
import type { Drop } from '../../src/core/ledger/drop.ts'
import { retired } from '../../src/core/ledger/feed-block.ts'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { createEntityEncoder, isReject } from '../../src/core/report/entities.ts'
import { type Generation, generationAt, keyRange, toGeneration } from '../../src/core/report/generation.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import { auditTables } from '../../src/steps/landing/audit-table.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { anyEntryIn } from '../core/any-entry.ts'
import { feedOf } from '../core/feed-of.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { type Pass, unhindered } from '../memory/store.ts'
import { testClock } from '../setup/clock.ts'
import { drain } from '../setup/queue.ts'
import { testSettings } from '../setup/settings.ts'
import { withTable } from './one-window.ts'

const HOUR = 3_600_000
const WEEK = 7 * 24 * HOUR
const FEED = feedOf({ name: 'usage', table: 'Usage' })

const [APRIL, MAY, JUNE, JULY] = [4, 5, 6, 7].map(monthOf) as [Window, Window, Window, Window]

function monthOf(month: number): Window {
  const window = parseWindowId(`20250${month}01T000000Z_20250${month + 1}01T000000Z`)
  if (!window) throw new Error(`no month ${month}`)
  return window
}

/** A generation whose name is one digit again and again. */
function generationOf(digit: string): Generation {
  return toGeneration(digit.repeat(12)) ?? failNow(`no generation ${digit}`)
}

function failNow(message: string): never {
  throw new Error(message)
}

/** An entry that names the generation `digit`: of its published landing, or of the one that is under way. */
function entryOf(state: 'landed' | 'landing', window: Window, digit: string, published?: string): LedgerEntry {
  const [landed, any] = (['landed', state] as const).map(
    (each) => fc.sample(anyEntryIn(each), { seed: 1, numRuns: 1 })[0],
  )
  if (landed?.state !== 'landed' || !any) throw new Error('no entry')
  const figures = (each: string) => ({ ...landed.figures, generation: generationOf(each), table: 'Usage' })
  const { figures: _, ...rest } = { ...any, feed: 'usage', window }
  if (rest.state !== 'landing') return { ...landed, feed: 'usage', window, figures: figures(digit) }
  return { ...rest, generation: generationOf(digit), ...(published !== undefined && { figures: figures(published) }) }
}

function dropOf(window: Window, digit: string, wakeAt: Date): Drop {
  const generation = generationOf(digit)
  return { feed: 'usage', generation, table: 'Usage', ...keyRange(window, generation), wakeAt }
}

/** Storage in memory with one feed, which owns its table, and no service that answers. */
async function openWorld() {
  const clock = testClock('2025-07-10T12:00:00Z')
  const store = createMemoryStore({ clock: clock.now })
  const through = (pass: Pass): Services =>
    openApp(testSettings(), '', {
      ...store.open(pass),
      clock: clock.now,
      insights: () => failed('unauthorized', 'no sign-in'),
    })(() => undefined)
  const services = through(unhindered)
  const { ledger, landingTable } = services
  await ledger.create()
  const row = newFeedRow(FEED, {}, clock.now())
  await ledger.writeApp(feedRowKey('usage'), row, undefined)
  await ledger.writeApp(tableRowKey('Usage'), { feed: 'usage' }, undefined)
  await landingTable('Usage').create()

  /** Writes rows to two partitions that begin with `prefix`. */
  const fill = async (prefix: string) => {
    const encoder = createEntityEncoder({ columns: [], prefix, shards: 2, lineage: { attempt: 1, reportId: 'r' } })
    const rows = Array.from({ length: 150 }, (_, number) =>
      encoder.encode({ line: number, fields: [], raw: '' }, number),
    )
    const entities = rows.map((row) => (isReject(row) ? failNow(row.reason) : row))
    await landingTable('Usage').write(
      (async function* () {
        yield entities
      })(),
      { inFlight: 1 },
    )
  }
  return {
    clock,
    store,
    through,
    services,
    ledger,
    row,
    fill,
    fillOf: (window: Window, digit: string) => fill(keyRange(window, generationOf(digit)).keyFrom),
    drops: async () => (await ledger.drops('usage')).map((drop) => (isFailure(drop) ? failNow(drop.message) : drop)),
    /** The digits of the generations in the table; of partitions that are not ours, the key. */
    inTable: () => {
      const found = store
        .look('Usage')
        .map(({ partitionKey }) => generationAt(partitionKey)?.generation[0] ?? partitionKey)
      return [...new Set(found)]
    },
    /** Lets the drops be carried out, with the second look at each. */
    async settle() {
      for (let look = 0; look < 3; look += 1) {
        await sweep(services)
        await drain(store.receive, services)
        clock.advance(HOUR)
      }
    },
  }
}

type AuditWorld = Awaited<ReturnType<typeof openWorld>>

const dropped = async ({ drops }: AuditWorld) => (await drops()).map(({ value }) => value.generation[0])

/**
 * May is published as `a`. June is published as `b`, and lands as `c`. The entry of July was deleted by hand, and `f` is
 * left of it. There is a drop of `d`, which waits.
 */
async function filledWorld(): Promise<AuditWorld> {
  const world = await openWorld()
  const { ledger, fillOf, clock } = world
  const waiting = dropOf(MAY, 'd', new Date(clock.now().getTime() + WEEK + HOUR))
  await ledger.write(entryOf('landed', MAY, 'a'), undefined, { drops: [waiting] })
  await ledger.write(entryOf('landing', JUNE, 'c', 'b'), undefined)
  for (const digit of ['a', 'd']) await fillOf(MAY, digit)
  for (const digit of ['b', 'c']) await fillOf(JUNE, digit)
  await fillOf(JULY, 'f')
  return world
}

describe('the weekly audit of a landing table', () => {
  it('drops the rows that nothing names, and no others', async () => {
    const world = await filledWorld()
    const { clock, services, drops, inTable, fill } = world
    const foreign = ['20250501', '20250501_gffff_', '20250501_gFFFFFFFFFFFF_', '20250501_geeeeeeeeeeee_1', 'notes', '']
    for (const prefix of foreign) await fill(prefix)
    const before = inTable()
    const [waiting] = await drops()
    clock.advance(WEEK)
    await sweep(services)
    expect(await drops()).toEqual([waiting, { value: dropOf(JULY, 'f', clock.now()), etag: expect.anything() }])
    expect(inTable()).toEqual(before)
    await world.settle()
    expect(inTable()).toEqual(before.filter((each) => !['d', 'f'].includes(each)))
    expect(await drops()).toEqual([])
  })

  it('leaves the rows of a day alone on which the window of an unreadable entry begins', async () => {
    const world = await filledWorld()
    const { ledger, clock, fillOf, inTable } = world
    await ledger.write({ ...entryOf('landed', APRIL, 'e'), tries: 0.5 }, undefined)
    for (const digit of ['e', '0']) await fillOf(APRIL, digit)
    clock.advance(WEEK)
    await sweep(world.services)
    expect(await dropped(world)).toEqual(['d', 'f'])
    await world.settle()
    expect(inTable()).toEqual(['0', 'e', 'a', 'b', 'c'])
  })

  it('looks at a feed that left feeds.json, too', async () => {
    const world = await filledWorld()
    const stored = await world.ledger.readApp(feedRowKey('usage'))
    const row = retired(newFeedRow(FEED, {}, world.clock.now()))
    await world.ledger.writeApp(feedRowKey('usage'), row, stored?.etag)
    world.clock.advance(WEEK)
    await sweep(world.services)
    expect(await dropped(world)).toEqual(['d', 'f'])
  })

  it('does not take the rows of another feed for left over', async () => {
    const { ledger, clock, services } = await filledWorld()
    const other = newFeedRow(feedOf({ name: 'other', table: 'Usage' }), {}, clock.now())
    await ledger.writeApp(feedRowKey('other'), other, undefined)
    clock.advance(WEEK)
    await sweep(services)
    expect(await ledger.drops('other')).toEqual([])
  })

  it('comes a week after the app first saw the feed, and then a week after the one before', async () => {
    const world = await openWorld()
    const seen: unknown[] = []
    const atDays = async (days: number, digit: string) => {
      await world.fillOf(JULY, digit)
      world.clock.advance(days * 24 * HOUR)
      await sweep(world.services)
      seen.push(await dropped(world))
    }
    await atDays(6.9, '1')
    await atDays(0.2, '2')
    await atDays(6.9, '3')
    await atDays(0.2, '4')
    expect(seen).toEqual([[], ['1', '2'], ['1', '2'], ['1', '2', '3', '4']])
  })

  it('ends with its time, and the next sweep goes on where it ended', async () => {
    const world = await openWorld()
    const { clock } = world
    const digits = [...'0123456789']
    for (const digit of digits) await world.fillOf(JULY, digit)
    clock.advance(WEEK)
    const listings: number[] = []
    const slow = world.through(async (name, effect) => {
      clock.advance(15_000)
      if (name === 'table.list') listings.push(Number(listings.pop()) + 1)
      return effect()
    })
    for (let turn = 0; turn < 4; turn += 1) {
      listings.push(0)
      await auditTables(slow, await world.services.ledger.appRows())
    }
    expect(listings).toEqual([3, 3, 3, 2])
    expect(await dropped(world)).toEqual(digits)
  })

  it('goes on in the next sweep where the table did not answer', async () => {
    const world = await filledWorld()
    world.clock.advance(WEEK)
    const partitionAfter = async () => failed('storage', 'the table is busy')
    await sweep(withTable(world.services, () => ({ partitionAfter })))
    expect(await dropped(world)).toEqual(['d'])
    await sweep(world.services)
    expect(await dropped(world)).toEqual(['d', 'f'])
  })
})

describe('whatever happens while the audit walks the table', () => {
  type Act = (world: AuditWorld) => Promise<unknown>

  const begins: Act = async ({ ledger, fillOf }) => {
    await ledger.write(entryOf('landing', APRIL, '9'), undefined)
    await fillOf(APRIL, '9')
  }
  const beginsAnew: Act = async ({ ledger, fillOf }) => {
    const stored = await ledger.read('usage', windowId(MAY))
    await ledger.write(entryOf('landing', MAY, '9', 'a'), isFailure(stored) ? undefined : stored?.etag)
    await fillOf(MAY, '9')
  }
  const isPublished: Act = async ({ ledger, clock }) => {
    const stored = await ledger.read('usage', windowId(JUNE))
    const etag = isFailure(stored) ? undefined : stored?.etag
    await ledger.write(entryOf('landed', JUNE, 'c'), etag, { drops: [dropOf(JUNE, 'b', clock.now())] })
  }
  const dropEnds: Act = async ({ ledger, services, drops }) => {
    const drop = (await drops()).find(({ value }) => value.generation === generationOf('d')) ?? failNow('no drop')
    await services.landingTable('Usage').remove(drop.value, () => false)
    await ledger.endDrop(drop)
  }

  /** Audits, and lets something happen before the call with a number; gives the number of calls. */
  async function audited(world: AuditWorld, at: number, act: Act): Promise<number> {
    let calls = 0
    const services = world.through(async (_, effect) => {
      calls += 1
      if (calls === at) await act(world)
      return effect()
    })
    world.clock.advance(WEEK)
    await auditTables(services, await world.services.ledger.appRows())
    return calls
  }

  it.each([
    ['a landing begins', begins, '9abc'],
    ['a restatement begins', beginsAnew, 'a9bc'],
    ['a landing is published', isPublished, 'ac'],
    ['a drop ends', dropEnds, 'abc'],
  ])('%s: no rows are dropped that are published or being landed', async (_, act, left) => {
    const calls = await audited(await filledWorld(), 0, act)
    for (let at = 1; at <= calls; at += 1) {
      const world = await filledWorld()
      await audited(world, at, act)
      const where = `before call ${at}`
      for (const digit of await dropped(world)) expect(left, where).not.toContain(digit)
      await world.settle()
      expect(world.inTable().toSorted(), where).toEqual([...left].toSorted())
    }
  })
})

describe('a drop', () => {
  it('of rows that an entry names, or may name, deletes nothing', async () => {
    const world = await filledWorld()
    const { ledger, clock, fillOf, inTable } = world
    await ledger.write({ ...entryOf('landed', APRIL, 'e'), tries: 0.5 }, undefined)
    await fillOf(APRIL, 'e')
    const named = [dropOf(MAY, 'a', clock.now()), dropOf(JUNE, 'b', clock.now()), dropOf(JUNE, 'c', clock.now())]
    for (const drop of [...named, dropOf(APRIL, 'e', clock.now())]) await ledger.writeDrop(drop, undefined)
    const before = inTable()
    await world.settle()
    expect(inTable()).toEqual(before)
  })
})
