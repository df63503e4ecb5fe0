import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { missingExits } from './exits.ts'
import { anyTroubledHistory } from './history.ts'
import { LIMIT, runsOf } from './runs.ts'
import { type Downloads, startDownloads } from './service.ts'

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

it(
  'once the service works again, every window lands or waits for a person within 8 days and what the quota needs',
  async () => {
    const law = fc.asyncProperty(anyTroubledHistory, async (history) => {
      expect(await missingExits(history, downloads)).toEqual([])
    })
    await fc.assert(law, runsOf(80))
  },
  LIMIT,
)
