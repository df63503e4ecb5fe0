import { type Failure, isFailure } from '../../src/core/failures.ts'
import { pacingRowKey } from '../../src/core/ledger/app-rows.ts'
import type { Drop } from '../../src/core/ledger/drop.ts'
import { isRemoved, type LedgerEntry, standingRows } from '../../src/core/ledger/ledger.ts'
import { type PlanRow, rebuiltPlan } from '../../src/core/ledger/plan-row.ts'
import type { Pacing } from '../../src/core/plan/pacing.ts'
import { generationAt, keyRange } from '../../src/core/report/generation.ts'
import { HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { overlapOf } from '../laws/laws.ts'
import { type StoredRow, unhindered } from '../memory/store.ts'
import type { Deployment } from './deployment.ts'
import { FEEDS, isRestated, recordsOf, WINDOWS } from './feeds.ts'

type Table = (typeof WINDOWS)[number]['table']

/** What the ledger and the tables hold at one moment. */
type Held = {
  readonly entries: readonly LedgerEntry[]
  readonly plans: ReadonlyMap<string, PlanRow>
  readonly drops: readonly Drop[]
  readonly rows: ReadonlyMap<Table, readonly StoredRow[]>
}

async function look({ store }: Deployment): Promise<Held> {
  const { ledger } = store.open(unhindered)
  await ledger.create()
  const [entries, plans, drops] = await Promise.all([
    Promise.all(FEEDS.map((feed) => ledger.entries(feed))),
    Promise.all(FEEDS.map((feed) => ledger.readPlan(feed))),
    Promise.all(FEEDS.map((feed) => ledger.drops(feed))),
  ])
  const tables = [...new Set(WINDOWS.map(({ table }) => table))]
  const rows = await Promise.all(tables.map(async (table) => [table, await store.rows(table)] as const))
  return {
    entries: entries.flat().map(readable),
    plans: new Map(plans.flatMap((plan) => (plan ? [readable(plan.value)] : [])).map((plan) => [plan.feed, plan])),
    drops: drops.flat().map((drop) => readable(drop).value),
    rows: new Map(rows),
  }
}

function readable<T>(value: T | Failure): T {
  if (isFailure(value)) throw new Error(value.message)
  return value
}

const nameOf = ({ feed, window, attempt }: LedgerEntry) => `${feed} ${windowId(window)} ${attempt}`

/** What is against the laws that hold at every moment, also when an instance has just died. */
export async function brokenNow(on: Deployment): Promise<readonly string[]> {
  const held = await look(on)
  return [
    ...overlaps(held),
    ...wrongPlans(on, held),
    ...onePerAttempt(on),
    ...(await uncounted(on)),
    ...held.entries.flatMap((entry) => published(on, held, entry)),
    ...unnamedRows(held),
  ]
}

function overlaps({ entries }: Held): readonly string[] {
  return FEEDS.flatMap((feed) => {
    const overlap = overlapOf(entries.filter((entry) => entry.feed === feed).map(({ window }) => window))
    return overlap ? [`${feed} ${overlap} overlap`] : []
  })
}

/** A plan takes the time of the feed's entries, and no other. */
function wrongPlans({ clock }: Deployment, { entries, plans }: Held): readonly string[] {
  return FEEDS.flatMap((feed) => {
    const windows = entries.filter((entry) => entry.feed === feed).map(({ window }) => window)
    const { spans } = rebuiltPlan(feed, windows, undefined, clock.now())
    const found = JSON.stringify(plans.get(feed)?.spans ?? [])
    return found === JSON.stringify(spans) ? [] : [`the plan of ${feed} takes ${found}`]
  })
}

/** Every row is published, is being landed, or is to be dropped. */
function unnamedRows({ entries, drops, rows }: Held): readonly string[] {
  const named = new Set([
    ...entries.map((entry) => (isRemoved(entry) ? undefined : entry.figures?.generation)),
    ...entries.map((entry) => (entry.state === 'landing' ? entry.generation : undefined)),
    ...drops.map(({ generation }) => generation),
  ])
  return [...rows].flatMap(([table, all]) => {
    const unnamed = all.filter(({ PartitionKey }) => !named.has(generationAt(String(PartitionKey))?.generation))
    return unnamed.length > 0 ? [`${unnamed.length} rows of ${table} are named by nothing`] : []
  })
}

/** The service is asked once for each attempt, because no two attempts have one name. */
function onePerAttempt({ service }: Deployment): readonly string[] {
  const names = service.made.map(({ reportName }) => reportName)
  return names.filter((name, index) => names.indexOf(name) < index).map((name) => `${name} was made twice`)
}

/** What is asked of the service is counted before it is asked, so that nobody asks for more than an hour may have. */
async function uncounted({ store, service, clock }: Deployment): Promise<readonly string[]> {
  const row = await store.open(unhindered).ledger.readApp<Pacing>(pacingRowKey('default'))
  const since = clock.now().getTime() - HOUR_MS / 2
  // A slot is taken some calls before its report is made.
  const counted = (row?.value.creations ?? []).filter((at) => Date.parse(at) >= since - MINUTE_MS).length
  const made = service.made.filter(({ createdTime }) => Date.parse(createdTime) >= since).length
  return made > counted ? [`${made} reports were made within half an hour, and ${counted} are counted`] : []
}

/** The rows that an entry points to are those that the service served, cell for cell, and nothing else. */
function published({ service }: Deployment, { rows }: Held, entry: LedgerEntry): readonly string[] {
  const { figures, window, feed } = entry
  if (!figures || figures.removedAt) return []
  const report = service.made.find(({ reportId }) => reportId === figures.reportId)
  if (!report) return [`${nameOf(entry)} names a report that was never made`]
  const table = WINDOWS.find((each) => each.feed === feed)?.table ?? 'Usage'
  const { keyFrom, keyTo } = keyRange(window, figures.generation)
  const own = (rows.get(table) ?? []).filter(
    ({ PartitionKey }) => String(PartitionKey) >= keyFrom && String(PartitionKey) < keyTo,
  )
  const served = recordsOf(report)
  const found = own.toSorted((a, b) => String(a.RowKey).localeCompare(String(b.RowKey)))
  const isServed = served.length === own.length && found.every((row, nth) => holds(row, served[nth] ?? {}))
  return isServed ? [] : [`${nameOf(entry)} shows ${own.length} rows that are not the ${served.length} served`]
}

/** Whether a row has the cells of a record. Times are stored as such and compared by their day. */
function holds(row: StoredRow, record: Readonly<Record<string, string>>): boolean {
  return Object.entries(record).every(([name, text]) => {
    const value = String(row[name])
    return name === 'CompletionDate' ? value.startsWith(text) : value === text
  })
}

/** How many requests were written down and never reached the service: each of them costs a number of an attempt. */
export async function unasked(on: Deployment): Promise<number> {
  const { entries } = await look(on)
  const made = new Set(on.service.made.map(({ reportName }) => reportName))
  return entries.filter((entry) => entry.state === 'requesting' && !made.has(entry.reportName)).length
}

/** What is against the laws after quiet. `lost`: how many requests never reached the service. */
export async function brokenAfterQuiet(on: Deployment, lost = 0): Promise<readonly string[]> {
  const held = await look(on)
  return [
    ...(await brokenNow(on)),
    ...windowsLanded(on, held),
    ...otherRows(held),
    ...(await leftToDo(on, held)),
    ...(await unlanded(on, held)),
    ...(await filesLeft(on, held)),
    ...on.service.standing().map(({ reportName }) => `${reportName} is left at the service`),
    ...queriesMade(on),
    ...attemptsTaken(on, held, lost),
  ]
}

/** Each attempt is one report, except those whose request never reached the service. */
function attemptsTaken({ service }: Deployment, { entries }: Held, lost: number): readonly string[] {
  const taken = entries.reduce((sum, { attempt }) => sum + attempt, 0)
  const made = service.made.length
  return taken === made + lost ? [] : [`${taken} attempts were taken for ${made} reports and ${lost} lost requests`]
}

/** Every window has landed, and no other is there. */
function windowsLanded({ service }: Deployment, { entries }: Held): readonly string[] {
  const known = WINDOWS.map(({ feed, id }) => `${feed} ${id}`)
  const found = entries.map(({ feed, window }) => `${feed} ${windowId(window)}`)
  return [
    ...known.filter((each) => !found.includes(each)).map((each) => `${each} was never asked for`),
    ...found.filter((each) => !known.includes(each)).map((each) => `nobody planned ${each}`),
    ...entries
      .filter(({ state, remoteReports }) => state !== 'landed' || remoteReports.length > 0)
      .map((entry) => `${nameOf(entry)} is ${entry.state} and names reports ${entry.remoteReports.join(' ')}`),
    ...entries.flatMap((entry) => {
      const last = WINDOWS.find(({ feed, id }) => feed === entry.feed && id === windowId(entry.window))
      const report = service.made.find(({ reportId }) => reportId === entry.figures?.reportId)
      const isLastWord = !last?.isRestated || (report && isRestated(report) && !entry.figures?.running)
      return isLastWord ? [] : [`${nameOf(entry)} does not show the last word of the source`]
    }),
  ]
}

/** No row is left that no entry points to. */
function otherRows({ entries, rows }: Held): readonly string[] {
  return [...rows].flatMap(([table, all]) => {
    const feed = WINDOWS.find((each) => each.table === table)?.feed
    const own = entries.filter((entry) => entry.feed === feed)
    const counted = own.reduce((sum, entry) => sum + standingRows(entry), 0)
    return counted === all.length ? [] : [`${table} holds ${all.length} rows, not the ${counted} that landed`]
  })
}

/** Neither a drop nor a message is left. */
async function leftToDo({ store }: Deployment, { drops }: Held): Promise<readonly string[]> {
  const message = await store.receive()
  return [
    ...drops.map(({ feed, generation }) => `the drop of ${generation} of ${feed} is left`),
    ...(message ? [`a message is left: ${JSON.stringify(message.body)}`] : []),
  ]
}

/** Every report that was made is archived, or its window was removed, so none was asked for in vain. */
async function unlanded({ store, service }: Deployment, { entries }: Held): Promise<readonly string[]> {
  const removed = entries.filter(isRemoved).map(({ figures }) => figures?.reportId)
  const archived = [...(await store.blobs()).map(({ metadata }) => metadata.reportid), ...removed]
  return service.made
    .filter(({ reportId }) => !archived.includes(reportId))
    .map(({ reportName }) => `${reportName} was made and never landed`)
}

/** What is older than its feed keeps is removed, and no file of it is left. */
async function filesLeft({ store }: Deployment, { entries }: Held): Promise<readonly string[]> {
  const folders = entries.filter(isRemoved).map(({ feed, window }) => `${feed}/${windowId(window)}/`)
  const left = (await store.blobs()).filter(({ name }) => folders.some((folder) => name.startsWith(folder)))
  const old = WINDOWS.filter(({ isOld }) => isOld).map(({ feed, id }) => `${feed}/${id}/`)
  return [
    ...left.map(({ name }) => `${name} is left`),
    ...(old.join() === folders.join() ? [] : [`removed is ${folders.join(' ')}, not ${old.join(' ')}`]),
  ]
}

function queriesMade({ service }: Deployment): readonly string[] {
  const made = service.calls.filter(({ endpoint }) => endpoint === 'createQuery').length
  return made === FEEDS.length ? [] : [`${made} queries were registered for ${FEEDS.length} feeds`]
}
