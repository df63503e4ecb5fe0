import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LIMIT, runsOf } from '../laws/runs.ts'
import { type Downloads, startDownloads } from '../laws/service.ts'
import { anyHistory } from './history.ts'
import { brokenLaws } from './quiet.ts'
import { openTally } from './tally.ts'

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
    await fc.assert(law, runs)
    console.info(`${played} histories: ${tally.line()}`)
    expect(tally.missing()).toEqual([])
  },
  LIMIT,
)
