import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createAzuriteStore } from '../memory/azurite-store.ts'
import { cutAndFinished, HISTORIES, type History, type Place, uninterrupted } from '../memory/histories.ts'
import { type Service, startService } from '../memory/service.ts'

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

/** Ten cuts of each history, always the same ones, so that a failure can be repeated. */
const CASES: readonly (readonly [string, History, number])[] = [
  ['a first landing', HISTORIES.first, 1],
  ['a restatement with fewer rows', HISTORIES.restatement, 2],
  ['a restatement in continuations', HISTORIES.continuedRestatement, 3],
  ['a restatement with its file', HISTORIES.restatedFile, 4],
]

describe('an instance abandoned at one of its requests to Azurite', () => {
  it.each(CASES)(
    'in %s leaves nothing that keeps another instance from the same end',
    async (name, history, seed) => {
      const place: Place = { service, store: () => createAzuriteStore(inject('storage')) }
      const { outcome: expected, calls } = await uninterrupted(place, history)
      const anyCut = fc.record({
        at: fc.integer({ min: 1, max: calls.length }),
        side: fc.constantFrom('before' as const, 'after' as const),
      })
      const cuts = fc.sample(anyCut, { seed, numRuns: 10 })
      for (const cut of cuts) {
        const { outcome } = await cutAndFinished(place, history, cut)
        expect(outcome, `${cut.side} request ${cut.at}, ${calls[cut.at - 1]}`).toEqual(expected)
      }
      console.info(`${name}: ${cuts.length} of ${2 * calls.length} cuts on Azurite, the same end after each`)
    },
    180_000,
  )
})
