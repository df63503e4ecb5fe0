import { odata, type TableClient, type TableEntityResult, type TransactionAction } from '@azure/data-tables'
import { type Failure, isFailure } from '../../core/failures.ts'
import { FEED_ROWS, feedRowKey } from '../../core/ledger/app-rows.ts'
import { DROPS, type Drop, dropKey, fromDropRow, toDropRow } from '../../core/ledger/drop.ts'
import type { FeedOutline, FeedRow } from '../../core/ledger/feed-row.ts'
import type { EntryKey, LedgerEntry } from '../../core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow } from '../../core/ledger/ledger-row.ts'
import { joinTexts, pieceNames, splitTexts } from '../../core/ledger/long-texts.ts'
import { fromPlanFields, PLAN_KEY, type PlanRow, toPlanFields } from '../../core/ledger/plan-row.ts'
import { fromFeedFields, fromOutlineField, toFeedFields } from '../../core/ledger/stored-feed-row.ts'
import { NEVER, TOO_FAR_MS } from '../../core/ledger/wake.ts'
import type { Generation } from '../../core/report/generation.ts'
import { parseWindowId, type Window, type WindowId, windowId } from '../../core/time/window.ts'
import { lazily } from '../lazily.ts'
import { statusOf } from './errors.ts'

/** PartitionKey of the rows that are about the app, not about a window. */
const APP = '_app'

/** A scan asks for so many entries at once. The service would give 1,000, which take 40 MiB more of memory. */
const SCAN_PAGE = 250

/** A stored value with the ETag under which it may be changed. */
export type Stored<T> = { readonly value: T; readonly etag: string }

/** What is written with an entry in one transaction, all or none. */
export type WrittenWith = {
  /** What the entry no longer names. */
  readonly drops?: readonly Drop[]
  /** The plan row of the feed as it is from now on, which replaces the one read under the ETag. */
  readonly plan?: Stored<PlanRow>
}

/** Which entries a timer looks at: `provision` those that are planned, `sweep` all others. */
export type Timer = 'provision' | 'sweep'

/** What is due of a feed; a row that cannot be read is a failure. */
export type DueRows = {
  /** Absent for the sweep, and where the row is missing. */
  readonly plan?: Stored<PlanRow | Failure>
  readonly entries: readonly (Stored<LedgerEntry> | Failure)[]
  readonly drops: readonly (Stored<Drop> | Failure)[]
}

/** One entry as an audit sees it. `window` is that of its key, also where the rest cannot be read. */
export type Scanned = {
  readonly value: LedgerEntry | Failure
  readonly etag: string
  readonly window?: Window
  readonly wakeAt?: Date
}

/** All `_app` rows, read at once. */
export type AppRows = {
  /** By the name of the feed. */
  readonly feeds: ReadonlyMap<string, Stored<FeedOutline> | Failure>
  /** The row of a key; its value is undefined where it is no JSON. */
  get(key: string): Stored<unknown> | undefined
}

/**
 * The ledger. Every change is conditional, so that one of two writers at the same time gets nothing and reads again. A
 * text may be longer than a property of Table Storage can be, as long as the whole row stays below 1 MiB.
 */
export type Ledger = {
  create(): Promise<void>
  read(feed: string, window: WindowId): Promise<Stored<LedgerEntry> | Failure | undefined>
  /** All entries of a feed, in the order of their windows, page by page. */
  scan(feed: string): AsyncIterable<Scanned>
  /** All entries of a feed, in the order of their windows. */
  entries(feed: string): Promise<readonly (LedgerEntry | Failure)[]>
  /** The entries of windows that begin on a day, `20250301`: one as a rule. */
  entriesOn(feed: string, day: string): Promise<readonly (LedgerEntry | Failure)[]>
  /** What a timer has to look at now: what it reads does not grow with what is at rest. */
  due(feed: string, timer: Timer, now: Date): Promise<DueRows>
  /** Adds an entry, or replaces the one read under `etag`; undefined where somebody else wrote it or the plan meanwhile. */
  write<E extends LedgerEntry>(
    entry: E,
    etag: string | undefined,
    others?: WrittenWith,
  ): Promise<WrittenEntry<E> | undefined>
  /** Removes the entry read under `etag`; false where somebody else changed or removed it meanwhile. */
  remove(key: EntryKey, etag: string): Promise<boolean>
  readPlan(feed: string): Promise<Stored<PlanRow | Failure> | undefined>
  /** Writes a plan row as `write` does an entry. */
  writePlan(plan: PlanRow, etag: string | undefined): Promise<Stored<PlanRow> | undefined>
  /** What of a feed's rows is still to be deleted. */
  drops(feed: string): Promise<readonly (Stored<Drop> | Failure)[]>
  readDrop(feed: string, generation: Generation): Promise<Stored<Drop> | Failure | undefined>
  /** Adds a drop, or replaces the one read under `etag`; undefined where somebody else added, changed or ended it. */
  writeDrop(drop: Drop, etag: string | undefined): Promise<Stored<Drop> | undefined>
  /** Ends a drop, unless somebody else changed it meanwhile. */
  endDrop(drop: Stored<Drop>): Promise<void>
  readFeed(name: string): Promise<Stored<FeedRow> | Failure | undefined>
  /** Writes the row of a feed as `write` does an entry. */
  writeFeed(row: FeedRow, etag: string | undefined): Promise<Stored<FeedRow> | undefined>
  /** The rows of all feeds that the app has seen. */
  feeds(): Promise<readonly (FeedRow | Failure)[]>
  /** Reads an app row; its value is what was stored as JSON. */
  readApp<T>(key: string): Promise<Stored<T> | undefined>
  /** Writes an app row as `write` does an entry. */
  writeApp<T extends object>(key: string, value: T, etag: string | undefined): Promise<Stored<T> | undefined>
  /** Reads all app rows in one request, of feeds the outlines alone. */
  appRows(): Promise<AppRows>
}

/** An entry that was written, and the plan row that was written with it. */
export type WrittenEntry<E extends LedgerEntry> = Stored<E> & { readonly plan?: Stored<PlanRow> }

/** Gives when a timer looks at an entry next. */
export type Wake = (entry: LedgerEntry) => Date

/**
 * Opens the table `ledger`: PartitionKey is the feed's name, RowKey the window, `_plan`, or `~drop_<generation>`.
 */
export function openLedger(client: TableClient, wake: Wake): Ledger {
  const create = lazily(() => client.createTable())
  const writeRow = async <T>(value: T, row: LedgerRow, keys: Keys, etag: string | undefined) => {
    const written = await conditionalWrite(client, { ...splitTexts(row), ...keys }, etag)
    return written === undefined ? undefined : { value, etag: written }
  }
  return {
    create,
    async read(feed, window) {
      const row = await getRow(client, feed, window)
      return row && storedEntry(feed, row)
    },
    scan: (feed) => scan(client, entriesFilter(feed), feed),
    entries: (feed) => Array.fromAsync(scan(client, entriesFilter(feed), feed), ({ value }) => value),
    entriesOn(feed, day) {
      const filter = odata`PartitionKey eq ${feed} and RowKey ge ${day} and RowKey lt ${`${day}~`}`
      return Array.fromAsync(scan(client, filter, feed), ({ value }) => value)
    },
    due: (feed, timer, now) => readDue(client, feed, timer, now),
    async write(entry, etag, { drops = [], plan } = {}) {
      const row = { ...toRow(entry, wake(entry)) }
      const keys = { partitionKey: entry.feed, rowKey: windowId(entry.window) }
      if (drops.length === 0 && !plan) return writeRow(entry, row, keys, etag)
      const action = writing({ ...splitTexts(row), ...keys }, etag)
      const etags = await transact(client, [action, ...others(drops, plan)])
      return (
        etags && { value: entry, etag: etagAt(etags, 0), ...(plan && { plan: { ...plan, etag: etagAt(etags, 1) } }) }
      )
    },
    remove: ({ feed, window }, etag) => conditionalDelete(client, feed, windowId(window), etag),
    async readPlan(feed) {
      const row = await getRow(client, feed, PLAN_KEY)
      return row && storedPlan(feed, row)
    },
    writePlan: (plan, etag) => writeRow(plan, planRow(plan), planKeys(plan), etag),
    drops: (feed) => listDrops(client, feed),
    async readDrop(feed, generation) {
      const row = await getRow(client, feed, dropKey(generation))
      return row && storedDrop(feed, row)
    },
    writeDrop: (drop, etag) =>
      writeRow(drop, toDropRow(drop), { partitionKey: drop.feed, rowKey: dropKey(drop.generation) }, etag),
    endDrop: async ({ value: { feed, generation }, etag }) =>
      void (await conditionalDelete(client, feed, dropKey(generation), etag)),
    async readFeed(name) {
      const row = await getRow(client, APP, feedRowKey(name))
      return row && storedFeed(row)
    },
    writeFeed: (row, etag) =>
      writeRow(row, toFeedFields(row), { partitionKey: APP, rowKey: feedRowKey(row.feed.name) }, etag),
    feeds: () => listFeeds(client),
    async readApp<T>(key: string) {
      const row = await getRow(client, APP, key)
      return row && { value: JSON.parse(String(joinTexts(row).json)) as T, etag: row.etag }
    },
    writeApp: (key, value, etag) =>
      writeRow(value, { json: JSON.stringify(value) }, { partitionKey: APP, rowKey: key }, etag),
    appRows: () => readAppRows(client),
  }
}

type Keys = { readonly partitionKey: string; readonly rowKey: string }

/** Gives the new ETag. Undefined where the row is no longer the one that was read. */
async function conditionalWrite(
  client: TableClient,
  entity: LedgerRow & Keys,
  etag: string | undefined,
): Promise<string | undefined> {
  try {
    const answer = etag
      ? await client.updateEntity(entity, 'Replace', { etag })
      : await client.createEntity<LedgerRow>(entity)
    return answer.etag
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** The row is there already, is another version, or is gone. */
function isConflict(error: unknown): boolean {
  const status = statusOf(error)
  return status === 409 || status === 412 || status === 404
}

async function getRow(client: TableClient, partitionKey: string, rowKey: string) {
  try {
    return await client.getEntity<Record<string, unknown>>(partitionKey, rowKey)
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** The rows that are written with an entry: the plan row first. */
function others(drops: readonly Drop[], plan: Stored<PlanRow> | undefined): readonly TransactionAction[] {
  const planned = plan ? [writing({ ...splitTexts(planRow(plan.value)), ...planKeys(plan.value) }, plan.etag)] : []
  const dropped = drops.map((drop): TransactionAction => {
    const keys = { partitionKey: drop.feed, rowKey: dropKey(drop.generation) }
    return ['create', { ...toDropRow(drop), ...keys }]
  })
  return [...planned, ...dropped]
}

function writing(row: LedgerRow & Keys, etag: string | undefined): TransactionAction {
  return etag ? ['update', row, 'Replace', { etag }] : ['create', row]
}

/** Sends an entity group transaction: all of it, or none. Gives the new ETags, or undefined where a row has changed. */
async function transact(
  client: TableClient,
  actions: readonly TransactionAction[],
): Promise<readonly (string | undefined)[] | undefined> {
  try {
    const { subResponses } = await client.submitTransaction([...actions])
    return subResponses.map(({ etag }) => etag)
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

function etagAt(etags: readonly (string | undefined)[], at: number): string {
  const etag = etags[at]
  // It was written all the same: nobody may take this for a conflict.
  if (etag === undefined) throw new Error('a ledger transaction was answered without an ETag')
  return etag
}

/** A row that the timers' filter never selects: it has no time of its own. */
function planRow(plan: PlanRow): LedgerRow {
  return { ...toPlanFields(plan), wakeAt: NEVER }
}

function planKeys({ feed }: PlanRow): Keys {
  return { partitionKey: feed, rowKey: PLAN_KEY }
}

function entriesFilter(feed: string): string {
  return odata`PartitionKey eq ${feed} and RowKey lt ${DROPS} and RowKey ne ${PLAN_KEY}`
}

async function* scan(client: TableClient, filter: string, feed: string): AsyncGenerator<Scanned> {
  const pages = client.listEntities<Row>({ queryOptions: { filter } }).byPage({ maxPageSize: SCAN_PAGE })
  for await (const page of pages) for (const row of page) yield scanned(feed, row)
}

function scanned(feed: string, row: Row): Scanned {
  const window = parseWindowId(row.rowKey ?? '')
  const isDate = row.wakeAt instanceof Date
  const value = fromRow(feed, row.rowKey ?? '', joinTexts(row))
  return { value, etag: row.etag, ...(window && { window }), ...(isDate && { wakeAt: row.wakeAt as Date }) }
}

/**
 * What is due, what has no readable `wakeAt`, and what lies further ahead than any right clock writes. A comparison with
 * a property that a row lacks is false, so `not` selects that row.
 */
async function readDue(client: TableClient, feed: string, timer: Timer, now: Date): Promise<DueRows> {
  const tooFar = new Date(now.getTime() + TOO_FAR_MS)
  const awake = odata`not (wakeAt gt ${now} and wakeAt le ${tooFar}) and not (wakeAt ge ${NEVER})`
  const chosen =
    timer === 'provision'
      ? `(RowKey eq '${PLAN_KEY}' or (state eq 'planned' and ${awake}))`
      : `not (state eq 'planned') and ${awake}`
  const filter = `${odata`PartitionKey eq ${feed}`} and ${chosen}`
  const rows = await Array.fromAsync(client.listEntities<Row>({ queryOptions: { filter } }))
  const plan = rows.find(({ rowKey }) => rowKey === PLAN_KEY)
  const isDrop = ({ rowKey = '' }: Row) => rowKey.startsWith(DROPS)
  return {
    ...(plan && { plan: storedPlan(feed, plan) }),
    entries: rows.filter((row) => row !== plan && !isDrop(row)).map((row) => storedEntry(feed, row)),
    drops: rows.filter(isDrop).map((row) => storedDrop(feed, row)),
  }
}

type Row = TableEntityResult<Record<string, unknown>>

function storedEntry(feed: string, row: Row): Stored<LedgerEntry> | Failure {
  const value = fromRow(feed, row.rowKey ?? '', joinTexts(row))
  return isFailure(value) ? value : { value, etag: row.etag }
}

function storedPlan(feed: string, row: Row): Stored<PlanRow | Failure> {
  return { value: fromPlanFields(feed, joinTexts(row)), etag: row.etag }
}

async function listDrops(client: TableClient, feed: string): Promise<readonly (Stored<Drop> | Failure)[]> {
  const filter = odata`PartitionKey eq ${feed} and RowKey ge ${DROPS}`
  return Array.fromAsync(client.listEntities<Row>({ queryOptions: { filter } }), (row) => storedDrop(feed, row))
}

function storedDrop(feed: string, row: Row): Stored<Drop> | Failure {
  const value = fromDropRow(feed, row.rowKey ?? '', row)
  return isFailure(value) ? value : { value, etag: row.etag }
}

/** False where the row is no longer the one that was read. */
async function conditionalDelete(client: TableClient, feed: string, key: string, etag: string): Promise<boolean> {
  try {
    await client.deleteEntity(feed, key, { etag })
    return true
  } catch (error) {
    if (isConflict(error)) return false
    throw error
  }
}

function storedFeed(row: Row): Stored<FeedRow> | Failure {
  const value = fromFeedFields(feedOfKey(row), joinTexts(row))
  return isFailure(value) ? value : { value, etag: row.etag }
}

function storedOutline(row: Row): Stored<FeedOutline> | Failure {
  const value = fromOutlineField(feedOfKey(row), row.json)
  return isFailure(value) ? value : { value, etag: row.etag }
}

function feedOfKey({ rowKey = '' }: Row): string {
  return rowKey.slice(FEED_ROWS.length)
}

async function listFeeds(client: TableClient): Promise<readonly (FeedRow | Failure)[]> {
  const filter = odata`PartitionKey eq ${APP} and RowKey ge ${FEED_ROWS} and RowKey lt ${`${FEED_ROWS}\uffff`}`
  const list = client.listEntities<Row>({ queryOptions: { filter } })
  return Array.fromAsync(list, (row) => fromFeedFields(feedOfKey(row), joinTexts(row)))
}

async function readAppRows(client: TableClient): Promise<AppRows> {
  const queryOptions = { filter: odata`PartitionKey eq ${APP}`, select: ['RowKey', ...pieceNames('json')] }
  const rows = await Array.fromAsync(client.listEntities<Row>({ queryOptions }), (row) => ({
    ...row,
    json: joinTexts(row).json,
  }))
  const feeds = rows.filter(({ rowKey }) => rowKey?.startsWith(FEED_ROWS))
  const byKey = new Map(rows.map((row) => [row.rowKey, row]))
  return {
    feeds: new Map(feeds.map((row) => [feedOfKey(row), storedOutline(row)])),
    get(key) {
      const row = byKey.get(key)
      return row && { value: parseJson(row.json), etag: row.etag }
    },
  }
}

function parseJson(json: unknown): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    return undefined
  }
}
