import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { anyHistory } from './history.ts'
import { checkLaws } from './laws.ts'
import { play } from './play.ts'
import { countEnd, countHistory, countRequest, openTally } from './tally.ts'
import { startTwin, type Twin } from './twin.ts'

const HISTORIES = 1_000

/** A service that remembers many reports answers slowly: a new one starts after so many histories. */
const HISTORIES_OF_A_TWIN = 25

/** Shorter than the timeout of the test, so that a failing history is reported and not lost. */
const SEARCH_LIMIT = 240_000

let twin: Twin | undefined
afterAll(() => twin?.simulator.close())

it('a report whose create answer is lost is adopted, never doubled while reports are listed, and never landed twice', async () => {
  const tally = openTally()
  let played = 0
  const law = fc.asyncProperty(anyHistory, async (history) => {
    if (played++ % HISTORIES_OF_A_TWIN === 0) {
      await twin?.simulator.close()
      twin = await startTwin()
    }
    if (!twin) throw new Error('no service')
    const end = await play(twin, history, tally)
    countHistory(tally, history)
    const adopted = new Set(end.requested.map(({ reportId }) => reportId))
    for (const each of end.asked) countRequest(tally, each, adopted)
    for (const each of end.entries) countEnd(tally, each, end.asked)
    await checkLaws(history, end)
  })
  await fc.assert(law, { numRuns: HISTORIES, interruptAfterTimeLimit: SEARCH_LIMIT, markInterruptAsFailure: true })
  console.info([`${played} histories`, ...tally.lines()].join('\n'))
  expect([played, tally.missing()]).toEqual([HISTORIES, []])
}, 300_000)
