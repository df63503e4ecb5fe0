import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, isFailure } from '../../core/failures.ts'
import { DROPS, type Drop, dropKey, fromDropRow, toDropRow } from '../../core/ledger/drop.ts'
import type { EntryKey, LedgerEntry } from '../../core/ledger/ledger.ts'
import { fromOverview, fromRow, type LedgerRow, OVERVIEW_COLUMNS, toRow } from '../../core/ledger/ledger-row.ts'
import { joinTexts, pieceNames } from '../../core/ledger/long-texts.ts'
import { fromPlanFields, PLAN_KEY, type PlanRow, toPlanFields } from '../../core/ledger/plan-row.ts'
import { NEVER, TOO_FAR_MS } from '../../core/ledger/wake.ts'
import { parseWindowId, windowId } from '../../core/time/window.ts'
import { lazily } from '../lazily.ts'
import { openAppRows } from './app-rows.ts'
import { deleteRow, type Keys, type Row, readRow, transact, writeRow, writing } from './conditional-rows.ts'
import type { DueRows, Ledger, Scanned, Stored, Timer, Wake, WrittenEntry, WrittenWith } from './ledger.ts'

/** A scan asks for so many entries at once. The service would give 1,000, which take 40 MiB more of memory. */
const SCAN_PAGE = 250

/** Opens the table `ledger`: PartitionKey is the feed's name, RowKey the window, `_plan`, or `~drop_<generation>`. */
export function openLedger(client: TableClient, wake: Wake): Ledger {
  return {
    create: lazily(() => client.createTable()),
    async read(feed, window) {
      const row = await readRow(client, feed, window)
      return row && storedEntry(feed, row)
    },
    scan: (feed) => scan(client, entriesFilter(feed), feed),
    entries: (feed) => Array.fromAsync(scan(client, entriesFilter(feed), feed), ({ value }) => value),
    overview: (feed) => overview(client, feed),
    entriesOn(feed, day) {
      const filter = odata`PartitionKey eq ${feed} and RowKey ge ${day} and RowKey lt ${`${day}~`}`
      return Array.fromAsync(scan(client, filter, feed), ({ value }) => value)
    },
    due: (feed, timer, now, pausedBefore) => readDue(client, feed, timer, now, pausedBefore),
    write: (entry, etag, others = {}) => writeEntry(client, entry, toRow(entry, wake(entry)), etag, others),
    remove: (key, etag) => deleteRow(client, entryKeys(key), etag),
    async readPlan(feed) {
      const row = await readRow(client, feed, PLAN_KEY)
      return row && storedPlan(feed, row)
    },
    writePlan: (plan, etag) => writeRow(client, plan, planRow(plan), planKeys(plan), etag),
    removePlan: (feed, etag) => deleteRow(client, { partitionKey: feed, rowKey: PLAN_KEY }, etag),
    drops: (feed) => listDrops(client, feed),
    async readDrop(feed, generation) {
      const row = await readRow(client, feed, dropKey(generation))
      return row && storedDrop(feed, row)
    },
    writeDrop: (drop, etag) => writeRow(client, drop, toDropRow(drop), dropKeys(drop), etag),
    endDrop: async ({ value, etag }) => void (await deleteRow(client, dropKeys(value), etag)),
    ...openAppRows(client),
  }
}

async function writeEntry<E extends LedgerEntry>(
  client: TableClient,
  entry: E,
  row: LedgerRow,
  etag: string | undefined,
  { drops = [], plan }: WrittenWith,
): Promise<WrittenEntry<E> | undefined> {
  const keys = entryKeys(entry)
  if (drops.length === 0 && !plan) return writeRow(client, entry, row, keys, etag)
  const planned = plan ? [writing(planRow(plan.value), planKeys(plan.value), plan.etag)] : []
  const dropped = drops.map((drop) => writing(toDropRow(drop), dropKeys(drop), undefined))
  const etags = await transact(client, [writing(row, keys, etag), ...planned, ...dropped])
  if (!etags) return undefined
  return { value: entry, etag: etagAt(etags, 0), ...(plan && { plan: { ...plan, etag: etagAt(etags, 1) } }) }
}

function etagAt(etags: readonly (string | undefined)[], at: number): string {
  const etag = etags[at]
  // It was written all the same: nobody may take this for a conflict.
  if (etag === undefined) throw new Error('a ledger transaction was answered without an ETag')
  return etag
}

function entryKeys({ feed, window }: EntryKey): Keys {
  return { partitionKey: feed, rowKey: windowId(window) }
}

/** A row that the timers' filter never selects: it has no time of its own. */
function planRow(plan: PlanRow): LedgerRow {
  return { ...toPlanFields(plan), wakeAt: NEVER }
}

function planKeys({ feed }: PlanRow): Keys {
  return { partitionKey: feed, rowKey: PLAN_KEY }
}

function dropKeys({ feed, generation }: Drop): Keys {
  return { partitionKey: feed, rowKey: dropKey(generation) }
}

function entriesFilter(feed: string): string {
  return odata`PartitionKey eq ${feed} and RowKey lt ${DROPS} and RowKey ne ${PLAN_KEY}`
}

async function* scan(client: TableClient, filter: string, feed: string): AsyncGenerator<Scanned> {
  const pages = client.listEntities<Row>({ queryOptions: { filter } }).byPage({ maxPageSize: SCAN_PAGE })
  for await (const page of pages) for (const row of page) yield scanned(feed, row)
}

/** As many as the service gives at once: without the long texts they take little memory. */
export const OVERVIEW_PAGE = 1000

/** The columns that an overview reads. */
export const OVERVIEW: readonly string[] = ['RowKey', ...OVERVIEW_COLUMNS, ...pieceNames('figures').slice(1)]

async function* overview(client: TableClient, feed: string): AsyncGenerator<Pick<Scanned, 'value' | 'window'>> {
  const queryOptions = { filter: entriesFilter(feed), select: [...OVERVIEW] }
  const pages = client.listEntities<Row>({ queryOptions }).byPage({ maxPageSize: OVERVIEW_PAGE })
  for await (const page of pages) {
    for (const row of page) {
      const value = fromOverview(feed, row.rowKey ?? '', joinTexts(row))
      const window = isFailure(value) ? parseWindowId(row.rowKey ?? '') : value.window
      yield { value, ...(window && { window }) }
    }
  }
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
async function readDue(
  client: TableClient,
  feed: string,
  timer: Timer,
  now: Date,
  pausedBefore: Date | undefined,
): Promise<DueRows> {
  const tooFar = new Date(now.getTime() + TOO_FAR_MS)
  const awake = odata`not (wakeAt gt ${now} and wakeAt le ${tooFar}) and not (wakeAt ge ${NEVER})`
  const held = pausedBefore && windowId({ from: pausedBefore, to: pausedBefore })
  const paused = held && odata`(lane eq 'backfill' and reason ne 'refresh' and RowKey lt ${held})`
  const chosen =
    timer === 'provision'
      ? `(RowKey eq '${PLAN_KEY}' or (state eq 'planned' and ${awake}${paused ? ` and not ${paused}` : ''}))`
      : `(not (state eq 'planned') or owed eq 'parquet') and ${awake}`
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
