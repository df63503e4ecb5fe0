import { type Checked, createCheck, land as landRecord, type Place, placement, refuse } from '../core/check.ts'
import { checkColumns, createEntityEncoder, type Entity, type EntityEncoder, isReject } from '../core/entities.ts'
import { type Failure, failed, isFailure } from '../core/failures.ts'
import { type Layout, readHeader } from '../core/layout.ts'
import type { Figures, Landing } from '../core/ledger.ts'
import type { ParsedRecord } from '../core/parse.ts'
import { partitionPrefix } from '../core/windows.ts'
import type { Stored } from '../services/archive-blob.ts'
import type { LandingTable } from '../services/landing-table.ts'
import { openReport } from '../services/report-records.ts'
import { noteDrift } from './feed-row.ts'
import type { HeldEntry } from './held-entry.ts'
import { type Job, nameOf } from './job.ts'

/** Transactions on their way at once: enough to hide the latency, few enough for the smallest instance. */
const IN_FLIGHT = 8

/** How often the write pass starts again when the remove pass counts other rows than were written. */
const WRITE_ROUNDS = 2

type Counted = { readonly acknowledged: number; readonly rejected: number; readonly operations: number }
type Written = { readonly rows: number; readonly operations: number; readonly write: number; readonly remove: number }

/**
 * Lands an archived report in its passes: check writes nothing and decides; write upserts; remove deletes what an earlier
 * attempt left. Gives the figures, or the failure that leaves whatever stood there before as it was.
 */
export async function land(job: Job, held: HeldEntry, archive: Stored): Promise<Figures | Failure> {
  const { clock } = job.services
  const started = clock().getTime()
  const checked = await checkPass(job, held, archive)
  if (isFailure(checked)) return checked
  const check = clock().getTime() - started
  const written = await replaceRows(job, held, archive, checked)
  if (isFailure(written)) return written
  const { attempt, reportId, executionId, requestedAt, figures } = held.entry()
  const { layout: _, ...counts } = checked
  return {
    ...{ attempt, reportId, executionId, requestedAt, ...counts },
    ...{ rowsLanded: written.rows, bytes: archive.bytes, sha256: archive.sha256, archive: archive.name },
    ...{ table: job.row.feed.table, landedAt: clock() },
    milliseconds: { check, write: written.write, remove: written.remove },
    operations: written.operations,
    verdict: counts.rowsRead === 0 ? 'empty' : 'rows',
    ...(figures && { totalsBefore: figures.totals }),
  }
}

/** Reads the whole file once: header, types, limits, time, counts and sums are decided before any row changes. */
async function checkPass(
  job: Job,
  held: HeldEntry,
  archive: Stored,
): Promise<(Checked & { layout: Layout }) | Failure> {
  const { row, services } = job
  const entry = held.entry()
  const about = nameOf(entry)
  const report = await openReport(services.archive, archive.name, about)
  if (isFailure(report)) return report
  const layout = readHeader(row.feed, row.query?.columns, report.header, about)
  if (isFailure(layout)) return layout
  const unfit = checkColumns(layout.columns)
  if (unfit) return unfit
  await noteDrift(services, entry.feed, layout.unnamed)
  const check = createCheck(row.feed, entry.window, layout, encoderOf(job, entry, layout), about)
  const failure = await checkRecords(job, held, archive, check, report.records)
  if (failure) return failure
  const result = check.result()
  return refuse(result, row.feed, entry, about) ?? { ...result, layout }
}

async function checkRecords(
  { services }: Job,
  held: HeldEntry,
  archive: Stored,
  check: ReturnType<typeof createCheck>,
  groups: AsyncIterable<readonly ParsedRecord[] | Failure>,
): Promise<Failure | undefined> {
  const rejects = services.archive.rejects(archive.name)
  try {
    for await (const group of groups) {
      held.assertHeld()
      if (isFailure(group)) return group
      for (const reject of group.flatMap((record) => check.add(record) ?? [])) await rejects.add(reject)
      const failure = check.failure()
      if (failure) return failure
    }
  } finally {
    await rejects.close()
  }
}

/** Writes the rows and removes those of other attempts; the rows that stand must be those that were acknowledged. */
async function replaceRows(
  job: Job,
  held: HeldEntry,
  archive: Stored,
  checked: Checked & { layout: Layout },
): Promise<Written | Failure> {
  const { landingTable, clock } = job.services
  const { attempt, wrote, window } = held.entry()
  const table = landingTable(job.row.feed.table)
  await table.create()
  await held.update({ phase: 'write', wrote: attempt })
  for (let round = 0, operations = 0; round < WRITE_ROUNDS; round++) {
    const started = clock().getTime()
    const counted = await writePass(job, held, archive, checked.layout, table)
    if (isFailure(counted)) return counted
    if (counted.acknowledged + counted.rejected !== checked.rowsRead) return unproven(held, counted, checked)
    const write = clock().getTime() - started
    operations += counted.operations
    if (wrote === undefined) return { rows: counted.acknowledged, operations, write, remove: 0 }
    await held.update({ phase: 'remove' })
    const removed = await table.remove(partitionPrefix(window), attempt)
    if (isFailure(removed)) return removed
    operations += removed.operations
    const remove = clock().getTime() - started - write
    if (removed.kept === counted.acknowledged) return { rows: counted.acknowledged, operations, write, remove }
    await held.update({ phase: 'write' })
  }
  return failed('storage', `${nameOf(held.entry())}: after writing twice, other rows stand than were acknowledged`)
}

function unproven(held: HeldEntry, { acknowledged, rejected }: Counted, { rowsRead }: Checked): Failure {
  const sum = `${acknowledged} rows acknowledged and ${rejected} rejected of ${rowsRead} read`
  return failed('storage', `${nameOf(held.entry())}: ${sum}; the landing is not complete and is tried again`)
}

async function writePass(
  job: Job,
  held: HeldEntry,
  archive: Stored,
  layout: Layout,
  table: LandingTable,
): Promise<Counted | Failure> {
  const entry = held.entry()
  const report = await openReport(job.services.archive, archive.name, nameOf(entry))
  if (isFailure(report)) return report
  const encoder = encoderOf(job, entry, layout)
  const place = placement(job.row.feed, entry.window, layout)
  const source = entities(job, held, encoder, place, report.records)
  const written = await table.write(source.groups, { inFlight: IN_FLIGHT })
  return isFailure(written) ? written : { ...written, rejected: source.rejected() }
}

function entities(
  { row }: Job,
  held: HeldEntry,
  encoder: EntityEncoder,
  place: (record: ParsedRecord) => Place,
  groups: AsyncIterable<readonly ParsedRecord[] | Failure>,
) {
  let number = 0
  let rejected = 0
  async function* generate(): AsyncGenerator<readonly Entity[]> {
    for await (const group of groups) {
      held.assertHeld()
      if (isFailure(group)) throw new Error(`${group.message}; the check had read it whole`)
      const landed = group.map((record) => landRecord(encoder, record, number++, place(record), row.feed.timeColumn))
      const fit = landed.filter((result): result is Entity => !isReject(result))
      rejected += landed.length - fit.length
      yield fit
    }
  }
  return { groups: generate(), rejected: () => rejected }
}

function encoderOf({ row }: Job, { window, attempt, reportId }: Landing, { columns }: Layout): EntityEncoder {
  const { shards } = row.feed
  return createEntityEncoder({ columns, prefix: partitionPrefix(window), shards, lineage: { attempt, reportId } })
}
