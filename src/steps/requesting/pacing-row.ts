import { type Failure, failed, isOfSignIn } from '../../core/failures.ts'
import { pacingRowKey } from '../../core/ledger/app-rows.ts'
import { withLookDone } from '../../core/plan/look.ts'
import { EMPTY_PACING, isPacing, type Pacing, throttled } from '../../core/plan/pacing.ts'
import { withoutRefusedSignIn, withRefusedSignIn } from '../../core/plan/refused-sign-in.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'

/** The pacing row of an account as this tick last read or wrote it. */
export type PacingRow = { value: Pacing; etag: string | undefined }

/** The pacing row among all app rows; a failure where it cannot be read, which stops its account alone. */
export function pacingOf(app: AppRows, account: string): PacingRow | Failure {
  const stored = app.get(pacingRowKey(account))
  if (!stored) return { value: EMPTY_PACING, etag: undefined }
  if (isPacing(stored.value)) return { value: stored.value, etag: stored.etag }
  return failed('unreadable-entry', `ledger row _app ${pacingRowKey(account)} is no pacing: something else changed it`)
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
 * Changes the row as it stands: where another instance was faster, it is read again and changed anew. Gives what it is then. A
 * row that cannot be read is left as it is: it stops the account anyway.
 */
async function changePacing(
  services: Pick<Services, 'ledger'>,
  account: string,
  row: PacingRow,
  change: (pacing: Pacing) => Pacing,
): Promise<Pacing> {
  for (;;) {
    const next = change(row.value)
    if (await writePacing(services, account, row, next)) return next
    const stored = await readPacing(services, account)
    if (!stored) return next
    Object.assign(row, stored)
  }
}

/** The row as it stands; undefined where it cannot be read. */
async function readPacing({ ledger }: Pick<Services, 'ledger'>, account: string): Promise<PacingRow | undefined> {
  const stored = await ledger.readApp<Pacing>(pacingRowKey(account))
  if (!stored) return { value: EMPTY_PACING, etag: undefined }
  return isPacing(stored.value) ? { ...stored } : undefined
}

/** Notes that the sign-in of an account was refused: the next tick tries it before it asks for anything. */
export async function noteRefusedSignIn(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  failure: Failure,
): Promise<void> {
  if (!isOfSignIn(failure)) return
  const row = await readPacing(services, account)
  if (row) await changePacing(services, account, row, (pacing) => withRefusedSignIn(pacing, failure, services.clock()))
}

/** Notes that the sign-in of an account works, where it had been refused. Another instance that was faster noted it too. */
export async function endRefusedSignIn(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  row: PacingRow,
): Promise<void> {
  const next = withoutRefusedSignIn(row.value, services.clock())
  if (next !== row.value) await writePacing(services, account, row, next)
}

/** As `endRefusedSignIn`, where the row is not known yet. */
export async function endRefusedSignInOf(services: Pick<Services, 'ledger' | 'clock'>, account: string): Promise<void> {
  const row = await readPacing(services, account)
  if (row) await endRefusedSignIn(services, account, row)
}

/** Notes that the datasets of the service were looked at. */
export async function noteLook(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  row: PacingRow,
): Promise<void> {
  await changePacing(services, account, row, (pacing) => withLookDone(pacing, services.clock()))
}

/**
 * The service refused a report for its quota. The account waits for `waitMs`, and has half its allowance from then on. Gives
 * its pacing afterwards.
 */
export function reduceAllowance(
  services: Pick<Services, 'ledger' | 'settings'>,
  account: string,
  row: PacingRow,
  now: Date,
  waitMs: number,
): Promise<Pacing> {
  return changePacing(services, account, row, (pacing) => throttled(pacing, now, waitMs, services.settings.limits))
}
