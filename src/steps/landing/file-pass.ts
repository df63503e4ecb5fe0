import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type FileEvidence, type Progress, refusedCodes } from '../../core/ledger/progress.ts'
import { stagedName } from '../../core/ledger/published-file.ts'
import { isReject } from '../../core/report/entities.ts'
import { type FileLayout, type FileValue, fileLayout } from '../../core/report/file-columns.ts'
import { windowId } from '../../core/time/window.ts'
import type { Parquet } from '../../services/parquet/parquet.ts'
import type { ArchivedBlob } from '../../services/storage/archive.ts'
import { statusOf } from '../../services/storage/errors.ts'
import { blockId, type PublishedFile } from '../../services/storage/published-files.ts'
import { type Job, nameOf } from '../ledger/job.ts'
import { type FittingReport, openFitting } from './check-pass.ts'
import type { HeldEntry } from './held-entry.ts'

/** A row group has so many rows, or so many characters where they are long: it is in memory as a whole. */
const GROUP_ROWS = 5_000
const GROUP_CHARACTERS = 16_000_000

/** The file is proven, or a continuation goes on with it. */
export type FilePart = FileEvidence | { readonly next: number }

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
  const entry = held.entry()
  const layout = fileLayout(fitting.layout.columns, entry.columns, entry)
  try {
    await job.services.publishedFiles.create()
    const staged = await openStaged(job, held)
    if (staged && staged.parquet.notes.next === undefined) return await prove(work, layout, staged)
    return { next: await writeOn(work, fitting, layout, staged) }
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const refused = `${nameOf(entry)}: its file cannot be written (${status})`
    return failed('storage', `${refused}; look at container published, and at the roles on it`)
  }
}

/** A staged file under its ETag. */
type Staged = { readonly file: PublishedFile; readonly parquet: Parquet }

async function openStaged({ services }: Job, held: HeldEntry): Promise<Staged | undefined> {
  const { publishedFiles } = services
  const { openParquet } = await import('../../services/parquet/parquet.ts')
  const file = await publishedFiles.find(stagedName(held.entry().generation))
  if (!file) return undefined
  const slice = async (from: number, to = file.bytes) => {
    const bytes = await publishedFiles.read(file, from, to)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  }
  return { file, parquet: await openParquet({ byteLength: file.bytes, slice }) }
}

/** Writes from where the staged file ends, until the report or the time of this invocation ends. Gives the next record. */
async function writeOn(
  work: FileWork,
  { lander, records }: FittingReport,
  layout: FileLayout,
  staged: Staged | undefined,
): Promise<number> {
  const { job, held, archive, progress, enough } = work
  const { publishedFiles, newId } = job.services
  const { createEncoder } = await import('../../services/parquet/encode.ts')
  const { feed, window, attempt, generation } = held.entry()
  const name = stagedName(generation)
  const about = { feed, window: windowId(window), attempt: String(attempt), generation, sha256: archive.sha256 }
  const encoder = createEncoder(layout.columns, about, staged?.parquet)
  const owner = newId()
  // The last block is the footer, which the next one takes the place of.
  const ids = staged ? (await publishedFiles.blocks(name)).slice(0, -1) : []
  const stage = async (bytes: Uint8Array) => {
    held.assertHeld()
    const id = blockId(owner, ids.length)
    await publishedFiles.stage(name, id, bytes)
    ids.push(id)
  }
  const commit = async (next?: number) => {
    await stage(encoder.footer(next))
    held.assertHeld()
    if (await publishedFiles.commit(name, { ids, metadata: about }, staged?.file.etag)) return
    throw new Error(`${nameOf(held.entry())}: somebody else writes file ${name}, too`)
  }
  const refused = refusedCodes(progress)
  const start = staged?.parquet.notes.next ?? 0
  const group = openGroup(layout)
  let number = 0
  for await (const parsed of records) {
    held.assertHeld()
    if (isFailure(parsed)) throw new Error(`${parsed.message}; the check had read it whole`)
    for (const record of parsed) {
      const at = number++
      if (at < start || refused.has(at) || isReject(lander.land(record, at))) continue
      group.add(record)
      if (!group.isFull()) continue
      await stage(encoder.rowGroup(group.take()))
      if (!enough()) continue
      await commit(number)
      return number
    }
  }
  if (!group.isEmpty()) await stage(encoder.rowGroup(group.take()))
  await commit()
  return number
}

/** Collects the values of rows, column by column. */
function openGroup({ columns, valuesOf }: FileLayout) {
  const fresh = () => columns.map((): FileValue[] => [])
  let values = fresh()
  let rows = 0
  let characters = 0
  return {
    add(record: Parameters<FileLayout['valuesOf']>[0]) {
      valuesOf(record).forEach((value, index) => {
        values[index]?.push(value)
        if (typeof value === 'string') characters += value.length
      })
      rows++
    },
    isFull: () => rows >= GROUP_ROWS || characters >= GROUP_CHARACTERS,
    isEmpty: () => rows === 0,
    take() {
      const taken = values
      values = fresh()
      rows = 0
      characters = 0
      return taken
    },
  }
}

/** Reads the staged file back. One that is not what was written is removed, and written anew when the landing goes on. */
async function prove(
  { job, held, progress }: FileWork,
  { columns }: FileLayout,
  { file, parquet }: Staged,
): Promise<FileEvidence | Failure> {
  const { hashOfAll, readBack } = await import('../../services/parquet/parquet.ts')
  const { rows, hashes } = await readBack(parquet, columns, () => held.assertHeld())
  const wrong = columns.filter((_, index) => hashes[index] !== parquet.notes.hashes[index])
  if (rows === progress.acknowledged && wrong.length === 0) return { bytes: file.bytes, hash: hashOfAll(hashes) }
  await job.services.publishedFiles.remove(file.name, file.etag)
  const names = wrong.map(({ name }) => name).join(', ')
  const found = rows === progress.acknowledged ? `other values in ${names}` : `${rows} of ${progress.acknowledged} rows`
  return failed('storage', `${nameOf(held.entry())}: its file was read back with ${found}; it is written again`)
}
