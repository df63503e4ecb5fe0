import { isFailure } from '../../core/failures.ts'
import type { Asked } from '../../core/feeds/form.ts'
import { whyPurged } from '../../core/ledger/feed-block.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { askedOf, type LedgerEntry } from '../../core/ledger/ledger.ts'
import { type PlanRow, withWindow } from '../../core/ledger/plan-row.ts'
import { type NewWindow, type ReplaySource, toReplayed } from '../../core/ledger/transitions.ts'
import { laneOf } from '../../core/plan/due-windows.ts'
import { whyMayNotLand } from '../../core/plan/own-window.ts'
import type { Problem } from '../../core/problems.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { landingHash } from '../../core/report/lander.ts'
import { type Window, windowId } from '../../core/time/window.ts'
import type { ArchivedReport } from '../../services/storage/archive.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import { readOrMakePlan } from '../ledger/audit-feed.ts'
import { messageOf } from '../ledger/job.ts'
import type { Services } from '../services.ts'

/** Stands for the report of a file that a person brought: in its rows, and in its archive. */
export const IMPORTED = 'import'

/** What an archive answers that an earlier version stored, where the ledger does not say it: its rows prove nothing complete. */
const NOT_KNOWN: Asked = { rowSet: 'unknown', selection: 'unknown' }

/** What lands from an archive, and which question it answers: as the ledger says, else as the archive does. */
export function sourceIn(
  row: FeedRow,
  { name, asked = NOT_KNOWN, reportId, executionId, requestedAt }: ArchivedReport,
  entry: LedgerEntry | undefined,
  newId: () => string,
): ReplaySource {
  return {
    queryId: row.query?.queryId ?? '',
    asked: (entry && askedOf(entry, name)) ?? asked,
    requestedAt,
    reportId,
    executionId,
    origin: reportId === IMPORTED ? 'import' : 'service',
    hash: landingHash(row.feed),
    archive: name,
    generation: newGeneration(newId),
  }
}

/** A window in which a person may land something: its entry, or the plan row that a new entry is written with. */
export type OwnWindow = {
  readonly from: LedgerEntry | NewWindow
  readonly etag?: string
  readonly plan?: Stored<PlanRow>
}

/** Reads a window and says why a person may not land in it. */
export async function openOwnWindow(services: Services, row: FeedRow, window: Window): Promise<OwnWindow | Problem> {
  const { ledger, clock } = services
  const { name } = row.feed
  const id = windowId(window)
  const purged = whyPurged(row)
  if (purged !== undefined) return { problem: purged }
  const stored = await ledger.read(name, id)
  if (stored && isFailure(stored)) return { problem: `${stored.message}; take it out with "forget" first` }
  const plan = stored ? undefined : await readOrMakePlan(services, row)
  const why = whyMayNotLand(row, window, stored?.value, plan?.value ?? { spans: [] }, clock())
  if (why !== undefined) return { problem: `${name} ${id} ${why}` }
  if (stored) return { from: stored.value, etag: stored.etag }
  const taken = plan && withWindow(plan.value, window)
  if (!plan || !taken) return { problem: changedJustNow(name, id) }
  const lane = laneOf(window, new Date(row.since))
  const { removedAttempt } = plan.value
  return { from: { feed: name, window, lane, removedAttempt }, plan: { value: taken, etag: plan.etag } }
}

export const changedJustNow = (feed: string, window: string): string =>
  `${feed} ${window} was changed just now; try again`

/**
 * Lets ingest land an archive as the next attempt of a window. Gives the attempt. Where the feed's plan changed meanwhile, as
 * it does while a file is uploaded, the window is looked at again.
 */
export async function landArchive(
  services: Services,
  row: FeedRow,
  own: OwnWindow,
  source: ReplaySource,
): Promise<{ readonly attempt: number } | Problem> {
  const { ledger, queue, clock } = services
  const landing = toReplayed(own.from, source, clock())
  const { feed, window, attempt } = landing
  if (await ledger.write(landing, own.etag, own.plan && { plan: own.plan })) {
    await queue.send(messageOf(landing))
    return { attempt }
  }
  const again = own.plan && (await openOwnWindow(services, row, window))
  if (again && 'problem' in again) return again
  const isOther = again?.plan !== undefined && again.plan.etag !== own.plan?.etag
  return isOther ? landArchive(services, row, again, source) : { problem: changedJustNow(feed, windowId(window)) }
}
