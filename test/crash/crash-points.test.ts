import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Site, startSite } from './deployment.ts'
import { brokenAfterQuiet } from './laws.ts'
import { brokenBy, played, pointsOf } from './points.ts'
import { workUntilQuiet } from './quiet.ts'
import { STEPS } from './script.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.close())

it('where nobody dies, every law holds', async () => {
  const { steps, end } = await played(site)
  for (const { step, calls } of steps) console.info(step.name, calls.length, calls.join(' '))
  await workUntilQuiet(end)
  expect(await brokenAfterQuiet(end)).toEqual([])
})

it.each(STEPS)(
  '%s',
  async (name) => {
    const { steps } = await played(site)
    const points = pointsOf(steps.filter(({ step }) => step.name === name))
    const t = performance.now()
    const faults: string[] = []
    for (const point of points) faults.push(...(await brokenBy(point)))
    console.info(name, points.length, performance.now() - t)
    expect(faults).toEqual([])
  },
  300_000,
)
