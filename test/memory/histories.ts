import type { TestClock } from '../setup/clock.ts'
import { createDeployment, type Deployment, type Running } from './deployment.ts'
import type { Cut } from './instance.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { reportFile } from './report-file.ts'
import type { Service } from './service.ts'
import type { Store } from './store.ts'

/** What happens to a window. The last file is the one that the test watches an instance land. */
export type History = {
  readonly files: readonly [Buffer, Buffer?]
  /** At 10 ms a call, so short a limit lets an invocation land one piece of the file, or empty a few partitions. */
  readonly ingestTimeLimitMs?: number
  readonly feed?: object
}

/** Wide rows make a file of several pieces of 64 KiB, between which a landing may pause. */
const [WIDE, WIDE_AND_LESS] = [reportFile(300, 'first', 500), reportFile(180, 'second', 500)]
const [NARROW, NARROW_AND_LESS] = [reportFile(330, 'first'), reportFile(170, 'second')]

const PUBLISHING = { feed: { publish: ['table', 'parquet'] } }

export const HISTORIES = {
  first: { files: [NARROW] },
  restatement: { files: [NARROW, NARROW_AND_LESS] },
  continuation: { files: [WIDE], ingestTimeLimitMs: 60 },
  continuedRestatement: { files: [WIDE, WIDE_AND_LESS], ingestTimeLimitMs: 60 },
  firstFile: { files: [NARROW], ...PUBLISHING },
  restatedFile: { files: [NARROW, NARROW_AND_LESS], ...PUBLISHING },
  continuedRestatedFile: { files: [WIDE, WIDE_AND_LESS], ingestTimeLimitMs: 60, ...PUBLISHING },
} as const satisfies Readonly<Record<string, History>>

export type Place = {
  readonly service: Service
  readonly store: (clock: TestClock) => Store
  /** Hears of each call of every instance before its effect. */
  readonly onCall?: () => void
}

/**
 * Lands what is due, and drops what that replaced. Azurite may show a message some milliseconds after it was sent, when a
 * round is over already.
 */
async function work({ entry, drop }: Deployment, running: Running): Promise<void> {
  await running.tick()
  if ((await entry())?.value.state !== 'landed') await running.tick()
  await drop(running)
}

/** A deployment whose last file is still to be landed. */
export async function prepare(
  place: Place,
  { files: [first, second], ingestTimeLimitMs, feed }: History,
): Promise<Deployment> {
  const settings = ingestTimeLimitMs === undefined ? {} : { ingestTimeLimitMs }
  const deployment = createDeployment({ ...place, file: first, settings, ...(feed && { feed }) })
  if (!second) return deployment
  await work(deployment, deployment.start())
  await deployment.askAgain(second)
  return deployment
}

/** What a history leaves when nothing is cut, and the calls that it took. */
export async function uninterrupted(
  place: Place,
  history: History,
): Promise<{ outcome: Outcome; calls: readonly string[] }> {
  const deployment = await prepare(place, history)
  const running = deployment.start()
  await work(deployment, running)
  return { outcome: await outcomeOf(deployment), calls: running.calls }
}

/** Abandons an instance at one call and lets another finish; gives what is left, and how many attempts it took. */
export async function cutAndFinished(
  place: Place,
  history: History,
  cut: Cut,
): Promise<{ outcome: Outcome; attempts: number }> {
  const deployment = await prepare(place, history)
  const before = (await deployment.entry())?.value.attempt ?? 0
  const running = deployment.start(cut)
  const missed = work(deployment, running).then(() => Promise.reject(new Error(`call ${cut.at} was never made`)))
  await Promise.race([missed, running.stopped])
  await deployment.finish(before)
  return { outcome: await outcomeOf(deployment), attempts: ((await deployment.entry())?.value.attempt ?? 0) - before }
}

/** A window takes a second attempt only if the request was written down and the report never made. */
export function attemptsNeeded(calls: readonly string[], { at, side }: Cut): number {
  const effects = side === 'before' ? at - 1 : at
  return effects === calls.indexOf('insights.createReport') ? 2 : 1
}
