import { type Failure, isFailure } from '../../core/failures.ts'
import type { FeedRow } from '../../core/ledger/feed-row.ts'
import { isOfPerson, type Landing, standingRows } from '../../core/ledger/ledger.ts'
import { type Check, type Checked, createCheck, refuse } from '../../core/report/check.ts'
import { checkColumns } from '../../core/report/entities.ts'
import { createLander, type Lander } from '../../core/report/lander.ts'
import { type Layout, readHeader } from '../../core/report/layout.ts'
import {
  cutInHeader,
  type ExpectedColumns,
  knownColumns,
  neededTime,
  selectedColumns,
  whyNoReport,
} from '../../core/report/no-report.ts'
import type { ParsedRecord } from '../../core/report/parse.ts'
import { type ArchivedBlob, rejectsName } from '../../services/storage/archive.ts'
import type { RejectWriter } from '../../services/storage/reject-list.ts'
import { openReport, type ReadOptions } from '../../services/storage/report-records.ts'
import { noteDrift } from '../ledger/feed-row.ts'
import { type Job, nameOf, subjectOf } from '../ledger/job.ts'
import type { HeldEntry } from './held-entry.ts'

type Records = AsyncIterable<readonly ParsedRecord[] | Failure>

/** An archived report whose header fits the feed; its records follow, and what turns them into rows. */
export type FittingReport = { readonly layout: Layout; readonly lander: Lander; readonly records: Records }

/** Opens the archive of a landing and decides whether its columns can land. */
export async function openFitting(
  { row, services }: Job,
  entry: Landing,
  archive: ArchivedBlob,
  options: ReadOptions,
): Promise<FittingReport | Failure> {
  const about = nameOf(entry)
  const report = await openReport(services.archive, archive, about, options)
  if (isFailure(report)) return report
  const none = whyNoReport(report, expectedOf(row, entry), about)
  if (none) return none
  const layout = readHeader(row.feed, entry.columns, report.header, about)
  if (isFailure(layout)) return report.isUnended ? cutInHeader(about) : layout
  const unfit = checkColumns(layout.columns)
  if (unfit) return unfit
  return { layout, lander: createLander(row.feed, entry.window, layout, entry), records: report.records }
}

function expectedOf({ feed, filled, emptiedIn = {} }: FeedRow, entry: Landing): ExpectedColumns {
  const { dataset, mustHave = [] } = feed
  const isByPerson = isOfPerson(entry)
  const landed = [...(filled?.columns ?? []), ...Object.keys(emptiedIn)]
  const known = knownColumns(feed, entry.columns, isByPerson, landed)
  const expected = { dataset, known, selected: selectedColumns(feed, entry.columns) }
  // A file that a person lands may be of another time.
  return isByPerson ? { ...expected, mustHave: [], isByPerson } : { ...expected, mustHave, time: neededTime(feed) }
}

/**
 * Reads the whole file once: its bytes, types, limits, time, counts and sums are decided before any row is written.
 * `refused` are records that the service refused while writing: they count as rejects when the file is checked once more.
 */
export async function checkPass(
  job: Job,
  held: HeldEntry,
  archive: ArchivedBlob,
  refused: ReadonlyMap<number, string>,
): Promise<Checked | Failure> {
  const entry = held.entry()
  const fitting = await openFitting(job, entry, archive, { verify: true })
  if (isFailure(fitting)) return fitting
  if (!isOfPerson(entry)) await noteDrift(job.services, entry.feed, fitting.layout.unnamed)
  const check = createCheck(fitting.lander, fitting.layout, nameOf(entry), refused)
  const list = job.services.archive.rejects(rejectsName(subjectOf(entry), entry.owner))
  const failure = await checkRecords(held, check, fitting.records, list)
  const checked = check.result()
  // Also where the file must not land: a person reads the list then.
  if (checked.rowsRejected > 0) await held.update({ rejects: list.name })
  if (failure) return failure
  // A report without rows is no fault where all of them were erased.
  const standing = {
    rowsLanded: archive.erased?.rows ? 0 : standingRows(entry),
    acceptEmpty: entry.acceptEmpty === true,
    rowsErased: archive.erased?.rows ?? 0,
  }
  return refuse(checked, job.row.feed, standing, nameOf(entry), check.isBroken()) ?? checked
}

async function checkRecords(
  held: HeldEntry,
  check: Check,
  groups: Records,
  rejects: RejectWriter,
): Promise<Failure | undefined> {
  try {
    for await (const group of groups) {
      held.assertHeld()
      if (isFailure(group)) return group
      for (const record of group) {
        const reject = check.add(record)
        if (reject) await rejects.add(reject)
      }
      const failure = check.failure()
      if (failure) return failure
    }
  } finally {
    await rejects.close()
  }
}
