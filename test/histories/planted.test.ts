import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Downloads, startDownloads } from '../laws/service.ts'
import { anyHistory } from './history.ts'
import { PLANTED } from './planted.ts'
import { brokenLaws } from './quiet.ts'
import { openTally } from './tally.ts'

/** Each bug is found within so many histories, always the same ones. */
const HISTORIES = { numRuns: 40, seed: 13 }

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

it.each(Object.entries(PLANTED))('%s is found', async (_, { plant, found }) => {
  const place = { origin: downloads.origin, plant }
  for (const history of fc.sample(anyHistory, HISTORIES)) {
    const wrong = await brokenLaws(history, place, openTally())
    if (wrong.some((each) => found.test(each))) return
  }
  expect.fail(`no history of ${HISTORIES.numRuns} shows it`)
})

it('the oracle imports nothing', async () => {
  const source = await readFile(join(import.meta.dirname, 'oracle.ts'), 'utf8')
  expect(source).toContain('export function missing')
  expect(source).not.toMatch(/\bimport\b(?!s nothing)|\brequire\b/)
})
