import { randomInt } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { openApp } from '../../src/app/app.ts'
import { CATALOG } from '../../src/core/catalog.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import { forecastLines, forecastOf } from '../../src/core/plan/forecast.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { unhindered } from '../memory/store.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import type { TypedColumn } from '../pipeline/typed-cells.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { addressesOf, openTestClient, reportRequests, startTrustedSimulator } from '../setup/insights.ts'
import { drain } from '../setup/queue.ts'
import { testSettings } from '../setup/settings.ts'
import { type Client, connect, createReport } from '../setup/simulator.ts'
import { type Chances, chancesOf, oneOf } from './chances.ts'
import { type Cells, possibleLandings, storedReading } from './landings.ts'

const SEED = Number(process.env.LONG_SEED ?? randomInt(2 ** 31))

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** It ends when the service has loaded December: no later month is over, and no later day is asked for. */
const START = '2025-01-20T00:00:00Z'
const END = '2026-01-20T12:00:00Z'
const DAYS = 365.5

/** How often the timers fire. More often would only take longer: a feed is asked for at most five reports at once. */
const TICK = 6 * HOUR

/** From so many days before the end on nothing is restated, so that there is a last word for everything. */
const LAST_WORD_DAYS = 6

/** The source restates what ended at most so long ago. The app asks again for 70 days, every 4 days at the latest. */
const RESTATED_DAYS = 60

/** Rows of a month, of a day and of a snapshot. */
const ROWS = 12

type YearFeed = {
  readonly name: string
  readonly dataset: string
  readonly table: string
  readonly fields: object
  readonly isSnapshot?: true
  readonly columns: readonly [TypedColumn, ...TypedColumn[]]
  /** What must have landed at the end: the first instant of each window in UTC, and the one after the last. */
  readonly windows: { readonly from: string; readonly to: string; readonly each: 'month' | 'day' | 'week' }
  /** The windows that end before the app first sees the feed. Each is asked for at least once, whenever that was. */
  readonly history: number
  /** How often the source restates it, in percent of the days. */
  readonly restated: number
}

/** Cadence and settling are those of the catalogue, except where `fields` say otherwise. */
const FEEDS: readonly YearFeed[] = [
  {
    name: 'usage',
    dataset: 'AzureUsage',
    table: 'Usage',
    fields: {},
    columns: [
      { name: 'Month', type: 'month' },
      { name: 'SubscriptionId', type: 'guid' },
      { name: 'ServiceName', type: 'string' },
      { name: 'UsageQuantity', type: 'number' },
    ],
    windows: { from: '2024-10-01', to: '2026-01-01', each: 'month' },
    history: 3,
    restated: 20,
  },
  {
    name: 'meetings',
    dataset: 'TeamsUsageMeetingsAndCalls',
    table: 'Meetings',
    fields: { from: '2024-12-02', window: 'P1W' },
    columns: [
      { name: 'DateKey', type: 'date' },
      { name: 'SubWorkload', type: 'string' },
      { name: 'MeetingCount', type: 'integer' },
    ],
    // A day settles after a month.
    windows: { from: '2024-12-02', to: '2025-12-15', each: 'week' },
    history: 7,
    restated: 40,
  },
  {
    name: 'learn',
    dataset: 'MSLearn',
    table: 'Learn',
    fields: { from: '2024-12-25' },
    columns: [
      { name: 'CompletionDate', type: 'date' },
      { name: 'TrainingName', type: 'string' },
      { name: 'MPNId', type: 'string' },
    ],
    // A day settles after three days, and is final then.
    windows: { from: '2024-12-25', to: '2026-01-17', each: 'day' },
    history: 26,
    restated: 0,
  },
  {
    name: 'profile',
    dataset: 'Profile',
    table: 'Profile',
    fields: { snapshot: 'P7D' },
    isSnapshot: true,
    columns: [
      { name: 'MPNId', type: 'string' },
      { name: 'PartnerName', type: 'string' },
      { name: 'City', type: 'string' },
    ],
    windows: { from: '2025-01-20', to: '2026-01-26', each: 'week' },
    history: 0,
    restated: 10,
  },
]

const FEEDS_TEXT = JSON.stringify({
  feeds: FEEDS.map(({ name, dataset, table, fields, columns }) => {
    return { name, dataset, table, ...fields, columns: columns.map((column) => column.name) }
  }),
})

/** One deployment on a store in memory, with the service over HTTP. */
type Year = {
  readonly simulator: Simulator
  readonly store: MemoryStore
  readonly clock: TestClock
  readonly services: Services
  readonly events: AppEvent[]
}

let year: Year | undefined

afterEach(() => year?.simulator.close())

async function openYear(): Promise<Year> {
  const clock = testClock(START)
  const simulator = await startTrustedSimulator({ generationMilliseconds: 0, now: clock.now, seed: SEED, rows: ROWS })
  simulator.fault({ endpoint: 'report', effect: 'preliminary', nth: 'all' })
  const client = openTestClient(simulator, clock.now)
  const store = createMemoryStore({ clock: clock.now })
  const readFeeds = async () => ({ text: FEEDS_TEXT, source: 'package' as const })
  const parts = { ...store.open(unhindered), clock: clock.now, packagedFeeds: async () => FEEDS_TEXT, readFeeds }
  const events: AppEvent[] = []
  const app = openApp(testSettings(addressesOf(simulator)), '', { ...parts, insights: () => client })
  return { simulator, store, clock, services: app((event) => void events.push(event)), events }
}

/** Both timers fire, day by day, and the source restates something now and then. */
async function play({ simulator, store, clock, services }: Year, chances: Chances): Promise<number> {
  let restatements = 0
  const lastWord = Date.parse(END) - LAST_WORD_DAYS * DAY
  for (; clock.now() <= new Date(END); clock.advance(TICK)) {
    for (const feed of FEEDS) {
      if (clock.now().getTime() > lastWord || chances(100) >= feed.restated * (TICK / DAY)) continue
      restate(simulator, feed, clock.now(), chances)
      restatements += 1
    }
    await sweep(services)
    await drain(store.receive, services)
    await provision(services)
    await sweep(services)
    await drain(store.receive, services)
  }
  return restatements
}

/** Restates a snapshot, or a month or some days of it that may still run, or ended not too long ago. */
function restate(simulator: Simulator, { dataset, windows, isSnapshot }: YearFeed, now: Date, chances: Chances): void {
  const rows = oneOf(chances, ['fewer', 'more', 'changed'])
  const at = new Date(now.getTime() - chances(RESTATED_DAYS) * DAY)
  const isMonth = windows.each === 'month'
  const from = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), isMonth ? 1 : at.getUTCDate()))
  const to = isMonth ? startAfter(from, 'month') : new Date(from.getTime() + (1 + chances(5)) * DAY)
  const window = { from: from.toISOString(), to: to.toISOString() }
  simulator.restate({ dataset, rows, ...(!isSnapshot && { window }) })
}

function startAfter(from: Date, each: YearFeed['windows']['each']): Date {
  const [year, month, day] = [from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate()]
  if (each === 'month') return new Date(Date.UTC(year, month + 1, 1))
  return new Date(Date.UTC(year, month, day + (each === 'week' ? 7 : 1)))
}

/** The windows that must have landed, by the day on which they begin. */
function windowsOf({ windows: { from, to, each } }: YearFeed): readonly { readonly from: Date; readonly to: Date }[] {
  const found: { from: Date; to: Date }[] = []
  for (let start = new Date(from); start < new Date(to); start = startAfter(start, each)) {
    found.push({ from: start, to: startAfter(start, each) })
  }
  return found
}

/** What the service says of a window now. A snapshot is what the service said when it was asked for. */
async function wordOf(
  { simulator }: Year,
  client: Client,
  { dataset, columns, isSnapshot }: YearFeed,
  { from, to }: { readonly from: Date; readonly to: Date },
  landed: string,
): Promise<Cells | undefined> {
  const of = (reportId: string) =>
    possibleLandings({ simulator, files: [] }, columns, { feed: '', id: '', reportId }).at(0)?.filter(isRow)
  if (isSnapshot) return of(landed)
  const query = `SELECT ${columns.map(({ name }) => name).join(', ')} FROM ${dataset}`
  const times = { QueryStartTime: wire(from), QueryEndTime: wire(new Date(to.getTime() - 1000)) }
  return of(await createReport(client, query, times))
}

/** A record of empty cells only is no row. */
const isRow = (cells: readonly string[]) => cells.some((cell) => cell !== 'absent' && cell !== 'Edm.String ')

const wire = (at: Date) => at.toISOString().replace('.000Z', 'Z')

/** Each window whose rows are not the service's last word, and rows of windows that nobody expects. */
async function faultsOf(year: Year, feed: YearFeed): Promise<readonly string[]> {
  const client = await connect(year.simulator)
  const rows = (await year.store.rows(feed.table)) as readonly RawRow[]
  const byDay = Map.groupBy(rows, ({ PartitionKey }) => String(PartitionKey).slice(0, 8))
  const faults: string[] = []
  for (const window of windowsOf(feed)) {
    const day = window.from.toISOString().slice(0, 10)
    const landed = storedReading(byDay.get(day.replaceAll('-', '')) ?? [], feed.columns)
    byDay.delete(day.replaceAll('-', ''))
    const word = await wordOf(year, client, feed, window, landed.reportId)
    if (landed.origins.size !== 1) faults.push(`${feed.name} ${day}: rows of ${landed.origins.size} landings`)
    else if (JSON.stringify(landed.cells) !== JSON.stringify(word)) {
      faults.push(`${feed.name} ${day}: ${landed.cells.length} rows are not the last word, of ${word?.length} rows`)
    }
  }
  const running = feed.name === 'usage' ? ['20260101'] : []
  const strange = [...byDay.keys()].filter((day) => !running.includes(day))
  return [...faults, ...strange.map((day) => `${feed.name} ${day}: nobody expects it`)]
}

/** The running month holds what the service said at most `every` ago: four days, and the time until the next tick. */
async function runningFault(
  { simulator, store }: Year,
  { name, table, columns }: YearFeed,
): Promise<string | undefined> {
  const rows = (await store.rows(table)) as readonly RawRow[]
  const own = rows.filter(({ PartitionKey }) => String(PartitionKey).startsWith('20260101'))
  const landed = storedReading(own, columns)
  const [word] = possibleLandings({ simulator, files: [] }, columns, { feed: name, id: '', reportId: landed.reportId })
  if (JSON.stringify(landed.cells) !== JSON.stringify(word)) return 'the running month is not what the service said'
  const figures = store.lookAtEntries(name).find(({ window }) => window.to > new Date(END))?.figures
  const age = Date.parse(END) - (figures?.requestedAt.getTime() ?? 0)
  return age <= 4 * DAY + TICK ? undefined : `the running month is ${age / DAY} days old`
}

test('after a year all rows are the last word of the service, for no more reports than were forecast', async () => {
  console.info(`LONG_SEED=${SEED} plays this year again`)
  year = await openYear()
  const restatements = await play(year, chancesOf(SEED))
  const requests = reportRequests(year.simulator)
  expect(year.events.filter(({ event }) => /failed|blocked|reopened/.test(event))).toEqual([])

  const file = parseFeeds(FEEDS_TEXT, CATALOG)
  if ('problems' in file) throw new Error(file.problems.join('; '))
  console.info(forecastLines(file.feeds, 20, new Date(END)).lines.join('; '))
  console.info(`${requests.length} reports asked for, ${restatements} restatements`)
  for (const { name, history } of FEEDS) {
    const asked = requests.filter(({ body }) => JSON.parse(body).ReportName.includes(` ${name} `)).length
    const feed = file.feeds.find((each) => each.name === name)
    if (!feed) throw new Error(`${name} is no feed`)
    const aDay = Object.values(forecastOf(feed, new Date(END))).reduce((sum, reports) => sum + reports, 0)
    // A window of history lands once more than the forecast says, which is for the time after that.
    const most = Math.ceil(aDay * DAYS) + history
    console.info(`${name}: ${asked} reports asked for, at most ${most} forecast, ${history} of them for history`)
    expect(asked, name).toBeLessThanOrEqual(most)
  }
  const faults = []
  for (const feed of FEEDS) faults.push(...(await faultsOf(year, feed)))
  expect(faults).toEqual([])
  const [usage] = FEEDS
  expect(usage && (await runningFault(year, usage))).toBeUndefined()
})
