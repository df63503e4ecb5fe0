import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  attemptsNeeded,
  cutAndFinished,
  HISTORIES,
  type History,
  type Place,
  uninterrupted,
} from '../memory/histories.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { type Service, startService } from '../memory/service.ts'

/** Small blocks and pages, so that every kind of call is made more than once. */
const SMALL = { block: 64 * 1024, page: 30 }

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

const CASES: readonly (readonly [string, History])[] = [
  ['a first landing', HISTORIES.first],
  ['a restatement with fewer rows', HISTORIES.restatement],
  ['a landing in continuations', HISTORIES.continuation],
  ['a restatement in continuations', HISTORIES.continuedRestatement],
]

describe('an instance abandoned before or after any of its calls', () => {
  it.each(CASES)(
    'in %s leaves nothing that keeps another instance from the same end',
    async (name, history) => {
      const place: Place = { service, store: (clock) => createMemoryStore({ clock: clock.now, ...SMALL }) }
      const { outcome: expected, calls } = await uninterrupted(place, history)
      expect(expected.rows.length).toBeGreaterThan(150)
      const cuts = calls.flatMap((_, index) => [
        { at: index + 1, side: 'before' } as const,
        { at: index + 1, side: 'after' } as const,
      ])
      for (const cut of cuts) {
        const where = `${cut.side} call ${cut.at}, ${calls[cut.at - 1]}`
        const { outcome, attempts } = await cutAndFinished(place, history, cut)
        expect(outcome, where).toEqual(expected)
        expect(attempts, where).toBe(attemptsNeeded(calls, cut))
      }
      console.info(`${name}: ${cuts.length} cuts, the same end after each`)
      expect(service.simulator.reports()).toEqual([])
    },
    180_000,
  )
})
