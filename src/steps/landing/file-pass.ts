import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type FileEvidence, type Progress, type ReadBack, refusedCodes } from '../../core/ledger/progress.ts'
import { stagedName } from '../../core/ledger/published-file.ts'
import { isReject } from '../../core/report/entities.ts'
import { type FileLayout, fileLayout } from '../../core/report/file-columns.ts'
import { collectRows, type RowCollector } from '../../core/report/row-group.ts'
import { windowId } from '../../core/time/window.ts'
import type { ArchivedBlob } from '../../services/storage/archive.ts'
import { statusOf, storageProblem } from '../../services/storage/errors.ts'
import type { StagedFile, StagedWriter } from '../../services/storage/staged-file.ts'
import { type Job, nameOf } from '../ledger/job.ts'
import { type FittingReport, openFitting } from './check-pass.ts'
import type { HeldEntry } from './held-entry.ts'

/** The file is proven; or it is not: `next` is the record to write next, and `readBack` how far it was read back. */
export type FilePart = FileEvidence | { readonly next: number; readonly readBack?: ReadBack }

/** What the pass works with. `progress` is that of the landing, whose rows are all written. */
export type FileWork = {
  readonly job: Job
  readonly held: HeldEntry
  readonly archive: ArchivedBlob
  readonly progress: Progress
  readonly enough: () => boolean
}

/**
 * Writes the rows of a landing to the staged file of its generation, row group by row group, and reads them back from the
 * file's own bytes. The file says itself how far it has come, so that another instance goes on with it. A failure of kind
 * `storage` where the storage refuses, or where the file is not what was written.
 */
export async function filePass(work: FileWork): Promise<FilePart | Failure> {
  const { job, held, archive } = work
  const fitting = await openFitting(job, held.entry(), archive, { verify: false })
  if (isFailure(fitting)) return fitting
  try {
    return await goOn(work, fitting)
  } catch (error) {
    const why = whyRefused(error)
    if (why === undefined) throw error
    return failed('storage', `${nameOf(held.entry())}: its file cannot be written: ${why}`)
  }
}

/** Says why the storage took no file; undefined where the error is not the storage's. */
function whyRefused(error: unknown): string | undefined {
  const status = statusOf(error)
  if (status === undefined) return storageProblem(error)
  return storageProblem(error) ?? `look at container published, and at the roles on it (${status})`
}

/** Writes what is missing of the staged file, or proves it where it is complete. */
async function goOn(work: FileWork, fitting: FittingReport): Promise<FilePart | Failure> {
  const { job, held, archive } = work
  const { publishedFiles, newId } = job.services
  const { feed, window, attempt, generation, columns, reportId } = held.entry()
  // What a person lands again was asked for earlier: its file has the order of the others.
  const asked = columns ?? (job.row.feed.source.kind === 'columns' ? job.row.query?.columns : undefined)
  const layout = fileLayout(fitting.layout.columns, asked, { attempt, reportId })
  const about = { feed, window: windowId(window), attempt: String(attempt), generation, source_sha256: archive.sha256 }
  const content = { columns: layout.columns, about, nonce: newId() }
  const name = stagedName(generation)
  await publishedFiles.create()
  // Most feeds write no file: the library is loaded where one is written.
  const { openStaged, writeStaged } = await import('../../services/storage/staged-file.ts')
  const staged = await openStaged(publishedFiles, name, content)
  const start = staged ? staged.parquet.notes.next : 0
  if (staged && start === undefined) return prove(work, layout, staged)
  const writer = await writeStaged(publishedFiles, name, content, staged)
  return { next: await writeOn(work, fitting, collectRows(layout, publishedFiles.groupValues), writer, start ?? 0) }
}

/** Writes the rows from a record on, until the report or the time of this invocation ends. Gives the next record. */
async function writeOn(
  { held, progress, enough }: FileWork,
  { lander, records }: FittingReport,
  rows: RowCollector,
  writer: StagedWriter,
  start: number,
): Promise<number> {
  const commit = async (next?: number) => {
    held.assertHeld()
    if (!(await writer.commit(next))) throw new Error(`${nameOf(held.entry())}: somebody else writes its file, too`)
  }
  const refused = refusedCodes(progress)
  let number = 0
  for await (const group of records) {
    held.assertHeld()
    if (isFailure(group)) throw new Error(`${group.message}; the check had read it whole`)
    for (const record of group) {
      const at = number++
      if (at < start || refused.has(at) || isReject(lander.land(record, at))) continue
      rows.add(record)
      if (!rows.isFull()) continue
      await writer.add(rows.take())
      if (!enough()) continue
      await commit(number)
      return number
    }
  }
  if (!rows.isEmpty()) await writer.add(rows.take())
  await commit()
  return number
}

/** Reads the staged file back. One that is not what was written is removed, and written anew when the landing goes on. */
async function prove(
  { job, held, progress, enough }: FileWork,
  { columns }: FileLayout,
  { file, parquet }: StagedFile,
): Promise<FilePart | Failure> {
  const { hashOfAll, readBack } = await import('../../services/parquet/parquet.ts')
  const read = await readBack(parquet, columns, progress.readBack, { onGroup: held.assertHeld, enough })
  const { rows, hashes, groups } = read
  if (groups < parquet.metadata.row_groups.length) return { next: held.entry().checkpoint, readBack: read }
  const wrong = columns.filter((_, index) => hashes[index] !== parquet.notes.hashes[index])
  if (rows === progress.acknowledged && wrong.length === 0) return { bytes: file.bytes, hash: hashOfAll(hashes) }
  await job.services.publishedFiles.remove(file.name, file.etag)
  const names = wrong.map(({ name }) => name).join(', ')
  const found = rows === progress.acknowledged ? `other values in ${names}` : `${rows} of ${progress.acknowledged} rows`
  return failed('storage', `${nameOf(held.entry())}: its file was read back with ${found}; it is written again`)
}
