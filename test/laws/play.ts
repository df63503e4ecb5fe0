import { isOpen, type LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { MemoryStore } from '../memory/memory-store.ts'
import { type Pass, unhindered } from '../memory/store.ts'
import { type Deployment, openDeployment } from './deployment.ts'
import { type FeedFile, namesOf } from './feeds.ts'
import { type Act, FIRST_DAY, type History } from './history.ts'
import { type Actor, interleave, seededChoices, type Thrown } from './scheduler.ts'
import { fileOf, HEALTHY } from './service.ts'

export type Played = {
  readonly deployment: Deployment
  /** Every feeds.json so far, the first one first. */
  readonly files: FeedFile[]
  /** What people tried to import. */
  readonly imported: { readonly feed: string; readonly window: Window }[]
  /** The latest instant that the clock of an instance showed. */
  latest: Date
  /** Timers and commands that threw. */
  readonly thrown: Thrown[]
}

/** Where reports are downloaded from. */
export type Place = { readonly origin: string }

/** A message that failed so often goes to the poison queue, as host.json says. */
const DELIVERIES = 5

/** How often the timers fire on quiet days. */
const QUIET_EVERY = 12 * HOUR_MS

/** Plays a history on a deployment of its own. `onCall` hears of each call after its effect. */
export async function play(
  { file, rounds, seed }: History,
  { origin }: Place,
  onCall: (played: Played, actor: string, call: string) => void = () => undefined,
): Promise<Played> {
  const deployment = openDeployment(file, origin)
  const { clock, service } = deployment
  const played: Played = { deployment, files: [file], imported: [], latest: clock.now(), thrown: [] }
  const choose = seededChoices(seed)
  for (const { health, acts, quietDays, later } of rounds) {
    service.health = health
    const actors = acts.map((act, nth) => ({
      ...actorOf(played, act),
      name: `${act.kind} ${nth + 1}`,
    }))
    const heard = (actor: string, call: string) => onCall(played, actor, call)
    played.thrown.push(...(await interleave(actors, { clock, choose, onCall: heard })))
    const end = clock.now().getTime() + quietDays * DAY_MS
    while (clock.now().getTime() < end) await workQuietly(played, QUIET_EVERY)
    clock.advance(later)
  }
  service.health = HEALTHY
  return played
}

/** Time passes; then what is due is asked for, and landed once it is ready, while nobody else acts. */
export async function workQuietly({ deployment }: Played, later: number): Promise<void> {
  const { clock } = deployment
  const services = deployment.start(unhindered)
  clock.advance(later)
  await tick(services, deployment)
  clock.advance(5 * MINUTE_MS)
  await tick(services, deployment)
}

/** What of a deployment the queue needs. */
type Queued = Pick<Deployment, 'store' | 'failures'>

/** Both timers fire, and the queue is emptied. */
export async function tick(services: Services, deployment: Queued): Promise<void> {
  await provision(services)
  await sweep(services)
  await drain(deployment, services)
}

function actorOf(played: Played, act: Act): Omit<Actor, 'name'> {
  const { deployment } = played
  const { clock } = deployment
  switch (act.kind) {
    case 'provision':
    case 'sweep':
    case 'drain': {
      const skew = act.skewDays * DAY_MS
      const run = async (pass: Pass) => {
        const services = deployment.start(pass, skew)
        played.latest = new Date(Math.max(played.latest.getTime(), services.clock().getTime()))
        if (act.kind === 'provision') await provision(services)
        else if (act.kind === 'sweep') await sweep(services)
        else await drain(deployment, services)
      }
      return { run, ...(act.cut && { cut: act.cut }) }
    }
    case 'import':
      return { run: (pass) => importFile(played, pass, act) }
    case 'feeds':
      return {
        run: (pass) =>
          pass('feeds.write', async () => {
            played.files.push(act.file)
            deployment.feeds = act.file
          }),
      }
    case 'wait':
      return { run: (pass) => pass('wait', async () => clock.advance(act.milliseconds)) }
    default:
      return { run: (pass) => actOnEntry(played, pass, act) }
  }
}

async function importFile({ deployment, imported }: Played, pass: Pass, act: Extract<Act, { kind: 'import' }>) {
  const from = FIRST_DAY + act.day * DAY_MS
  const window = { from: new Date(from), to: new Date(from + act.days * DAY_MS) }
  const [feed = ''] = namesOf(deployment.feeds)
  imported.push({ feed, window })
  const content = Buffer.from(fileOf('good', 'CompletionDate,TrainingName', window.from.toISOString()))
  const bytes = async function* () {
    yield content
  }
  await importReport(deployment.start(pass), feed, window, { name: 'usage.csv', bytes })
}

async function actOnEntry(
  { deployment }: Played,
  pass: Pass,
  { kind, nth }: Extract<Act, { readonly nth: number }>,
): Promise<void> {
  const { store } = deployment
  const entries = everyEntry(store).filter((entry) => kind !== 'poison' || isOpen(entry))
  const entry = entries[nth % entries.length]
  if (!entry) return
  const { feed, window, attempt } = entry
  const services = deployment.start(pass)
  if (kind === 'retry') await retry(services, feed, window, false)
  if (kind === 'replay') await replay(services, feed, window)
  if (kind === 'poison') await poison({ ingest: { feed, window: windowId(window), attempt } }, services)
  if (kind === 'forget') await forget(services, feed, window)
  if (kind === 'delete') await pass('delete by hand', async () => store.removeEntry(feed, window))
}

/** What the timers and commands threw, which they never should. */
export function thrownOf({ thrown }: Played): readonly string[] {
  return thrown.map(({ actor, error }) => `${actor} threw ${error}`)
}

/** The feeds that any feeds.json here may name. */
export const FEEDS = ['usage', 'renamed', 'spare', 'profile'] as const

export function everyEntry(store: MemoryStore): readonly LedgerEntry[] {
  return FEEDS.flatMap((feed) => store.lookAtEntries(feed))
}

/** Gives each visible message to ingest. One that fails is seen again in a minute, and in the end by `poison`. */
export async function drain({ store, failures }: Queued, services: Services): Promise<void> {
  for (let taken = await store.receive(); taken; taken = await store.receive()) {
    const text = JSON.stringify(taken.body)
    try {
      await ingest(taken.body, services)
    } catch {
      // An owner that lost its lease throws, which is right.
      failures.set(text, (failures.get(text) ?? 0) + 1)
      if ((failures.get(text) ?? 0) < DELIVERIES) continue
      await poison(taken.body, services)
    }
    failures.delete(text)
    await taken.complete()
  }
}
