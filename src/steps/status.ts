import { FAILURES, type FailureKind, isFailure } from '../core/failures.ts'
import { hashJson } from '../core/hash.ts'
import {
  FEEDS_SOURCE_KEY,
  type FeedRow,
  type FeedsSourceRow,
  TICK_KEY,
  type TickRow,
  type Trouble,
} from '../core/ledger/app-rows.ts'
import { isComplete, type LedgerEntry } from '../core/ledger/ledger.ts'
import { type Coverage, coverage } from '../core/plan/coverage.ts'
import { nextRequest } from '../core/plan/plan.ts'
import { windowId } from '../core/time/window.ts'
import type { Services } from './services.ts'

/** One thing that went wrong, with what a person does about it. */
export type FailedWindow = {
  readonly window?: string
  readonly kind: FailureKind
  readonly message: string
  readonly remedy: string
  readonly since?: Date
  /** Rows of an earlier landing stand unchanged: only the later attempt failed. */
  readonly landedBefore?: boolean
}

export type FeedStatus = Coverage & {
  readonly feed: string
  readonly dataset: string
  readonly table: string
  readonly enabled: boolean
  readonly since: string
  readonly nextDue?: Date
  readonly blocked?: Trouble & { readonly remedy: string }
  readonly trouble?: Trouble & { readonly remedy: string }
  readonly failures: readonly FailedWindow[]
}

export type Status = {
  readonly at: Date
  /** The last finished tick of `provision`. */
  readonly lastTick?: TickRow
  /** Where feeds.json came from, and whether the packaged one says something else. */
  readonly feedsFrom?: { readonly source: 'container' | 'package'; readonly packagedDiffers: boolean }
  readonly feeds: readonly FeedStatus[]
}

/** Says what the ledger knows: per feed how far it is complete, counts by state, failures with remedy, what is next. */
export async function status(services: Services): Promise<Status> {
  const { ledger, clock, packagedFeeds } = services
  await ledger.create()
  const rows = await ledger.appRows<FeedRow>('feed~')
  const tick = (await ledger.readApp<TickRow>(TICK_KEY))?.value
  const from = (await ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY))?.value
  const packagedDiffers = from !== undefined && hashJson(await packagedFeeds()) !== from.hash
  return {
    at: clock(),
    ...(tick && { lastTick: tick }),
    ...(from && { feedsFrom: { source: from.source, packagedDiffers } }),
    feeds: await Promise.all(rows.map((row) => feedStatus(services, row))),
  }
}

async function feedStatus({ ledger, clock }: Services, row: FeedRow): Promise<FeedStatus> {
  const found = await ledger.entries(row.feed.name)
  const entries = found.filter((entry): entry is LedgerEntry => !isFailure(entry))
  const unreadable = found.filter(isFailure).map(({ kind, message }) => explained(kind, message))
  const { name, dataset, table, enabled } = row.feed
  const next = nextRequest(clock(), { row, entries })
  return {
    ...{ feed: name, dataset, table, enabled, since: row.since },
    ...coverage(clock(), { row, entries }),
    ...(next && { nextDue: next }),
    ...(row.blocked && { blocked: { ...row.blocked, remedy: FAILURES[row.blocked.kind].remedy } }),
    ...(row.trouble && { trouble: { ...row.trouble, remedy: FAILURES[row.trouble.kind].remedy } }),
    failures: [...unreadable, ...entries.flatMap(failedWindow)],
  }
}

function failedWindow(entry: LedgerEntry): readonly FailedWindow[] {
  if (entry.state !== 'failed') return []
  const { kind, message, since } = entry
  return [{ window: windowId(entry.window), ...explained(kind, message), since, landedBefore: isComplete(entry) }]
}

function explained(kind: FailureKind, message: string) {
  return { kind, message, remedy: FAILURES[kind].remedy }
}
