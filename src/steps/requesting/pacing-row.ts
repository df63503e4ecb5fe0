import { pacingRowKey } from '../../core/ledger/app-rows.ts'
import { EMPTY_PACING, type Pacing, throttled } from '../../core/plan/pacing.ts'
import type { Services } from '../services.ts'

/** The pacing row of an account as this tick last read or wrote it. */
export type PacingRow = { value: Pacing; etag: string | undefined }

export async function readPacing({ ledger }: Pick<Services, 'ledger'>, account: string): Promise<PacingRow> {
  return (await ledger.readApp<Pacing>(pacingRowKey(account))) ?? { value: EMPTY_PACING, etag: undefined }
}

/** Writes the row under its ETag. False where another instance was faster, which ends the tick. */
export async function writePacing(
  { ledger }: Pick<Services, 'ledger'>,
  account: string,
  row: PacingRow,
  value: Pacing,
): Promise<boolean> {
  const written = await ledger.writeApp(pacingRowKey(account), value, row.etag)
  if (!written) return false
  Object.assign(row, written)
  return true
}

/**
 * The service refused a report for its quota. The account waits for `waitMs`, and has half its allowance from then on. Tries
 * again where another instance was faster, or the others would go on asking. Gives what was written.
 */
export async function reduceAllowance(
  services: Pick<Services, 'ledger' | 'settings'>,
  account: string,
  row: PacingRow,
  now: Date,
  waitMs: number,
): Promise<Pacing> {
  const reduced = throttled(row.value, now, waitMs, services.settings.limits)
  if (await writePacing(services, account, row, reduced)) return reduced
  Object.assign(row, await readPacing(services, account))
  return reduceAllowance(services, account, row, now, waitMs)
}
