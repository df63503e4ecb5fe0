import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Deployment, openOn, type Site, startSite } from '../crash/deployment.ts'
import { brokenAfterQuiet, brokenNow, unasked } from '../crash/laws.ts'
import { workUntilQuiet } from '../crash/quiet.ts'
import { play, type StepName } from '../crash/script.ts'
import { createAzuriteStore } from '../memory/azurite-store.ts'
import type { Cut } from '../memory/instance.ts'
import type { Store } from '../memory/store.ts'

const POINTS = 30

/** Decides which points; `CRASH_SEED` plays those of an earlier run again. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.close())

/** A step of the history, and where in it the instance dies. */
type Point = { readonly nth: number; readonly cut: Cut }

const open = () => openOn((clock) => patient(createAzuriteStore(inject('storage'), clock.now)), site)

/** Azurite may show a message some milliseconds after it was sent: whoever takes one waits for what was sent. */
function patient(store: Store): Store {
  let sent = 0
  return {
    ...store,
    open(pass) {
      const { queue, ...services } = store.open(pass)
      return {
        ...services,
        queue: {
          async send(message, delay = 0) {
            await queue.send(message, delay)
            sent += delay === 0 ? 1 : 0
          },
          async sendDrop(message) {
            await queue.sendDrop(message)
            sent += 1
          },
          look: queue.look,
          oldest: queue.oldest,
        },
      }
    },
    async receive() {
      let taken = await store.receive()
      for (let tries = 0; !taken && sent > 0 && tries < 100; tries += 1) taken = await store.receive()
      sent = taken ? Math.max(0, sent - 1) : 0
      return taken
    },
  }
}

/** The steps of the history that nobody interrupts, with the requests of each. */
async function stepsOf(on: Deployment): Promise<readonly { name: StepName; calls: readonly string[] }[]> {
  const steps: { name: StepName; calls: readonly string[] }[] = []
  await play(on, async (step) => {
    const by = on.start()
    const isDone = await step.run(on, by)
    steps.push({ name: step.name, calls: by.calls })
    return isDone
  })
  return steps
}

/** Plays the history until the instance of a step dies, and lets others work until quiet. Gives what is against the laws. */
async function brokenBy({ nth, cut }: Point): Promise<readonly string[]> {
  const on = open()
  const dead = Promise.withResolvers<void>()
  let begun = 0
  const missed = play(on, (step) => {
    const by = on.start(begun++ === nth ? cut : undefined)
    by.stopped.then(dead.resolve)
    return step.run(on, by)
  }).then(() => Promise.reject(new Error(`request ${cut.at} of step ${nth} was never made`)))
  await Promise.race([missed, dead.promise])
  const atDeath = await brokenNow(on)
  const lost = await unasked(on)
  await workUntilQuiet(on)
  return [...atDeath, ...(await brokenAfterQuiet(on, lost))]
}

it('an instance that dies before or after any of its requests to Azurite leaves nothing that others do not finish', async () => {
  const on = open()
  const steps = await stepsOf(on)
  await workUntilQuiet(on)
  expect(await brokenAfterQuiet(on)).toEqual([])
  const all = steps.flatMap(({ calls }, nth) =>
    calls.flatMap((_, index) => (['before', 'after'] as const).map((side) => ({ nth, cut: { at: index + 1, side } }))),
  )
  const some = fc.shuffledSubarray(all, { minLength: POINTS, maxLength: POINTS })
  const points = fc.sample(some, { seed, numRuns: 1 }).flat()
  console.info(`seed ${seed}: ${points.length} of ${all.length} points on Azurite`)
  for (const point of points) {
    const { name, calls } = steps[point.nth] ?? { name: '', calls: [] }
    const where = `${name} (step ${point.nth}) dies ${point.cut.side} request ${point.cut.at}, ${calls[point.cut.at - 1]}`
    expect(await brokenBy(point), `seed ${seed}: ${where}`).toEqual([])
  }
}, 600_000)
