import { type Failure, isFailure } from '../core/failures.ts'
import { SWEEP_KEY, type SweepRow } from '../core/ledger/app-rows.ts'
import type { FeedOutline } from '../core/ledger/feed-row.ts'
import { hasSpareReport, type LedgerEntry } from '../core/ledger/ledger.ts'
import { asksService, sweepAction } from '../core/plan/sweep.ts'
import { DELETE_ROW } from '../core/status/feed-to-do.ts'
import { oldQueue } from '../core/status/status.ts'
import { MINUTE_MS } from '../core/time/durations.ts'
import type { Stored } from '../services/storage/ledger.ts'
import { auditTables } from './landing/audit-table.ts'
import { finishPurges } from './landing/finish-purge.ts'
import { removeOld } from './landing/remove-old.ts'
import { readableFeeds } from './ledger/feed-row.ts'
import { tellOnce } from './ledger/tell-once.ts'
import { noteStarted, tellSilent } from './ledger/ticks.ts'
import { cleanUp, type Spare } from './requesting/clean-up.ts'
import { deleteStrays } from './requesting/strays.ts'
import { carryOut, type Due } from './requesting/sweep-actions.ts'
import type { Services } from './services.ts'

/** What one sweep did: how many actions of each kind. */
export type Swept = Readonly<Record<string, number>>

/** The service may take long to answer. A sweep that has asked it for so long leaves the rest to the next one. */
const ASKING_MS = 3 * MINUTE_MS

/**
 * Does what no callback does: polls, adopts reports whose answer was lost, ends attempts that took too long, reopens failed
 * windows, has dropped rows deleted, deletes what we left at the service, removes what is older than a feed keeps, audits the
 * tables, and ends purges. It may run at any time, twice, or on two instances at once.
 */
export async function sweep(services: Services): Promise<Swept> {
  const { ledger, clock } = services
  await ledger.create()
  const app = await ledger.appRows('sweep')
  const swept: Record<string, number> = {}
  const count = (kind: string) => {
    swept[kind] = (swept[kind] ?? 0) + 1
  }
  const awake: Awake[] = []
  for (const row of readableFeeds(app)) awake.push({ row, entries: await readAwake(services, row, count) })
  const due = awake.flatMap(({ row, entries }) => dueOf(services, row, entries))
  await carryOutAll(services, due, count)
  const spare = awake.flatMap((each) => spareOf(services, each))
  await cleanUp(services, app, spare)
  await deleteStrays(services, app)
  await removeOld(services, app)
  await auditTables(services, app)
  await finishPurges(services, app)
  await tellSilent(services, app, 'provision')
  await noteStarted(services, app)
  await ledger.writeApp<SweepRow>(SWEEP_KEY, { at: clock().toISOString() }, app.get(SWEEP_KEY)?.etag)
  await tellOldQueue(services)
  return swept
}

async function tellOldQueue(services: Services): Promise<void> {
  const oldest = await services.queue.oldest()
  const [old] = oldQueue(services.clock(), oldest ? { oldest } : {})
  if (!old) return
  const event = { event: 'queue.old', message: old.sentence, remedy: old.remedy } as const
  await tellOnce(services, 'queue~old', event, {})
}

/** The entries of a feed that a sweep looks at. */
type Awake = { readonly row: FeedOutline; readonly entries: readonly Stored<LedgerEntry>[] }

/** Reads what is awake of a feed. Rows that nobody sees any more are deleted by ingest, which has the time for it. */
async function readAwake(
  services: Services,
  row: FeedOutline,
  count: (kind: string) => void,
): Promise<readonly Stored<LedgerEntry>[]> {
  const { ledger, queue, clock } = services
  const feed = row.feed.name
  const { entries, drops } = await ledger.due(feed, 'sweep', clock())
  for (const drop of drops) {
    if (isFailure(drop)) {
      await tellUnreadable(services, feed, drop)
      continue
    }
    await queue.sendDrop({ feed, generation: drop.value.generation })
    count('drop')
  }
  // An entry that cannot be read is told by the audit.
  return entries.filter((entry): entry is Stored<LedgerEntry> => !isFailure(entry))
}

async function tellUnreadable(services: Services, feed: string, { kind, message }: Failure): Promise<void> {
  const event = { event: 'message.ignored', feed, kind, message, remedy: DELETE_ROW } as const
  await tellOnce(services, `unreadable~drop~${feed}`, event)
}

function dueOf(
  { clock, settings }: Services,
  row: FeedOutline,
  entries: readonly Stored<LedgerEntry>[],
): readonly Due[] {
  return entries.flatMap(({ value, etag }) => {
    const action = sweepAction(clock(), row, value, settings)
    return action ? { row, action, etag } : []
  })
}

/** What asks the service comes last, and what has waited longest first: a slow service holds up nothing else. */
async function carryOutAll(services: Services, due: readonly Due[], count: (kind: string) => void): Promise<void> {
  const { clock } = services
  const silent = new Map<string, Failure>()
  const until = clock().getTime() + ASKING_MS
  for (const each of due.toSorted(byEffort)) {
    const { account } = each.row.feed
    if (asksService(each.action) && clock().getTime() > until) continue
    const result = await carryOut(services, each, silent.get(account))
    if (result === 'done') count(each.action.kind)
    if (isFailure(result)) silent.set(account, result)
  }
}

function spareOf({ settings }: Services, { row, entries }: Awake): readonly Spare[] {
  const spare = entries.filter(({ value }) => hasSpareReport(value, settings.deleteReports))
  return spare.map((entry) => ({ row, entry }))
}

function byEffort(a: Due, b: Due): number {
  const effort = Number(asksService(a.action)) - Number(asksService(b.action))
  return effort || askedAt(a.action.entry) - askedAt(b.action.entry)
}

function askedAt(entry: LedgerEntry): number {
  return 'requestedAt' in entry ? entry.requestedAt.getTime() : 0
}
