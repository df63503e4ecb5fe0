import { HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { HEALTHY, type Health, type StoredReport } from '../laws/service.ts'
import { callBack } from '../setup/callback.ts'
import type { Deployment, Running } from './deployment.ts'
import { AUDITED, REFRESHED } from './feeds.ts'

/** One invocation of a trigger, by an instance of its own. False: there was nothing to do. */
export type Step = {
  readonly name: StepName
  readonly run: (on: Deployment, by: Running) => Promise<boolean>
}

export const STEPS = ['provision', 'sweep', 'callback', 'ingest'] as const
export type StepName = (typeof STEPS)[number]

export const PROVISION: Step = {
  name: 'provision',
  run: async (_, { services }) => (await provision(services)) !== undefined,
}

export const SWEEP: Step = { name: 'sweep', run: async (_, { services }) => (await sweep(services)) !== undefined }

/** Takes one message, as the host does. */
export const INGEST: Step = {
  name: 'ingest',
  async run({ store }, { pass, services }) {
    const taken = await store.receive()
    if (!taken) return false
    await ingest(taken.body, services)
    await pass('queue.complete', taken.complete)
    return true
  },
}

/** The service calls the address that it was given, and names the report. */
const callbackFor = ({ callbackUrl = '', reportId }: StoredReport): Step => ({
  name: 'callback',
  run: async (_, { services }) => (await callBack(`${new URL(callbackUrl).pathname}/${reportId}`, services)) === 202,
})

/** What the service does in a part of the history. */
const KEEPS_REPORTS: Health = { ...HEALTHY, faults: { deleteReport: { status: 500 } }, only: 'usage' }
const LOSES_ANSWERS: Health = { ...HEALTHY, faults: { createReport: { status: 500, isDone: true } }, only: 'learn' }

/**
 * What happens when nobody dies: the first landing, a restatement with its refreshes and lost answers, the audits, and the end
 * of what is too old. `run` runs each step, and says what the step said.
 */
export async function play(on: Deployment, run: (step: Step) => Promise<boolean>): Promise<void> {
  const { clock, service } = on
  const later = (instant: string) => clock.advance(Date.parse(instant) - clock.now().getTime())
  const drain = async () => {
    while (await run(INGEST));
  }
  const callBackFor = async (feed: string) => {
    const reports = service.standing().filter(({ reportName }) => reportName.includes(feed))
    for (const report of reports) await run(callbackFor(report))
    await drain()
  }
  const sweepAndDrain = async () => {
    await run(SWEEP)
    await drain()
  }
  await run(PROVISION)
  // Nothing is ready yet: the service is asked once, and the second hint waits.
  await callBackFor('profile')
  await callBackFor('profile')
  clock.advance(3 * MINUTE_MS)
  // What these leave at the service is for the sweep.
  service.health = KEEPS_REPORTS
  await callBackFor('usage')
  service.health = HEALTHY
  await callBackFor('profile')
  // Nobody calls back for the days.
  await sweepAndDrain()
  clock.advance(15 * MINUTE_MS)
  await run(PROVISION)
  await run(SWEEP)
  later(REFRESHED)
  await run(SWEEP)
  service.health = LOSES_ANSWERS
  await run(PROVISION)
  service.health = HEALTHY
  clock.advance(6 * MINUTE_MS)
  await callBackFor('usage')
  // The lost answer for one day is found by name, and its report hinted at a minute later.
  await sweepAndDrain()
  clock.advance(MINUTE_MS)
  await sweepAndDrain()
  await sweepAndDrain()
  clock.advance(HOUR_MS)
  service.health = LOSES_ANSWERS
  await run(PROVISION)
  service.health = HEALTHY
  clock.advance(3 * MINUTE_MS)
  // The service calls back for the other day before anybody looks.
  await callBackFor('learn')
  await sweepAndDrain()
  clock.advance(HOUR_MS)
  await sweepAndDrain()
  later(AUDITED)
  await run(PROVISION)
  // What is too old is unpublished, and then deleted.
  await run(SWEEP)
  await sweepAndDrain()
}
