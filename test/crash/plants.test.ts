import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Plant, type Site, startSite } from './deployment.ts'
import { ASKS_BEFORE_IT_WRITES, FINDS_NO_REPORT } from './plants.ts'
import { brokenBy, played, pointsOf } from './points.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.close())

/** What a death on either side of the first request for a report breaks, where an app has a fault. */
async function brokenAtFirstRequest(plant: Plant): Promise<readonly string[]> {
  const { steps } = await played(site, plant)
  const points = pointsOf(steps).filter(({ calls, cut }) => cut.at - 1 === calls.indexOf('insights.createReport'))
  const [before, after] = points
  return before && after ? [...(await brokenBy(before)), ...(await brokenBy(after))] : []
}

it('an app that asks before it writes that down is found out', async () => {
  expect(await brokenAtFirstRequest(ASKS_BEFORE_IT_WRITES)).toContainEqual(
    expect.stringMatching(/dies after call \d+, insights.createReport: .* was made twice/),
  )
})

it('an app that never finds the report of a lost answer is found out', async () => {
  expect(await brokenAtFirstRequest(FINDS_NO_REPORT)).toContainEqual(
    expect.stringMatching(/dies after call \d+, insights.createReport: .* was made and never landed/),
  )
})
