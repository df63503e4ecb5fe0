import { afterAll, beforeAll, expect, it } from 'vitest'
import { LeaseLost } from '../../src/steps/landing/held-entry.ts'
import { HISTORIES, type Place, prepare, uninterrupted } from '../memory/histories.ts'
import type { Cut } from '../memory/instance.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { outcomeOf } from '../memory/outcome.ts'
import { reportFile } from '../memory/report-file.ts'
import { type Service, startService } from '../memory/service.ts'

let service: Service
let place: Place
beforeAll(async () => {
  service = await startService()
  place = { service, store: (clock) => createMemoryStore({ clock: clock.now, page: 30 }) }
})
afterAll(() => service.close())

/** Shorter than the file that the zombie lands: rows that it writes beyond must not stay either. */
const NEWER = reportFile(140, 'newer')

/** Freezes an instance in a restatement, lands a newer report, and wakes the instance at one call of that landing. */
async function wokenAt(cut: Cut | undefined, wake: number) {
  const thaw = Promise.withResolvers<void>()
  const deployment = await prepare(place, HISTORIES.restatement)
  const zombie = deployment.start(cut && { ...cut, until: thaw.promise })
  const end = zombie.tick().catch((error: unknown) => error)
  await (cut ? zombie.stopped : end)
  if (cut) await deployment.finish(1)
  await deployment.askAgain(NEWER)
  const newer = deployment.start(undefined, (n) => n === wake && thaw.resolve())
  await newer.tick()
  thaw.resolve()
  const ended = await end
  return { ended, calls: newer.calls, state: (await deployment.entry())?.value, outcome: await outcomeOf(deployment) }
}

/** The numbers of the calls that read or change rows. */
const tableCalls = (calls: readonly string[]) =>
  calls.flatMap((call, index) => (/^table\.(transaction|list)$/.test(call) ? [index + 1] : []))

it('an owner that is frozen past its lease and wakes during a newer landing spoils nothing of it', async () => {
  const { calls } = await uninterrupted(place, HISTORIES.restatement)
  const { outcome: expected, calls: newer } = await wokenAt(undefined, 0)
  const wakes = tableCalls(newer)
  const writes = wakes.filter((wake) => wake < newer.indexOf('table.list') + 1)
  const cuts = tableCalls(calls).flatMap((at) => [
    // Frozen before it reads an answer: whenever it wakes, it can see that its lease is over.
    ...wakes.map((wake) => ({ at, side: 'after' as const, wake })),
    // Frozen with a request on its way, which nothing can stop: the newer landing counts the rows after it wrote.
    ...writes.map((wake) => ({ at, side: 'before' as const, wake })),
  ])
  let lost = 0
  for (const { wake, ...cut } of cuts) {
    const { ended, state, outcome } = await wokenAt(cut, wake)
    const where = `frozen ${cut.side} call ${cut.at}, ${calls[cut.at - 1]}, woken at ${wake}, ${newer[wake - 1]}`
    lost += Number(ended instanceof LeaseLost)
    if (state?.state === 'landed') expect(outcome.rows, where).toEqual(expected.rows)
  }
  expect(lost).toBe(cuts.length)
  console.info(`${cuts.length} zombies, none of which left a row in a landed window`)
}, 180_000)
