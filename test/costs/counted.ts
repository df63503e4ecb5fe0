import { inject, onTestFinished } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { startStorageProxies } from '../../local/proxy.ts'
import { isFailure } from '../../src/core/failures.ts'
import { DROPS } from '../../src/core/ledger/drop.ts'
import { toPlanned } from '../../src/core/ledger/transitions.ts'
import { DAY_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { openWorld, type World } from '../setup/world.ts'

/** The operations that storage bills, as the price list tells them apart. Deleting a blob costs nothing. */
export type Operations = {
  readonly table: number
  readonly 'blob reads': number
  readonly 'blob writes': number
  readonly queue: number
}

type Counted = World & {
  /** What the app asks of storage while `run` runs. */
  during(run: () => Promise<unknown>): Promise<Operations>
}

/** A deployment of so many feeds by month, each with so many windows from January 2025 on, whose storage calls are counted. */
async function countedWorld(feeds: number, rows: number, months: number, publish = false): Promise<Counted> {
  const proxies = await startStorageProxies(inject('storage'))
  onTestFinished(() => proxies.close())
  const { table, blob, queue } = proxies
  const world = await openWorld({
    feeds: Array.from({ length: feeds }, (_, nth) => feedOf(nth, months, publish)),
    simulator: { rows },
    storage: proxies.connectionString,
  })
  const now = (): Operations => ({
    table: table.count(),
    'blob reads': blob.requests.filter(({ method }) => method === 'GET' || method === 'HEAD').length,
    'blob writes': blob.requests.filter(({ method }) => method === 'PUT').length,
    queue: queue.count(),
  })
  const during: Counted['during'] = async (run) => {
    const before = now()
    await run()
    return minus(now(), before)
  }
  return { ...world, during }
}

function feedOf(nth: number, months: number, publish: boolean): object {
  const to = `2025-0${months + 1}-01`
  const columns = ['Month', 'CustomerName', 'UsageQuantity']
  const feed = { name: `usage-${nth}`, dataset: 'AzureUsage', columns, from: '2025-01-01', to, refresh: false }
  return publish ? { ...feed, publish: ['table', 'parquet'] } : feed
}

const NAMES = ['table', 'blob reads', 'blob writes', 'queue'] as const

function each(of: (name: (typeof NAMES)[number]) => number): Operations {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Operations
}

const minus = (a: Operations, b: Operations) => each((name) => a[name] - b[name])
const sum = (a: Operations, b: Operations) => each((name) => a[name] + b[name])
const over = (a: Operations, by: number) => each((name) => a[name] / by)

/** What one more of something adds: `many` has `by` more of it than `few`. */
const added = (many: Operations, few: Operations, by: number) => over(minus(many, few), by)

/** What is due has landed by the end of the first round. The others see that nothing is left. */
const ROUNDS = 4

async function work({ services, clock, drain, ledgerTable, sent }: Counted): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const before = sent.length
    const asked = (await provision(services))?.requested ?? 0
    await waitUntil('every report has been called back for', () => sent.length - before >= asked)
    await drain()
    await sweep(services)
    await drain()
    // Rows that were replaced are looked for once more after an hour.
    clock.advance(30 * MINUTE_MS)
  }
  const states = (await rawRows(ledgerTable)).flatMap(({ state, RowKey }) => state ?? (isDrop(RowKey) ? 'drop' : []))
  if (states.length === 0 || states.some((state) => state !== 'landed')) throw new Error(`the count ends in ${states}`)
}

const isDrop = (key: unknown) => String(key).startsWith(DROPS)

/** One tick of each timer, in which nothing is due but what the day brings. */
async function ticksOf({ services, during }: Counted) {
  return { provision: await during(() => provision(services)), sweep: await during(() => sweep(services)) }
}

/** Both ticks together. */
const both = ({ provision: one, sweep: other }: { readonly provision: Operations; readonly sweep: Operations }) =>
  sum(one, other)

/** The idle ticks of a deployment, then what the first ticks of a day and of a week ask beside that. */
async function ticksOfLife(feeds: number, months: number) {
  const world = await countedWorld(feeds, 20, months)
  await work(world)
  const idle = await ticksOf(world)
  world.clock.advance(DAY_MS)
  const first = both(await ticksOf(world))
  await work(world)
  world.clock.advance(7 * DAY_MS)
  const ofWeek = both(await ticksOf(world))
  return { ...idle, day: minus(first, both(idle)), week: minus(ofWeek, first) }
}

/** What it asks to land so many windows with so many rows each, and to land them again until the rows before are gone. */
async function landings(months: number, rows: number, publish = false) {
  const world = await countedWorld(1, rows, months, publish)
  const first = await world.during(() => work(world))
  const { ledger, clock } = world.services
  for await (const { value, etag } of ledger.scan('usage-0')) {
    if (isFailure(value)) throw new Error(value.message)
    await ledger.write(toPlanned(value, 'retry', clock(), 0), etag)
  }
  return { first, again: await world.during(() => work(world)) }
}

/** Everything that docs/costs.md says of the app's own operations, by the same names. */
export async function countAll(): Promise<Readonly<Record<string, Operations>>> {
  const [one, three, fewer] = [await ticksOfLife(1, 6), await ticksOfLife(3, 6), await ticksOfLife(1, 2)]
  const ofFeed = {
    provision: added(three.provision, one.provision, 2),
    sweep: added(three.sweep, one.sweep, 2),
    day: added(three.day, one.day, 2),
  }
  const ofWindow = added(one.week, fewer.week, 4)
  const [small, large, several] = [await landings(1, 100), await landings(1, 1100), await landings(3, 100)]
  const [oneFile, files] = [await landings(1, 100, true), await landings(3, 100, true)]
  const window = { first: added(several.first, small.first, 2), again: added(several.again, small.again, 2) }
  const rows = { first: minus(large.first, small.first), again: minus(large.again, small.again) }
  return {
    'a tick of provision': minus(one.provision, ofFeed.provision),
    'the same, for each feed': ofFeed.provision,
    'a tick of sweep': minus(one.sweep, ofFeed.sweep),
    'the same, for each feed of it': ofFeed.sweep,
    'the first ticks of a day, beside that': minus(one.day, ofFeed.day),
    'the same, for each feed a day': ofFeed.day,
    'the weekly audit of a feed': minus(
      one.week,
      each((name) => 6 * ofWindow[name]),
    ),
    'the same, for each window': ofWindow,
    'a window of 100 rows that lands': window.first,
    '1,000 rows more': rows.first,
    'a window of 100 rows that lands again': window.again,
    '1,000 rows more of it': rows.again,
    'the file of a window that lands': minus(added(files.first, oneFile.first, 2), window.first),
    'the file of a window that lands again': minus(added(files.again, oneFile.again, 2), window.again),
  }
}
