import { expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import type { Requesting } from '../../src/core/ledger/ledger.ts'
import { DAY_MS } from '../../src/core/time/durations.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { type Pass, unhindered } from '../memory/store.ts'
import { testClock } from '../setup/clock.ts'
import { type Actor, type Interleaving, interleave, seededChoices } from './scheduler.ts'

/** An actor that makes so many calls, and what was called so far. */
function caller(name: string, calls: number, cut?: Actor['cut']) {
  const effects: number[] = []
  const answers: number[] = []
  const run = async (pass: Pass) => {
    for (let nth = 1; nth <= calls; nth += 1) {
      await pass(`call ${nth}`, async () => effects.push(nth))
      answers.push(nth)
    }
  }
  return { actor: { name, run, ...(cut && { cut }) }, effects, answers }
}

async function orderOf(actors: readonly Actor[], choose: Interleaving['choose']): Promise<readonly string[]> {
  const order: string[] = []
  const clock = testClock('2026-01-10T12:00:00Z')
  await interleave(actors, { clock, choose, onCall: (actor) => order.push(actor) })
  return order
}

it('one seed is one order of calls, and other seeds are others', async () => {
  const played = (seed: number) => orderOf([caller('a', 20).actor, caller('b', 20).actor], seededChoices(seed))
  expect(await played(1)).toEqual(await played(1))
  expect(new Set((await Promise.all([1, 2, 3, 4].map(played))).map(String)).size).toBe(4)
})

it('an actor that is cut before a call has no effect from there on, and one cut after it hears of none', async () => {
  const before = caller('a', 3, { at: 2, side: 'before' })
  const after = caller('b', 3, { at: 2, side: 'after' })
  await orderOf([before.actor, after.actor], seededChoices(1))
  expect([before.effects, before.answers]).toEqual([[1], [1]])
  expect([after.effects, after.answers]).toEqual([[1, 2], [1]])
})

it('a reader of several pages sees what is written ahead of it, and not what is written behind it', async () => {
  const store = createMemoryStore({ clock: () => new Date(0) })
  const { ledger } = store.open(unhindered)
  await ledger.create()
  for (const day of [1, 2, 3, 4]) await ledger.write(entryOf(day), undefined)
  const seen: number[] = []
  const reader: Actor = {
    name: 'reader',
    run: async (pass) => void seen.push(...(await daysOf(store.open(pass).ledger))),
  }
  const write = (day: number): Actor => ({
    name: 'writer',
    run: (pass) => store.open(pass).ledger.write(entryOf(day), undefined),
  })
  let isFirst = true
  const readerFirst = (waiting: readonly string[]) => {
    const wanted = isFirst || !waiting.includes('writer') ? 'reader' : 'writer'
    isFirst = false
    return waiting.indexOf(wanted)
  }
  await orderOf([reader, write(0), write(5)], readerFirst)
  expect(seen).toEqual([1, 2, 3, 4, 5])
})

async function daysOf(ledger: Ledger): Promise<readonly number[]> {
  const entries = await ledger.entries('usage')
  return entries.flatMap((entry) => (isFailure(entry) ? [] : entry.window.from.getTime() / DAY_MS))
}

/** The entry of the nth day of 1970. */
function entryOf(day: number): Requesting {
  return {
    feed: 'usage',
    window: { from: new Date(day * DAY_MS), to: new Date((day + 1) * DAY_MS) },
    lane: 'live',
    attempt: 1,
    tries: 1,
    heals: 0,
    remoteReports: [],
    history: [],
    state: 'requesting',
    reportName: 'pis test',
    queryId: 'q',
    asked: { rowSet: 's', selection: 's' },
    requestedAt: new Date(0),
  }
}
