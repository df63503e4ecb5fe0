import { openApp } from '../../src/app/app.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { isFailure } from '../../src/core/failures.ts'
import type { LedgerEntry, Requested } from '../../src/core/ledger/ledger.ts'
import { windowId } from '../../src/core/time/window.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { createMemoryStore } from '../memory/memory-store.ts'
import { type Store, type StoredRow, unhindered } from '../memory/store.ts'
import { testClock } from '../setup/clock.ts'
import { addressesOf } from '../setup/insights.ts'
import { drain, type Receive } from '../setup/queue.ts'
import { CALLBACK_SECRET, testSettings } from '../setup/settings.ts'
import {
  type Act,
  ADOPT_AFTER,
  type History,
  MAX_TRIES,
  type Meanwhile,
  POLL_EVERY,
  REPORT_DEADLINE,
} from './history.ts'
import { type Asked, insightsOf, type Scene } from './insights.ts'
import { serviceActs } from './service-acts.ts'
import { countHint, countSwept, countWritten, type Tally } from './tally.ts'
import type { Twin } from './twin.ts'

const FEEDS = ['usage', 'spend'] as const

/** The feeds name queries of the user: that a query is registered once is another law. */
function feedsOf({ feeds, windows }: History, { queries }: Twin): string {
  const span = { from: `2025-0${7 - windows}-01`, to: '2025-07-01' }
  const feed = { dataset: 'AzureUsage', ...span, maxRejects: 0, shards: 2 }
  return JSON.stringify({ feeds: FEEDS.slice(0, feeds).map((name) => ({ ...feed, name, queryId: queries[name] })) })
}

/** A window that is still open after so many rounds will be open for ever. */
const ROUNDS = 60

/** All that a history left. */
export type Played = {
  readonly asked: readonly Asked[]
  readonly entries: readonly LedgerEntry[]
  /** Every entry that was written as `requested`, in order. */
  readonly requested: readonly Requested[]
  readonly events: readonly AppEvent[]
  /** The reports that stand at the service. */
  readonly standing: ReadonlySet<string>
  rows(table: string): Promise<readonly StoredRow[]>
}

/** What the app said and wrote down so far. */
type Written = {
  readonly events: AppEvent[]
  readonly requested: Requested[]
  /** Each entry as it was last written. */
  readonly latest: Map<string, LedgerEntry>
}

type Stage = Scene & {
  readonly services: Services
  readonly store: Store
  readonly tally: Tally
  readonly written: Written
  /** Callbacks that were made, and reports that the service deleted. */
  readonly done: Set<string>
}

let deployments = 0

/** Plays a history on a deployment of its own until no window is open, and then lets everything that is late arrive. */
export async function play(twin: Twin, history: History, tally: Tally): Promise<Played> {
  const clock = testClock('2026-01-10T12:00:00Z')
  twin.follow(clock)
  const store = createMemoryStore({ clock: clock.now })
  const written: Written = { events: [], requested: [], latest: new Map() }
  let nested = 0
  const asked: Asked[] = []
  const scene: Scene = {
    twin,
    clock,
    history,
    asked,
    async meanwhile(what) {
      // Only one instance at a time is held up, because no request takes longer than its own limit.
      if (nested++ === 0) await turn(stage, what)
      nested -= 1
    },
  }
  const services = servicesOf(scene, store, written, tally)
  const stage: Stage = { ...scene, services, store, tally, written, done: new Set() }
  for (const step of history.steps) await turn(stage, step)
  await finish(stage)
  const standing = new Set(twin.simulator.reports().map(({ reportId }) => reportId))
  return { asked, ...written, standing, entries: await entriesOf(services, history), rows: store.rows }
}

async function finish(stage: Stage): Promise<void> {
  for (let round = 0; !isOver(stage); round += 1) {
    if (round === ROUNDS) throw new Error('a window is open for ever')
    await turn(stage, { later: round % 2 ? REPORT_DEADLINE + 1 : ADOPT_AFTER, act: 'both' })
  }
  if (stage.history.afterwards !== 'good') return
  await turn(stage, { later: 2 * REPORT_DEADLINE, act: 'both' })
}

/** Whether each window has landed, or failed in a way that only a person ends, or that no request can end any more. */
function isOver({ written, history }: Stage): boolean {
  const entries = [...written.latest.values()]
  if (entries.length < history.feeds * history.windows) return false
  return entries.every(
    (entry) =>
      entry.state === 'landed' ||
      (entry.state === 'failed' && (entry.kind === 'too-many-rejects' || history.afterwards !== 'good')),
  )
}

async function entriesOf({ ledger }: Services, { feeds }: History): Promise<readonly LedgerEntry[]> {
  await ledger.create()
  const found = await Promise.all(FEEDS.slice(0, feeds).map((name) => ledger.entries(name)))
  return found.flat().map((entry) => {
    if (isFailure(entry)) throw new Error(entry.message)
    return entry
  })
}

/** Time passes, the service calls back and deletes what is due, the timers act, and the queue is emptied. */
async function turn(stage: Stage, { later, act }: { readonly later: number; readonly act: Act } | Meanwhile) {
  const { services, store, clock, tally, written } = stage
  clock.advance(later)
  await serviceActs(stage)
  if (act !== 'sweep') await provision(services)
  if (act !== 'provision') {
    countSwept(tally, [...written.latest.values()], clock.now())
    await sweep(services)
  }
  await serviceActs(stage)
  const counted: Receive = async () => {
    const taken = await store.receive()
    if (taken) countHint(tally, taken.body, [...written.latest.values()], clock.now())
    return taken
  }
  await drain(counted, services)
}

function servicesOf(scene: Scene, store: Store, written: Written, tally: Tally): Services {
  const { history, clock, twin } = scene
  const packagedFeeds = async () => feedsOf(history, twin)
  const insights = insightsOf(scene)
  const opened = store.open(unhindered)
  const app = openApp(settingsOf(history, twin), '', {
    ...opened,
    ledger: watched(opened.ledger, written, tally),
    readFeeds: async () => ({ text: await packagedFeeds(), source: 'package' }),
    packagedFeeds,
    insights: () => insights,
    clock: clock.now,
  })
  return app((event) => void written.events.push(event))
}

/** A ledger that remembers what was written to it. */
function watched(ledger: Ledger, { requested, latest }: Written, tally: Tally): Ledger {
  return {
    ...ledger,
    async write(entry, etag, drops) {
      const answer = await ledger.write(entry, etag, drops)
      if (!answer) return undefined
      countWritten(tally, entry)
      latest.set(`${entry.feed} ${windowId(entry.window)}`, entry)
      if (entry.state === 'requested') requested.push(entry)
      return answer
    },
  }
}

function settingsOf({ deleteReports }: History, { simulator }: Twin): Settings {
  const env = {
    ...addressesOf(simulator),
    DEPLOYMENT_ID: `d${++deployments}`,
    CALLBACK_BASE_URL: 'http://127.0.0.1:9/api/callback',
    CALLBACK_SECRET,
  }
  return {
    ...testSettings(env),
    reportDeadlineMs: REPORT_DEADLINE,
    adoptAfterMs: ADOPT_AFTER,
    pollEveryMs: POLL_EVERY,
    maxTries: MAX_TRIES,
    deleteReports,
  }
}
