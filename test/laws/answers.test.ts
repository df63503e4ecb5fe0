import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anyHistory, type Seen, serveTwoRows, wrongAnswers } from './answers.ts'
import { LIMIT, runsOf } from './runs.ts'
import { type Downloads, startDownloads } from './service.ts'

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads(serveTwoRows)
})
afterAll(() => downloads.close())

it(
  'a window that counts as complete has rows that answer what its feed asks now, whatever is changed, replayed, imported or erased',
  async () => {
    const seen: Seen = { complete: 0, outdated: 0, outdatedAgain: 0 }
    const law = fc.asyncProperty(anyHistory, async (history) => {
      expect(await wrongAnswers(history, downloads, seen)).toEqual([])
    })
    await fc.assert(law, runsOf(300))
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
  },
  LIMIT,
)
