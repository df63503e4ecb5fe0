import type { Figures } from '../../src/core/ledger/ledger.ts'
import type { Deployment } from './deployment.ts'
import type { StoredRow } from './store.ts'

/** Everything that a landing leaves, without times and without ids that are new for each report. */
export type Outcome = {
  readonly rows: readonly StoredRow[]
  readonly archive: readonly object[]
  readonly figures: object
}

/**
 * Reads what a landed window left. Attempts are given by their rank, because an attempt whose report was never made
 * leaves nothing. Rows of another attempt or report than the figures name keep theirs, so that a comparison shows them.
 */
export async function outcomeOf({ store, entry }: Deployment): Promise<Outcome> {
  const figures = (await entry())?.value.figures
  if (!figures) throw new Error('the window has no figures')
  const rows = (await store.rows(figures.table)).map((row) => plainRow(row, figures))
  const blobs = (await store.blobs()).map((blob) => ({ ...blob, ...partsOf(blob.name) }))
  const attempts = [...new Set(blobs.map(({ attempt }) => attempt))].sort((a, b) => a - b)
  const archive = blobs.map(({ name, attempt, ending, bytes, contentType, metadata }) => ({
    attempt: attempts.indexOf(attempt),
    ending,
    bytes: bytes.toString('base64'),
    contentType,
    sha256: metadata.sha256,
    isOfAttempt: metadata.attempt === undefined || metadata.attempt === String(attempt),
    isOfFigures: name === figures.archive && metadata.reportid === figures.reportId,
  }))
  return { rows, archive, figures: { ...plainFigures(figures), attempt: attempts.indexOf(figures.attempt) } }
}

function partsOf(name: string): { attempt: number; ending: string } {
  const [, attempt, ending = ''] = /\/(\d+)-[^.]+\.(.+)$/.exec(name) ?? []
  return { attempt: Number(attempt), ending }
}

function plainRow(row: StoredRow, { attempt, reportId }: Figures): StoredRow {
  const isOfFigures = row._attempt === attempt && row._reportId === reportId
  return isOfFigures ? { ...row, _attempt: 'of the figures', _reportId: 'of the figures' } : row
}

function plainFigures(figures: Figures): object {
  const { requestedAt: _, landedAt: __, milliseconds: ___, operations: ____, ...rest } = figures
  return { ...rest, reportId: '', executionId: '', archive: '' }
}
