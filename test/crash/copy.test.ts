import { expect, it } from 'vitest'
import { startSite } from './deployment.ts'
import { played } from './points.ts'

it('a copy of a deployment makes the calls of the original, and changes nothing of it', async () => {
  const site = await startSite()
  const { steps } = await played(site)
  for (const { step, before, calls } of steps) {
    for (const on of [before.copy(), before.copy()]) {
      const by = on.start()
      await step.run(on, by)
      expect(by.calls).toEqual(calls)
    }
  }
  expect(steps.length).toBeGreaterThan(30)
  await site.close()
})
