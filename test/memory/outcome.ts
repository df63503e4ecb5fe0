import { createHash } from 'node:crypto'
import type { Figures } from '../../src/core/ledger/ledger.ts'
import { generationAt } from '../../src/core/report/generation.ts'
import type { Deployment } from './deployment.ts'
import { contentOfFile, rowsOfFile } from './folder.ts'
import type { StoredBlob, StoredRow } from './store.ts'

/** Everything that a landing leaves, without times and without ids that are new for each report. */
export type Outcome = {
  readonly rows: readonly StoredRow[]
  readonly archive: readonly object[]
  readonly figures: object
  /** Every file of the container `published`. */
  readonly files: readonly object[]
  /** What the publication still has to do. */
  readonly owed: unknown
}

/**
 * Reads what a landed window left. Attempts are told by their rank, since the one whose report was never made has
 * none; rows that are not of the generation, the attempt and the report of the figures keep what they name, and so show.
 * Of the lists of rejects only the one that the figures name counts: an owner that was replaced leaves its own.
 */
export async function outcomeOf({ store, entry }: Deployment): Promise<Outcome> {
  const value = (await entry())?.value
  const figures = value?.figures
  if (!figures) throw new Error('the window has no figures')
  const rows = (await store.rows(figures.table)).map((row) => plainRow(row, figures))
  const all = await store.blobs()
  const blobs = all
    .filter(({ name }) => isReport(name) || name === figures.rejects)
    .map((blob) => ({ ...blob, ...partsOf(blob.name) }))
  const attempts = [...new Set(blobs.map(({ attempt }) => attempt))].sort((a, b) => a - b)
  // The order of names is that of random ids.
  const inOrder = blobs.toSorted((a, b) => a.attempt - b.attempt || a.ending.localeCompare(b.ending))
  const archive = inOrder.map(({ name, attempt, ending, bytes, contentType, metadata }) => ({
    attempt: attempts.indexOf(attempt),
    ending,
    bytes: bytes.toString('base64'),
    contentType,
    sha256: metadata.sha256,
    isOfAttempt: metadata.attempt === undefined || metadata.attempt === String(attempt),
    isOfFigures: name === figures.rejects || (name === figures.archive && metadata.reportid === figures.reportId),
  }))
  const files = await Promise.all((await store.files()).map((file) => plainFile(file, figures)))
  const plain = { ...plainFigures(figures), attempt: attempts.indexOf(figures.attempt) }
  return { rows, archive, figures: plain, files, owed: value.owed }
}

const isReport = (name: string) => !name.endsWith('.rejects.jsonl')

function partsOf(name: string): { attempt: number; ending: string } {
  const [, attempt, ending = ''] = /\/(\d+)-[^.]+\.(.+)$/.exec(name) ?? []
  return { attempt: Number(attempt), ending }
}

function plainRow(row: StoredRow, { attempt, generation, reportId }: Figures): StoredRow {
  const place = generationAt(String(row.PartitionKey))
  const isOfFigures = place?.generation === generation && row._attempt === attempt && row._reportId === reportId
  if (!isOfFigures) return row
  const shard = String(row.PartitionKey).slice(place.keyFrom.length)
  return { ...row, PartitionKey: shard, _attempt: 'of the figures', _reportId: 'of the figures' }
}

/** A file, and whether it is the one of which the figures speak. */
async function plainFile({ name, bytes, metadata, contentType }: StoredBlob, figures: Figures): Promise<object> {
  const { generation, attempt, reportId, file } = figures
  const rows = await rowsOfFile(bytes)
  const isOfReport = rows.every((row) => row._attempt === attempt && row._reportId === reportId)
  const isOfFigures = metadata.generation === generation && file?.bytes === bytes.length
  const content = createHash('sha256').update(contentOfFile(rows)).digest('hex')
  return { name, contentType, rows: rows.length, content, isOfFigures: isOfFigures && isOfReport }
}

function plainFigures(figures: Figures): object {
  const { requestedAt: _, landedAt: __, milliseconds: ___, operations: ____, ...rest } = figures
  return {
    ...rest,
    generation: '',
    reportId: '',
    executionId: '',
    archive: '',
    rejects: rest.rejects !== undefined,
    file: rest.file !== undefined,
  }
}
