import fc from 'fast-check'
import { keyRange } from '../../src/core/report/generation.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { erase } from '../../src/steps/operator/erase.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { status } from '../../src/steps/status.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { type Pass, unhindered } from '../memory/store.ts'
import { testClock } from '../setup/clock.ts'
import { testSettings } from '../setup/settings.ts'
import { findFeedRow } from '../setup/stored.ts'
import { type Deployment, deploy } from './deployment.ts'
import { drain, type Place, tick } from './play.ts'
import { type Actor, interleave, seededChoices } from './scheduler.ts'
import { createService, fileOf, HEALTHY, type Health } from './service.ts'

// One feed with one window, whose question changes. Each report and each file of a person says which question it answers.

const FEED = 'usage'
const COLUMNS = ['Month', 'CustomerName', 'ACR_USD']
const WINDOW = { from: new Date('2025-05-01'), to: new Date('2025-06-01') }

/** The number of a question stands in the condition of the feed. */
type Question = number
const QUESTIONS: readonly Question[] = [1, 2, 3]

function textOf(question: Question): string {
  const times = { from: '2025-05-01', to: '2025-06-01', refresh: false }
  const feed = { name: FEED, dataset: 'AzureUsage', columns: COLUMNS, where: `Month != 'nobody ${question}'`, ...times }
  return JSON.stringify({ feeds: [{ ...feed, shards: 1 }] })
}

const questionIn = (query: string): Question => Number(/nobody (\d)/.exec(query)?.[1])

/** Gives a report of two rows, of which `erase` takes one. */
export async function serveTwoRows({ searchParams }: URL): Promise<string> {
  const get = (name: string) => searchParams.get(name) ?? ''
  return twoRows(get('kind'), get('columns'), get('start'), get('figure'))
}

const ERASED = { column: 'CustomerName', value: 'some' }

function twoRows(kind: string, columns: string, start: string, figure: string): string {
  const file = fileOf(kind, columns, start, figure)
  const [header, row = ''] = file.split('\r\n')
  return row === '' ? file : [header, row, row.replace(ERASED.value, 'another'), ''].join('\r\n')
}

/** Twice as often as the others: `replay`, of the archive that the ledger names. */
const SIMPLE = ['retry', 'replay', 'replay', 'poison', 'forget', 'erase'] as const

export type Act =
  | { readonly kind: 'provision' | 'sweep' | 'drain'; readonly cut?: Actor['cut'] }
  | { readonly kind: (typeof SIMPLE)[number] | 'import' }
  | { readonly kind: 'replay-archive'; readonly nth: number }
  | { readonly kind: 'ask'; readonly question: Question }

/** Acts that run interleaved at each of their calls. Then the app works undisturbed, or not, and time passes. */
type Round = {
  readonly acts: readonly Act[]
  readonly reports: Health['reports']
  readonly isWorkedOff: boolean
  readonly later: number
}

export type History = { readonly rounds: readonly Round[]; readonly seed: number }

const cut = fc.record({
  at: fc.integer({ min: 1, max: 40 }),
  side: fc.constantFrom('before' as const, 'after' as const),
})

const TIMERS = ['provision', 'sweep', 'drain', 'drain'] as const
const timer: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom(...TIMERS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom(...TIMERS), cut }) },
)

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: timer },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ask' as const), question: fc.constantFrom(...QUESTIONS) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom(...SIMPLE) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('replay-archive' as const), nth: fc.nat(3) }) },
)

/** Whoever gives a file knows which question it answers, so nobody changes that meanwhile. */
const acts = fc.oneof(
  { weight: 6, arbitrary: fc.array(act, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constant<readonly Act[]>([{ kind: 'import' }]) },
)

const round: fc.Arbitrary<Round> = fc.record({
  acts,
  reports: fc.constantFrom<Health['reports']>('good', 'good', 'good', 'malformed'),
  isWorkedOff: fc.boolean(),
  later: fc.constantFrom(MINUTE_MS, 6 * MINUTE_MS, HOUR_MS, DAY_MS),
})

export const anyHistory: fc.Arbitrary<History> = fc
  .record({ rounds: fc.array(round, { minLength: 3, maxLength: 14 }), seed: fc.integer() })
  .map((history) => Object.assign(history, { [fc.toStringMethod]: () => shown(history) }))

function shown({ rounds, seed }: History): string {
  const line = ({ acts, reports, isWorkedOff, later }: Round) => {
    const then = `${isWorkedOff ? 'work and ' : ''}${later / MINUTE_MS} minutes`
    return `  ${acts.map((each) => JSON.stringify(each)).join(' ')} (reports ${reports}), then ${then}`
  }
  return [`seed ${seed}`, ...rounds.map(line)].join('\n')
}

/** What was seen over all histories: whether they were worth playing. `outdatedAgain`: a later landing brought earlier rows. */
export type Seen = { complete: number; outdated: number; outdatedAgain: number }

/** Plays a history, and gives each moment between two rounds at which the window counts as complete with other rows. */
export async function wrongAnswers(
  { rounds, seed }: History,
  { origin }: Place,
  seen: Seen,
): Promise<readonly string[]> {
  const clock = testClock('2026-01-10T12:00:00Z')
  const service = createService(clock, origin, { figureOf: (_, query) => questionIn(query) })
  const settings = testSettings({ REPORT_DOWNLOAD_HOSTS: origin })
  const deployment = deploy({ clock, settings, service, feeds: 1, textOf })
  const choose = seededChoices(seed)
  const wrong: string[] = []
  for (const [nth, { acts, reports, isWorkedOff, later }] of rounds.entries()) {
    service.health = { ...HEALTHY, reports }
    const actors = acts.map((each, at) => ({ ...actorOf(deployment, each), name: `${each.kind} ${at + 1}` }))
    const thrown = await interleave(actors, { clock, choose, onCall: () => undefined })
    wrong.push(...thrown.map(({ actor, error }) => `${actor} of round ${nth} threw ${error}`))
    if (isWorkedOff) await workOff(deployment)
    clock.advance(later)
    wrong.push(...(await wrongNow(deployment, seen)).map((found) => `${found} after round ${nth}`))
  }
  return wrong
}

/** What is due is asked for, and landed once it is ready. */
async function workOff(deployment: Deployment<Question>): Promise<void> {
  const services = deployment.start(unhindered)
  await tick(services, deployment)
  deployment.clock.advance(5 * MINUTE_MS)
  await tick(services, deployment)
}

function actorOf(deployment: Deployment<Question>, act: Act): Omit<Actor, 'name'> {
  const run = (pass: Pass) => play(deployment, deployment.start(pass), act)
  return { run, ...('cut' in act && act.cut && { cut: act.cut }) }
}

async function play(deployment: Deployment<Question>, services: Services, act: Act): Promise<unknown> {
  switch (act.kind) {
    case 'provision':
      return provision(services)
    case 'sweep':
      return sweep(services)
    case 'drain':
      return drain(deployment, services)
    case 'ask':
      deployment.feeds = act.question
      return
    case 'retry':
      return retry(services, FEED, WINDOW, false)
    case 'replay':
      return replay(services, FEED, WINDOW)
    case 'replay-archive': {
      const all = await services.archive.list(FEED, windowId(WINDOW))
      const archive = all[act.nth % all.length]
      return archive && replay(services, FEED, WINDOW, archive.name)
    }
    case 'poison': {
      const [entry] = deployment.store.lookAtEntries(FEED)
      const attempt = { feed: FEED, window: windowId(WINDOW), attempt: entry?.attempt ?? 0 }
      return entry && poison({ ingest: attempt }, services)
    }
    case 'forget':
      return forget(services, FEED, WINDOW)
    case 'erase':
      return erase(services, FEED, ERASED)
    case 'import':
      return importAnswer(services, await questionOf(deployment))
  }
}

/** A person gives a file that answers what the feed asks now. */
async function importAnswer(services: Services, question: Question | undefined): Promise<void> {
  const content = Buffer.from(twoRows('good', COLUMNS.join(','), '2025-05-01', String(question)))
  const bytes = async function* () {
    yield content
  }
  await importReport(services, FEED, WINDOW, { name: 'may.csv', bytes })
}

/** What the app asks for now, as its last tick read it. */
async function questionOf(deployment: Deployment<Question>): Promise<Question | undefined> {
  const row = await findFeedRow(deployment.start(unhindered).ledger, FEED)
  return row && questionIn(JSON.stringify(row.feed.source))
}

async function wrongNow(deployment: Deployment<Question>, seen: Seen): Promise<readonly string[]> {
  const { feeds } = await status(deployment.start(unhindered))
  const [feed] = feeds
  const [entry] = deployment.store.lookAtEntries(FEED)
  if (!feed || !entry?.figures) return []
  const { keyFrom, keyTo } = keyRange(entry.window, entry.figures.generation)
  const rows = deployment.store
    .look('Usage')
    .filter(({ partitionKey }) => partitionKey >= keyFrom && partitionKey < keyTo)
  const answered = rows.map(({ json }) => JSON.parse(json).ACR_USD)
  seen.complete += feed.complete
  seen.outdated += feed.outdated
  if (feed.outdated > 0 && entry.figures.attempt > 1) seen.outdatedAgain += 1
  const question = await questionOf(deployment)
  const isRight = answered.length > 0 && answered.every((figure) => Number(figure) === question)
  return feed.complete === 1 && !isRight ? [`complete for question ${question}, with rows of ${answered}`] : []
}
