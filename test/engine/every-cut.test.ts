import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolder } from '../memory/folder.ts'
import {
  attemptsNeeded,
  cutAndFinished,
  HISTORIES,
  type History,
  type Place,
  uninterrupted,
} from '../memory/histories.ts'
import type { Cut } from '../memory/instance.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { type Service, startService } from '../memory/service.ts'
import { landingsOf } from './landings.ts'

/** Small blocks and pages, so that every kind of call is made more than once. */
const SMALL = { block: 64 * 1024, page: 30 }

const MAY_FILE = 'Usage/2025-05-01_2025-06-01.parquet'

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

const WITH_FILES: readonly (readonly [string, History, readonly string[]])[] = [
  ['a first landing', HISTORIES.firstFile, ['none', 'first']],
  ['a restatement with fewer rows', HISTORIES.restatedFile, ['none', 'first', 'second']],
  ['a restatement in continuations', HISTORIES.continuedRestatedFile, ['none', 'wide', 'wide second']],
]

/** A deployment in memory with small row groups, and what a reader of its folder sees. */
function openFolderPlace() {
  const folder = createFolder()
  const stores: MemoryStore[] = []
  const note = () => stores.forEach((store) => void folder.note(store))
  const place: Place = {
    service,
    store(clock) {
      const store = createMemoryStore({ clock: clock.now, ...SMALL, group: 490 })
      stores.push(store)
      return store
    },
    onCall: note,
  }
  return { place, folder, note }
}

/**
 * These calls come one after another, so that after one of them is before the next one. Of three or more alike in a row those
 * inside are left out, and what comes after the last call for a file.
 */
function cutsForFiles(calls: readonly string[]): readonly Cut[] {
  const isForFiles = (call: string) => call.startsWith('files.')
  return calls.slice(0, calls.findLastIndex(isForFiles) + 2).flatMap((call, index) => {
    const isInside = call === calls[index - 1] && call === calls[index + 1]
    return index < calls.findIndex(isForFiles) || isInside ? [] : [{ at: index + 1, side: 'before' as const }]
  })
}

describe('an instance that publishes files, abandoned from its first call for a file on', () => {
  it.each(WITH_FILES)(
    'in %s shows the file before or the published one, and leaves the published one alone',
    async (name, history, whole) => {
      const [first, second] = HISTORIES.restatedFile.files
      const [wide, less] = HISTORIES.continuedRestatedFile.files
      const landings = await landingsOf(service, { first, second, wide, 'wide second': less })
      const all = openFolderPlace()
      const { outcome: expected, calls } = await uninterrupted(all.place, history)
      all.note()
      expect(await all.folder.seen(landings)).toEqual(whole)
      expect(expected).toMatchObject({ files: [{ name: MAY_FILE, isOfFigures: true }], owed: undefined })
      const cuts = cutsForFiles(calls)
      for (const cut of cuts) {
        const where = `${cut.side} call ${cut.at}, ${calls[cut.at - 1]}`
        const { place, folder, note } = openFolderPlace()
        const { outcome, attempts } = await cutAndFinished(place, history, cut)
        note()
        expect(outcome, where).toEqual(expected)
        expect(attempts, where).toBe(1)
        expect(await folder.seen(landings), where).toEqual(whole)
      }
      console.info(`${name} with files: ${cuts.length} of ${2 * calls.length} cuts, the same end after each`)
    },
    180_000,
  )
})
