import { type Failure, failed, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import { type ArchivedAttempt, chooseAttempts } from '../../core/ledger/landed-archives.ts'
import { whyPastKeep } from '../../core/plan/keep.ts'
import type { Problem } from '../../core/problems.ts'
import {
  compareTotals,
  createComparison,
  landedValues,
  type MovedTotal,
  type RowsCompared,
  rowWriter,
  type SharedColumns,
  sharedColumns,
} from '../../core/report/comparison.ts'
import { checkColumns, isReject, rowsIn } from '../../core/report/entities.ts'
import { newGeneration } from '../../core/report/generation.ts'
import { createLander, type Lander } from '../../core/report/lander.ts'
import { type Layout, readHeader } from '../../core/report/layout.ts'
import { createTotals } from '../../core/report/totals.ts'
import { type Window, type WindowId, windowId } from '../../core/time/window.ts'
import { type LineSorter, sortLines } from '../../services/sorted-lines.ts'
import { type OpenReport, openReport } from '../../services/storage/report-records.ts'
import { findTypedFeed } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import { compareSorted, type SortedTexts } from './compare-sorted.ts'

/** One of two landings, as its archive lands under the feed's types of now. */
export type ComparedLanding = ArchivedAttempt & { readonly rows: number; readonly rejected: number }

/** What one landing of a window changed of another. */
export type Diff = RowsCompared & {
  readonly feed: string
  readonly window: WindowId
  readonly before: ComparedLanding
  readonly after: ComparedLanding
  /** The columns that identify a row; empty where rows are compared as a whole. */
  readonly key: readonly string[]
  /** Columns of the feed's key that not both files have: rows are compared as a whole then. */
  readonly keyLacks: readonly string[]
  readonly columnsAdded: readonly string[]
  readonly columnsRemoved: readonly string[]
  readonly totals: readonly MovedTotal[]
}

export type DiffOptions = {
  /** None, one or two attempts, the earlier state first. */
  readonly attempts: readonly number[]
  /** How many rows of each kind are given. */
  readonly rows: number
  /** An empty folder for the rows while they are sorted. The caller removes it. */
  readonly folder: string
  /** Ends the work with an error. */
  readonly signal: AbortSignal
  /** Told how many rows of an attempt were read. */
  readonly progress: (attempt: number, rows: number) => void
}

/**
 * Compares two landings of a window by their archives: by the feed's `key`, or as two heaps of whole rows without one. What
 * counts is what lands of a cell under the feed's types, and not how the file writes it. Memory does not grow with the rows:
 * they are sorted in files of `folder`.
 */
export async function diff(
  services: Services,
  feed: string,
  window: Window,
  options: DiffOptions,
): Promise<Diff | Problem> {
  const row = await findTypedFeed(services, feed)
  if ('problem' in row) return row
  const id = windowId(window)
  const stored = await services.ledger.read(feed, id)
  if (!stored) return { problem: `${feed} ${id} was never asked for: "status" shows what there is` }
  if (isFailure(stored)) return { problem: stored.message }
  const past = whyPastKeep(row.feed, window, services.clock())
  const chosen = chooseAttempts(stored.value, await services.archive.list(feed, id), options.attempts, past)
  if ('problem' in chosen) return chosen
  const before = await openAttempt(services, row.feed, window, chosen.before)
  if (isFailure(before)) return { problem: before.message }
  const after = await openAttempt(services, row.feed, window, chosen.after)
  if (isFailure(after)) return { problem: after.message }
  const shared = sharedColumns(before.layout, after.layout, row.feed.key ?? [])
  const was = await sortRows(before, shared, sortLines(options.folder, 'before'), options)
  if (isFailure(was)) return { problem: was.message }
  const is = await sortRows(after, shared, sortLines(options.folder, 'after'), options)
  if (isFailure(is)) return { problem: is.message }
  const comparison = createComparison(shared, options.rows)
  await compareSorted(was.texts, is.texts, shared.key.length > 0, comparison, options.signal)
  return {
    feed,
    window: id,
    before: was.landing,
    after: is.landing,
    key: shared.key.map(({ name }) => name),
    keyLacks: shared.keyLacks,
    columnsAdded: shared.added,
    columnsRemoved: shared.removed,
    totals: compareTotals(was.totals, is.totals),
    ...comparison.result(),
  }
}

/** Where the rows of an attempt come from, and how they land. */
type Opened = {
  readonly chosen: ArchivedAttempt
  readonly about: string
  readonly layout: Layout
  readonly lander: Lander
  readonly records: OpenReport['records']
}

async function openAttempt(
  { archive, newId }: Services,
  feed: Feed,
  window: Window,
  chosen: ArchivedAttempt,
): Promise<Opened | Failure> {
  const about = `${feed.name} ${windowId(window)} attempt ${chosen.attempt}`
  const blob = await archive.find(chosen.archive)
  if (!blob) return failed('unavailable', `${about}: its archive was removed just now: compare again`)
  const report = await openReport(archive, blob, about, { verify: true })
  if (isFailure(report)) return report
  // Whatever was asked for then: the header decides.
  const layout = readHeader({ ...feed, newColumns: 'land' }, undefined, report.header, about)
  if (isFailure(layout)) return layout
  const unfit = checkColumns(layout.columns)
  if (unfit) return failed(unfit.kind, `${about}: ${unfit.message}`)
  const by = { attempt: chosen.attempt, reportId: '', generation: newGeneration(newId) }
  return { chosen, about, layout, lander: createLander(feed, window, layout, by), records: report.records }
}

type Sorted = {
  readonly landing: ComparedLanding
  readonly totals: Readonly<Record<string, string>>
  readonly texts: SortedTexts
}

/** Reads an archive to its end and sorts the rows that land. */
async function sortRows(
  { chosen, layout, lander, records }: Opened,
  shared: SharedColumns,
  sorter: LineSorter,
  { signal, progress }: DiffOptions,
): Promise<Sorted | Failure> {
  const valuesOf = landedValues(layout)
  const textOf = rowWriter(layout, shared)
  const totals = createTotals(layout.columns)
  let [number, rows, rejected] = [0, 0, 0]
  for await (const group of records) {
    signal.throwIfAborted()
    if (isFailure(group)) return group
    for (const record of group) {
      const landed = lander.land(record, number++)
      if (isReject(landed)) {
        rejected += rowsIn(landed)
        continue
      }
      rows++
      const values = valuesOf(record)
      totals.add(values)
      await sorter.add(textOf(values))
    }
    progress(chosen.attempt, number)
  }
  return { landing: { ...chosen, rows, rejected }, totals: totals.result(), texts: await sorter.sorted() }
}
