import { expect, it } from 'vitest'
import { allLanded, heldBack, isSettled, type StatusBody, summarise } from '../../local/start/summary.ts'
import { FAILURES, type FailureKind, failed } from '../../src/core/failures.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import { pauseBackfill } from '../../src/steps/operator/backfill.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { status } from '../../src/steps/status.ts'
import { storedEntry } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { FEED, fileOf, landFile, MAY, names, WINDOW, worldOf } from './one-window.ts'

// What `npm start` makes of the status: the run ends once nothing more happens by itself, and says why not all is well.

/** The status as a reader gets it over HTTP. */
const answered = async ({ services }: World): Promise<StatusBody> => JSON.parse(JSON.stringify(await status(services)))

/** The lines after the table. */
const reasons = (answer: StatusBody) =>
  summarise(answer)
    .split('\n')
    .slice(answer.feeds.length + 1)

it.each(Object.keys(FAILURES) as FailureKind[])(
  'a window that failed by %s has its reason in the summary',
  async (kind) => {
    const world = await worldOf()
    await provision(world.services)
    const { value, etag } = await storedEntry(world.services.ledger, FEED.name, MAY)
    await world.services.ledger.write(toFailed(value, failed(kind, 'it was so'), world.clock.now()), etag)
    const answer = await answered(world)
    expect([isSettled(answer), allLanded(answer)]).toEqual([true, false])
    expect(reasons(answer).join('\n')).toContain('it was so')
  },
)

it('has it also beside a card about something else with the same command', async () => {
  const world = await worldOf()
  await provision(world.services)
  const { value, etag } = await storedEntry(world.services.ledger, FEED.name, MAY)
  await world.services.ledger.write(toFailed(value, failed('unavailable', 'it was so'), world.clock.now()), etag)
  const answer = await answered(world)
  const [problem] = answer.feeds.flatMap(({ problems }) => problems)
  const card = { kind: 'queue-old', sentence: 'a card', remedy: 'Look.', command: String(problem?.command) } as const
  expect(reasons({ ...answer, toDo: [card] }).join('\n')).toContain('it was so')
})

it('a blank that came before the data had settled is not complete, which the summary says', async () => {
  const world = await worldOf({ now: '2025-06-07T12:00:00Z', feeds: [{ ...FEED, delay: 'P5D' }] })
  await provision(world.services)
  await landFile(world, fileOf([]))
  const answer = await answered(world)
  expect([isSettled(answer), allLanded(answer)]).toEqual([true, false])
  expect(reasons(answer)).toEqual(['usage: 1 landed window does not count as complete: "status" says why'])
})

it('a run whose windows have all landed says no more than that', async () => {
  const world = await worldOf()
  await provision(world.services)
  await landFile(world, fileOf(names(3)))
  const answer = await answered(world)
  expect([isSettled(answer), allLanded(answer), reasons(answer)]).toEqual([true, true, []])
})

it('every feed of an account that cannot sign in is held back, also one that was not asked for yet', async () => {
  const world = await worldOf({ feeds: [FEED, { ...FEED, name: 'other', table: 'Other' }] })
  world.simulator.fault({ endpoint: 'token', effect: { status: 401 }, nth: 'all' })
  await provision(world.services)
  const answer = await answered(world)
  expect([isSettled(answer), heldBack(answer)]).toEqual([true, expect.stringContaining('1 of other (unauthorized)')])
  expect(reasons(answer).join('\n')).toContain('cannot sign in')
})

it('a planned window of a feed that has left the file, or whose history is paused, ends the run, and says so', async () => {
  const world = await worldOf()
  await provision(world.services)
  await landFile(world, fileOf(names(3)))
  await retry(world.services, FEED.name, WINDOW, false)
  expect(isSettled(await answered(world))).toBe(false)
  await pauseBackfill(world.services, FEED.name, true)
  const paused = await answered(world)
  expect([isSettled(paused), heldBack(paused)]).toEqual([
    true,
    expect.stringContaining('1 of usage (until "backfill resume")'),
  ])
  const readFeeds = async () =>
    ({ text: JSON.stringify({ feeds: [{ ...FEED, name: 'other', table: 'Other' }] }), source: 'package' }) as const
  await pauseBackfill(world.services, FEED.name, false)
  await provision({ ...world.services, readFeeds })
  const gone = await answered(world)
  expect(heldBack(gone)).toContain('1 of usage (disabled, or no longer in feeds.json)')
})
