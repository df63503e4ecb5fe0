import { HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { HEALTHY } from '../laws/service.ts'
import type { Deployment } from './deployment.ts'
import { AUDITED, REFRESHED } from './feeds.ts'
import { INGEST, PROVISION, SWEEP } from './script.ts'

/** How long the timers wait for each other: reports are ready after minutes, and dropped rows are looked for after an hour. */
const WAITS = [0, 6 * MINUTE_MS, 6 * MINUTE_MS, HOUR_MS]

/** Lets other instances run the timers until nothing more happens: soon after now, and after each time at which something is due. */
export async function workUntilQuiet(on: Deployment): Promise<void> {
  on.service.health = HEALTHY
  const now = on.clock.now().getTime()
  // Past the lease of the instance that died, and the look-up of what it asked for.
  const soon = now + 6 * MINUTE_MS
  const times = [REFRESHED, AUDITED].map((each) => Date.parse(each)).filter((each) => each > now)
  for (const time of [soon, ...times]) await workFrom(on, time)
}

async function workFrom(on: Deployment, time: number): Promise<void> {
  on.clock.advance(Math.max(0, time - on.clock.now().getTime()))
  for (const wait of WAITS) {
    on.clock.advance(wait)
    await PROVISION.run(on, on.start())
    await SWEEP.run(on, on.start())
    while (await INGEST.run(on, on.start()));
  }
}
