import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isLong, LIMIT, runsOf } from '../laws/runs.ts'
import { type Downloads, startDownloads } from '../laws/service.ts'
import { anyHistory } from './history.ts'
import { brokenLaws } from './quiet.ts'
import { openTally } from './tally.ts'

/** A long run plays so many times more of these histories than of each law. */
const OFTENER = 5

/** So many histories have everything that may go wrong. */
const ENOUGH = 120

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

it(
  'whatever happened, time is covered once, limits hold, restated numbers are published in time, and what is new comes first',
  async () => {
    const tally = openTally()
    let played = 0
    const law = fc.asyncProperty(anyHistory, async (history) => {
      played += 1
      expect(await brokenLaws(history, downloads, tally)).toEqual([])
    })
    const runs = runsOf(60)
    const numRuns = isLong ? OFTENER * runs.numRuns : runs.numRuns
    const { HISTORIES_SEED: own = runs.seed ?? Math.floor(Math.random() * 2 ** 31) } = process.env
    const seed = Number(own)
    console.info(`${numRuns} histories of seed ${seed}`)
    await fc.assert(law, { ...runs, numRuns, seed })
    console.info(`${played} histories: ${tally.line()}`)
    // So few as a short run plays need not have everything.
    if (played >= ENOUGH) expect(tally.missing()).toEqual([])
  },
  LIMIT,
)
