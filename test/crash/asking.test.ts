import { expect, it } from 'vitest'
import { startSite } from './deployment.ts'
import { describePoints } from './every-point.ts'
import { brokenAfterQuiet } from './laws.ts'
import { played } from './points.ts'
import { workUntilQuiet } from './quiet.ts'

it('where nobody dies, every law holds', async () => {
  const site = await startSite()
  const { end } = await played(site)
  await workUntilQuiet(end)
  expect(await brokenAfterQuiet(end)).toEqual([])
  await site.close()
})

describePoints({
  provision: [
    'ledger.transaction',
    'ledger.write',
    'insights.listQueries',
    'insights.createQuery',
    'insights.createReport',
  ],
  callback: ['queue.send'],
})
