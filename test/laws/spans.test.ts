import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anyHistory } from './history.ts'
import { LIMIT, runsOf } from './runs.ts'
import { type Downloads, startDownloads } from './service.ts'
import { wrongSpans } from './spans.ts'

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

it(
  'windows of a feed never overlap, and with what is planned they cover what the feed asks for, and no more',
  async () => {
    const law = fc.asyncProperty(anyHistory, async (history) => {
      expect(await wrongSpans(history, downloads)).toEqual([])
    })
    await fc.assert(law, runsOf(200))
  },
  LIMIT,
)
