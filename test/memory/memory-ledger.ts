import { type Failure, isFailure } from '../../src/core/failures.ts'
import { FEED_ROWS, feedRowKey, LEFT_OUT } from '../../src/core/ledger/app-rows.ts'
import { DROPS, type Drop, dropKey, fromDropRow, toDropRow } from '../../src/core/ledger/drop.ts'
import type { FeedOutline } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../src/core/ledger/ledger-row.ts'
import { fromPlanFields, PLAN_KEY, type PlanRow, toPlanFields } from '../../src/core/ledger/plan-row.ts'
import { fromFeedFields, fromOutlineField, toFeedFields } from '../../src/core/ledger/stored-feed-row.ts'
import { NEVER, TOO_FAR_MS } from '../../src/core/ledger/wake.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import type { Ledger, Scanned, Stored, Timer, Wake, WrittenWith } from '../../src/services/storage/ledger.ts'
import { byText, type Pass } from './store.ts'

type NewRow = { readonly key: string; readonly value: LedgerRow }
type Row = NewRow & { readonly etag: string }

/** The table `ledger`: its partitions by name; `undefined` until it is made. */
export type LedgerState = { partitions: Map<string, Map<string, Row>> | undefined; writes: number }

export const emptyLedger = (): LedgerState => ({ partitions: undefined, writes: 0 })

const APP = '_app'

/** Rows of one page: so few that others act between two pages of any feed. */
const PAGE = 3

/** A ledger in memory. Values are stored as rows, so what a row cannot hold is lost here as it is in Table Storage. */
export function openMemoryLedger(state: LedgerState, pass: Pass, wake: Wake): Ledger {
  const get = (partition: string, key: string) => pass('ledger.get', async () => rowOf(state, partition, key))
  /** Reads page by page what a filter selects; each page is a call, and shows the rows as they stand then. */
  async function* pages(partition: string, selects: (row: Row) => boolean): AsyncGenerator<Row> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const last: string = after
      const page = await pass('ledger.list', async () => pageOf(state, partition, last, selects))
      yield* page.slice(0, PAGE)
      after = page.length > PAGE ? page[PAGE - 1]?.key : undefined
    }
  }
  const list = (partition: string, selects: (row: Row) => boolean) => Array.fromAsync(pages(partition, selects))
  /** Writes rows under their ETags, all or none; gives their new ETags. */
  const transact = (partition: string, rows: readonly (NewRow & { etag?: string | undefined })[]) =>
    pass(rows.length > 1 ? 'ledger.transaction' : 'ledger.write', async () => {
      if (rows.some(({ key, etag }) => rowOf(state, partition, key)?.etag !== etag)) return undefined
      const etags = rows.map((row) => conditionalWrite(state, partition, row, row.etag))
      return etags.includes(undefined) ? undefined : etags.map(String)
    })
  const write = async <T>(value: T, partition: string, row: NewRow, etag: string | undefined) => {
    const [written] = (await transact(partition, [{ ...row, etag }])) ?? []
    return written === undefined ? undefined : { value, etag: written }
  }
  const remove = (partition: string, key: string, etag: string) =>
    pass('ledger.delete', async () => {
      if (rowOf(state, partition, key)?.etag !== etag) return false
      return state.partitions?.get(partition)?.delete(key) ?? false
    })
  const dropRow = (drop: Drop): NewRow => ({ key: dropKey(drop.generation), value: toDropRow(drop) })
  const planRow = (plan: PlanRow): NewRow => ({ key: PLAN_KEY, value: { ...toPlanFields(plan), wakeAt: NEVER } })
  const others = ({ drops = [], plan }: WrittenWith) => [
    ...(plan ? [{ ...planRow(plan.value), etag: plan.etag }] : []),
    ...drops.map(dropRow),
  ]
  async function* scan(feed: string): AsyncGenerator<Scanned> {
    for await (const { key, value, etag } of pages(feed, (row) => isEntry(row))) {
      const window = parseWindowId(key)
      const { wakeAt } = value
      yield {
        value: fromRow(feed, key, value),
        etag,
        ...(window && { window }),
        ...(wakeAt instanceof Date && { wakeAt }),
      }
    }
  }
  return {
    create: () =>
      pass('ledger.create', async () => {
        state.partitions ??= new Map()
      }),
    async read(feed, window) {
      const row = await get(feed, window)
      return row && storedEntry(feed, row)
    },
    scan,
    overview: scan,
    entries: (feed) => Array.fromAsync(scan(feed), ({ value }) => value),
    async entriesOn(feed, day) {
      const rows = await list(feed, ({ key }) => key >= day && key < `${day}~`)
      return rows.map(({ key, value }) => fromRow(feed, key, value))
    },
    async due(feed, timer, now, pausedBefore) {
      const rows = await list(feed, (row) => isDue(row, timer, now, pausedBefore))
      const plan = rows.find(({ key }) => key === PLAN_KEY)
      return {
        ...(plan && { plan: storedPlan(feed, plan) }),
        entries: rows.filter(isEntry).map((row) => storedEntry(feed, row)),
        drops: rows.filter(isDrop).map((row) => storedDrop(feed, row)),
      }
    },
    async write(entry, etag, added = {}) {
      const row = { key: windowId(entry.window), value: toRow(entry, wake(entry)), etag }
      const [first, second] = (await transact(entry.feed, [row, ...others(added)])) ?? []
      if (first === undefined) return undefined
      const plan = added.plan && second !== undefined && { value: added.plan.value, etag: second }
      return { value: entry, etag: first, ...(plan && { plan }) }
    },
    remove: ({ feed, window }, etag) => remove(feed, windowId(window), etag),
    async readPlan(feed) {
      const row = await get(feed, PLAN_KEY)
      return row && storedPlan(feed, row)
    },
    writePlan: (plan, etag) => write(plan, plan.feed, planRow(plan), etag),
    removePlan: (feed, etag) => remove(feed, PLAN_KEY, etag),
    drops: async (feed) => (await list(feed, isDrop)).map((row) => storedDrop(feed, row)),
    async readDrop(feed, generation) {
      const row = await get(feed, dropKey(generation))
      return row && storedDrop(feed, row)
    },
    writeDrop: (drop, etag) => write(drop, drop.feed, dropRow(drop), etag),
    endDrop: async ({ value, etag }) => void (await remove(value.feed, dropKey(value.generation), etag)),
    async readFeed(name) {
      const row = await get(APP, feedRowKey(name))
      const value = row && fromFeedFields(name, row.value)
      if (!row || !value) return undefined
      return isFailure(value) ? value : { value, etag: row.etag }
    },
    writeFeed: (row, etag) =>
      write(row, APP, { key: feedRowKey(row.feed.name), value: { ...toFeedFields(row) } }, etag),
    feeds: async () =>
      (await list(APP, isFeed)).map(({ key, value }) => fromFeedFields(key.slice(FEED_ROWS.length), value)),
    async readApp<T>(key: string) {
      const row = await get(APP, key)
      return row && { value: (parseJson(row.value.json) ?? {}) as T, etag: row.etag }
    },
    writeApp: (key, value, etag) => write(value, APP, { key, value: { json: JSON.stringify(value) } }, etag),
    removeApp: (key, etag) => remove(APP, key, etag),
    async appRows(timer) {
      const leftOut = timer ? LEFT_OUT[timer] : []
      const rows = await list(APP, ({ key }) => !leftOut.some((prefix) => key.startsWith(prefix)))
      const byKey = new Map(rows.map((row) => [row.key, row]))
      return {
        feeds: new Map(rows.filter(isFeed).map((row) => [row.key.slice(FEED_ROWS.length), storedOutline(row)])),
        get(key) {
          const row = byKey.get(key)
          return row && { value: parseJson(row.value.json), etag: row.etag }
        },
      }
    },
  }
}

const isDrop = ({ key }: NewRow) => key.startsWith(DROPS)
const isEntry = (row: NewRow) => !isDrop(row) && row.key !== PLAN_KEY
const isFeed = ({ key }: NewRow) => key.startsWith(FEED_ROWS)

/** What the filter of a timer selects: a property that a row lacks makes every comparison with it false. */
function isDue(row: Row, timer: Timer, now: Date, pausedBefore: Date | undefined): boolean {
  const { state, wakeAt, lane, reason } = row.value
  const at = wakeAt instanceof Date ? wakeAt.getTime() : Number.NaN
  const isAwake = !(at > now.getTime() && at <= now.getTime() + TOO_FAR_MS) && !(at >= NEVER.getTime())
  const isHeld =
    pausedBefore &&
    lane === 'backfill' &&
    reason !== 'refresh' &&
    row.key < windowId({ from: pausedBefore, to: pausedBefore })
  if (timer === 'provision') return row.key === PLAN_KEY || (state === 'planned' && isAwake && !isHeld)
  return (state !== 'planned' || row.value.owed === 'parquet') && isAwake
}

function storedEntry(feed: string, { key, value, etag }: Row): Stored<LedgerEntry> | Failure {
  const entry = fromRow(feed, key, value)
  return isFailure(entry) ? entry : { value: entry, etag }
}

function storedPlan(feed: string, { value, etag }: Row): Stored<PlanRow | Failure> {
  return { value: fromPlanFields(feed, value), etag }
}

function storedOutline({ key, value, etag }: Row): Stored<FeedOutline> | Failure {
  const outline = fromOutlineField(key.slice(FEED_ROWS.length), value.json)
  return isFailure(outline) ? outline : { value: outline, etag }
}

function parseJson(json: unknown): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    return undefined
  }
}

/** The entries of a feed that can be read, as they stand now. */
export function entriesOf({ partitions }: LedgerState, feed: string): readonly LedgerEntry[] {
  const rows = [...(partitions?.get(feed)?.values() ?? [])].filter(isEntry)
  const entries = rows.map(({ key, value }) => fromRow(feed, key, value))
  return entries.filter((entry): entry is LedgerEntry => !isFailure(entry))
}

/** The windows of a feed that have an entry as it stands now, whatever it says. */
export function windowsOf({ partitions }: LedgerState, feed: string): readonly Window[] {
  return [...(partitions?.get(feed)?.keys() ?? [])].flatMap((key) => parseWindowId(key) ?? [])
}

/** The entries of a feed as they are stored now, by their keys: to be looked at and not changed. */
export function rowsOf({ partitions }: LedgerState, feed: string): readonly NewRow[] {
  return [...(partitions?.get(feed)?.values() ?? [])].filter(isEntry)
}

/** Deletes an entry as a person does by hand: under no condition, and nothing else with it. */
export function removeEntry({ partitions }: LedgerState, feed: string, window: Window): void {
  partitions?.get(feed)?.delete(windowId(window))
}

function storedDrop(feed: string, { key, value, etag }: Row): Stored<Drop> | Failure {
  const drop = fromDropRow(feed, key, value)
  return isFailure(drop) ? drop : { value: drop, etag }
}

function rowOf({ partitions }: LedgerState, partition: string, key: string): Row | undefined {
  const row = partitions?.get(partition)?.get(key)
  return row && copyOf(row)
}

/** The fields of a row are flat, and nothing changes them in place. */
const copyOf = (row: Row): Row => ({ ...row, value: { ...row.value } })

/** The rows of one page after a key, in the order of their keys, and one more where there is another page. */
function pageOf(
  { partitions }: LedgerState,
  partition: string,
  after: string,
  selects: (row: Row) => boolean,
): readonly Row[] {
  if (!partitions) throw new Error('table ledger is missing')
  const rows = [...(partitions.get(partition)?.values() ?? [])].filter((row) => row.key > after && selects(row))
  return rows
    .sort(byText(({ key }) => key))
    .slice(0, PAGE + 1)
    .map(copyOf)
}

function conditionalWrite(
  state: LedgerState,
  partition: string,
  row: NewRow,
  expected: string | undefined,
): string | undefined {
  if (rowOf(state, partition, row.key)?.etag !== expected || !state.partitions) return undefined
  state.writes += 1
  const etag = `etag ${state.writes}`
  const rows = state.partitions.get(partition) ?? new Map<string, Row>()
  state.partitions.set(partition, rows.set(row.key, copyOf({ key: row.key, value: row.value, etag })))
  return etag
}
