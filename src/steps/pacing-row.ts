import { pacingRowKey } from '../core/app-rows.ts'
import { EMPTY_PACING, type Pacing } from '../core/pacing.ts'
import type { Services } from './step.ts'

/** The pacing row of an account as this tick last read or wrote it. */
export type PacingRow = { value: Pacing; etag: string | undefined }

export async function readPacing({ ledger }: Pick<Services, 'ledger'>, account: string): Promise<PacingRow> {
  return (await ledger.readApp<Pacing>(pacingRowKey(account))) ?? { value: EMPTY_PACING, etag: undefined }
}

/** Writes the row under its ETag; false where another instance was first, which ends the tick. */
export async function writePacing(
  { ledger }: Pick<Services, 'ledger'>,
  account: string,
  row: PacingRow,
  value: Pacing,
): Promise<boolean> {
  const etag = await ledger.writeApp(pacingRowKey(account), value, row.etag)
  if (etag === 'conflict') return false
  Object.assign(row, { value, etag })
  return true
}
