import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Site, startSite } from './deployment.ts'
import { brokenInEvery, callsOf, type Played, played } from './points.ts'
import type { StepName } from './script.ts'

/** Longer than any of these takes on a busy machine. */
const LIMIT = 300_000

/** The tests of some kinds of steps. They are two files, so that two cores work on them. */
export function describePoints(needed: Readonly<Partial<Record<StepName, readonly string[]>>>): void {
  describe('an instance that dies before or after any of its calls leaves nothing that others do not finish', () => {
    let site: Site
    let steps: readonly Played[] = []
    beforeAll(async () => {
      site = await startSite()
      steps = (await played(site)).steps
    })
    afterAll(() => site.close())

    it.each(Object.entries(needed) as [StepName, readonly string[]][])(
      'in %s',
      async (name, calls) => {
        // A history without these calls would prove little.
        expect([...callsOf(name, steps).keys()]).toEqual(expect.arrayContaining([...calls]))
        const { points, faults } = await brokenInEvery(name, steps)
        const counts = [...callsOf(name, steps)].map(([call, count]) => `${call} ${count}`)
        console.info(`${name}: ${points} points, before and after each of ${counts.join(', ')}`)
        expect(faults).toEqual([])
      },
      LIMIT,
    )
  })
}
