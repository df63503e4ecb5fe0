import { afterAll, beforeAll, expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const daysFromNow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

/** Days of which each settles nine days after it: six have, and six will, the last in six days. */
const LEARN = {
  name: 'learn',
  dataset: 'MSLearn',
  from: daysFromNow(-15),
  to: daysFromNow(-3),
  delay: 'P9D',
  refresh: false,
}
const LAST = daysFromNow(6)
const DUE_LATER = `6 reports of history are due later, when data has settled: the last on ${LAST}`

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment([LEARN])
})
afterAll(() => deployment.close())

const out = async (...args: readonly string[]) => (await deployment.command(args)).out

it('validate, status and backfill tell apart how long history takes that is due, and until when the rest settles', async () => {
  const checked = await out('validate')
  expect(checked).toContain('feed learn: history takes 6 reports, about 1 hour\n')
  expect(checked).toContain(`feed learn: ${DUE_LATER}\n`)
  await provision(deployment.services)
  await deployment.settle('learn')
  const status = await out('status')
  expect(status).toContain('learn: 1 window of history left, 5 landed: "backfill" says how long the rest takes\n')
  expect(status).toContain(`learn: ${DUE_LATER}\n`)
  const later = `6 reports of history are due later, when data has settled or a failed try is repeated: the last on ${LAST}`
  for (const args of [[], ['--dry-run']]) {
    const lines = (await out('backfill', ...args)).split('\n')
    expect(lines).toContainEqual(expect.stringMatching(/^1 report: about \d+ minutes?, until \d{4}-\d\d-\d\dT/))
    expect(lines).toContain(later)
    expect(lines.at(-2)).toMatch(/^if each report lands after \d+ minutes?, and the app has /)
  }
})

it('what is due later is told where nothing else is left', async () => {
  await deployment.run('learn')
  const status = await out('status')
  expect(status).not.toContain('of history left')
  expect(status).toContain(`learn: ${DUE_LATER}\n`)
  const backfill = await out('backfill')
  expect(backfill).toMatch(/\n\n6 reports of history are due later, when data has settled or .*\nif each report lands/)
})
